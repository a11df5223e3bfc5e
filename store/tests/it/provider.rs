//! People whom a provider vouches for, and sign-ins on their way.

use std::collections::BTreeMap;

use domain::id::TenantId;
use domain::person::Role;
use store::sign_in::{self, NewSignIn};
use store::user::provider::{self, Admission, Vouched};
use store::{StoreError, user};

use crate::scene::Scene;

const ANN: Vouched = Vouched { issuer: "https://id.example", subject: "8f2c", email: "Ann@Example.com", name: "Ann" };

async fn admit(scene: &Scene, person: &Vouched<'_>, roles: &[(TenantId, &[Role])]) -> Admission {
    let roles: BTreeMap<_, _> = roles.iter().map(|(tenant, roles)| (*tenant, roles.to_vec())).collect();
    let mut relay = scene.relay().await;
    let admission = provider::admit(&mut relay, person, &roles).await.unwrap();
    relay.commit().await.unwrap();
    admission
}

fn admitted(admission: Admission) -> Vec<(TenantId, Vec<Role>)> {
    let Admission::Admitted(memberships) = admission else { panic!("{admission:?}") };
    memberships.into_iter().map(|member| (member.tenant_id, member.roles)).collect()
}

#[tokio::test]
async fn a_person_is_their_issuer_and_subject_and_nothing_else() {
    let Some(scene) = Scene::start().await else { return };
    let roles: &[(TenantId, &[Role])] = &[(scene.tenant, &[Role::Reviewer])];
    let mut relay = scene.relay().await;
    let (local, _) = user::ensure(&mut relay, "ann@example.com", None).await.unwrap();
    relay.commit().await.unwrap();
    let mut ids = vec![local];
    for person in [ANN, Vouched { subject: "8f2d", ..ANN }, Vouched { issuer: "https://id.example/", ..ANN }] {
        for email in ["ann@example.com", "other@example.com", "", "\u{c4}nn@example.com"] {
            let Admission::Admitted(memberships) = admit(&scene, &Vouched { email, ..person }, roles).await else { panic!("{email}") };
            ids.push(memberships[0].user_id);
        }
        assert_eq!(admitted(admit(&scene, &person, roles).await).len(), 1);
    }
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert_eq!(provider::by_email(&mut scene.relay().await, "Ann@example.com ").await.unwrap().len(), 3);
}

#[tokio::test]
async fn memberships_are_what_was_said_last() {
    let Some(scene) = Scene::start().await else { return };
    let both: &[(TenantId, &[Role])] = &[(scene.tenant, &[Role::Reviewer, Role::Lead]), (scene.other, &[Role::Auditor])];
    assert_eq!(admitted(admit(&scene, &ANN, both).await).len(), 2);
    let one: &[(TenantId, &[Role])] = &[(scene.other, &[Role::Auditor])];
    assert_eq!(admitted(admit(&scene, &ANN, one).await), [(scene.other, vec![Role::Auditor])]);
    assert_eq!(admit(&scene, &ANN, &[]).await, Admission::NoRole);
    assert_eq!(admit(&scene, &Vouched { subject: "never seen", ..ANN }, &[]).await, Admission::NoRole);
    let found = provider::by_email(&mut scene.relay().await, ANN.email).await.unwrap();
    assert_eq!(found.len(), 1, "who never had a role is not kept");
    assert!(user::memberships(&mut scene.relay().await, found[0].id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_first_sign_ins_at_once_one_makes_the_person() {
    let Some(scene) = Scene::start().await else { return };
    let roles = BTreeMap::from([(scene.tenant, vec![Role::Reviewer])]);
    let tries = (0..8).map(|_| {
        let (store, roles) = (scene.store.clone(), roles.clone());
        tokio::spawn(async move {
            let mut relay = store.begin_relay().await.unwrap();
            let admission = provider::admit(&mut relay, &ANN, &roles).await.unwrap();
            relay.commit().await.unwrap();
            admission
        })
    });
    let all: Vec<_> = futures::future::join_all(tries).await.into_iter().map(|admission| admitted(admission.unwrap())).collect();
    assert!(all.iter().all(|memberships| memberships.len() == 1), "{all:?}");
    assert_eq!(provider::by_email(&mut scene.relay().await, ANN.email).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_of_a_provider_has_a_password() {
    let Some(scene) = Scene::start().await else { return };
    admit(&scene, &ANN, &[(scene.tenant, &[Role::Reviewer])]).await;
    let mut relay = scene.relay().await;
    let row = provider::by_email(&mut relay, ANN.email).await.unwrap().remove(0);
    assert_eq!(user::by_email(&mut relay, ANN.email).await.unwrap(), None, "no local account is found by their address");
    assert_eq!(user::get(&mut relay, row.id).await.unwrap().as_ref(), Some(&row));
    let refused = user::set_password(&mut relay, row.id, "$argon2id$first").await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_taken_once_by_its_own_browser() {
    let Some(scene) = Scene::start().await else { return };
    let new = NewSignIn { state: "state", issuer: ANN.issuer, nonce: "nonce", verifier: "verifier", next: "/policy" };
    let mut relay = scene.relay().await;
    let browser = sign_in::begin(&mut relay, &new).await.unwrap();
    relay.commit().await.unwrap();
    for (state, browser) in [("state", "another"), ("another", browser.as_str()), ("", "")] {
        assert!(sign_in::take(&mut scene.relay().await, state, browser).await.unwrap().is_none(), "{state}");
    }
    let tries = (0..8).map(|_| {
        let (store, browser) = (scene.store.clone(), browser.clone());
        tokio::spawn(async move {
            let mut relay = store.begin_relay().await.unwrap();
            let taken = sign_in::take(&mut relay, "state", &browser).await.unwrap();
            relay.commit().await.unwrap();
            taken
        })
    });
    let taken: Vec<_> = futures::future::join_all(tries).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!([&taken[0].issuer, &taken[0].nonce, &taken[0].verifier, &taken[0].next], [ANN.issuer, "nonce", "verifier", "/policy"]);
    assert_eq!(sign_in::sweep(&mut scene.relay().await).await.unwrap(), 0);
}

//! A tenant's policy changes version by version, each kept with who made it.

use domain::id::TenantId;
use domain::policy::{Policy, ReviewRule};
use store::policy::{self, ChangeOutcome, PolicyVersion};
use store::{audit, tenant};

use crate::scene::Scene;

fn lease(seconds: u64) -> Policy {
    Policy { lease_seconds: seconds, ..Policy::default() }
}

async fn change(scene: &Scene, expected: u32, new: Policy, actor: &str) -> ChangeOutcome {
    let mut tx = scene.tx().await;
    let outcome = policy::change(&mut tx, expected, new, actor).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn history(scene: &Scene, tenant: TenantId) -> Vec<PolicyVersion> {
    policy::history(&mut scene.store.begin(tenant).await.unwrap(), None, 100).await.unwrap()
}

async fn told(scene: &Scene) -> Vec<(String, String)> {
    let links = audit::export(&mut scene.tx().await, scene.tenant, 0, 1_000).await.unwrap();
    let changes = links.into_iter().filter(|link| link.event_type == "policy.changed");
    changes.map(|link| (link.actor, link.payload.unwrap())).collect()
}

#[tokio::test]
async fn a_tenant_that_never_changed_its_policy_has_one_version() {
    let Some(scene) = Scene::start().await else { return };
    let versions = history(&scene, scene.tenant).await;
    assert_eq!(versions.len(), 1);
    assert_eq!((&versions[0].policy, versions[0].actor.as_str()), (&Policy::default(), "operator"));
    assert!(policy::history(&mut scene.tx().await, Some(1), 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_change_is_a_version_with_its_actor_and_a_link_in_the_chain() {
    let Some(scene) = Scene::start().await else { return };
    // Its own number counts for nothing.
    let wanted = Policy { version: 77, ..lease(120) };
    assert_eq!(change(&scene, 1, wanted, "user:ann").await, ChangeOutcome::Changed(Policy { version: 2, ..lease(120) }));
    let always = Policy { review: ReviewRule::Always, review_sample_percent: 5, ..lease(120) };
    let third = Policy { version: 3, ..always.clone() };
    assert_eq!(change(&scene, 2, always, "key:b").await, ChangeOutcome::Changed(third.clone()));

    assert_eq!(tenant::policy(&mut scene.tx().await).await.unwrap(), third);
    let versions = history(&scene, scene.tenant).await;
    let seen: Vec<(u32, &str, u64)> =
        versions.iter().map(|version| (version.policy.version, version.actor.as_str(), version.policy.lease_seconds)).collect();
    assert_eq!(seen, [(3, "key:b", 120), (2, "user:ann", 120), (1, "operator", 300)]);
    assert!(versions.is_sorted_by(|newer, older| newer.created_at >= older.created_at), "{versions:?}");
    let page = policy::history(&mut scene.tx().await, Some(3), 1).await.unwrap();
    assert_eq!(page.iter().map(|version| version.policy.version).collect::<Vec<_>>(), [2]);
    let links = [
        ("user:ann".to_owned(), r#"{"changed":["lease_seconds"],"from":1,"version":2}"#.to_owned()),
        ("key:b".to_owned(), r#"{"changed":["review","review_sample_percent"],"from":2,"version":3}"#.to_owned()),
    ];
    assert_eq!(told(&scene).await, links);
    assert_eq!(history(&scene, scene.other).await.len(), 1, "another tenant has its own");
    assert_eq!(tenant::policy(&mut scene.store.begin(scene.other).await.unwrap()).await.unwrap(), Policy::default());
}

#[tokio::test]
async fn who_saw_an_older_version_changes_nothing() {
    let Some(scene) = Scene::start().await else { return };
    change(&scene, 1, lease(120), "user:ann").await;
    for expected in [1, 3, 0, u32::MAX] {
        let outcome = change(&scene, expected, lease(60), "user:bob").await;
        assert_eq!(outcome, ChangeOutcome::Stale { current: Policy { version: 2, ..lease(120) } }, "{expected}");
    }
    assert_eq!((history(&scene, scene.tenant).await.len(), told(&scene).await.len()), (2, 1));
}

#[tokio::test]
async fn saving_what_there_is_makes_no_version() {
    let Some(scene) = Scene::start().await else { return };
    assert_eq!(
        change(&scene, 1, Policy { version: 9, ..Policy::default() }, "user:ann").await,
        ChangeOutcome::Unchanged(Policy::default())
    );
    assert_eq!((history(&scene, scene.tenant).await.len(), told(&scene).await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_at_once_one_counts() {
    let Some(scene) = Scene::start().await else { return };
    let changes = (0..8_u64).map(|number| {
        let (store, tenant) = (scene.store.clone(), scene.tenant);
        tokio::spawn(async move {
            let mut tx = store.begin(tenant).await.unwrap();
            let outcome = policy::change(&mut tx, 1, lease(60 + number), "user:ann").await.unwrap();
            tx.commit().await.unwrap();
            outcome
        })
    });
    let outcomes: Vec<ChangeOutcome> = futures::future::join_all(changes).await.into_iter().map(Result::unwrap).collect();
    let changed: Vec<&Policy> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            ChangeOutcome::Changed(policy) => Some(policy),
            ChangeOutcome::Unchanged(_) | ChangeOutcome::Stale { .. } => None,
        })
        .collect();
    assert_eq!(changed.len(), 1, "{outcomes:?}");
    assert_eq!(&tenant::policy(&mut scene.tx().await).await.unwrap(), changed[0]);
    assert_eq!(history(&scene, scene.tenant).await.len(), 2);
}

#[tokio::test]
async fn a_change_waits_for_nobody_who_only_names_the_tenant() {
    let Some(scene) = Scene::start().await else { return };
    let mut open = scene.tx().await;
    policy::change(&mut open, 1, lease(60), "user:ann").await.unwrap();
    // Rows of all kinds refer to the tenant's row.
    scene.accepted().await;
    open.commit().await.unwrap();
    assert_eq!(history(&scene, scene.tenant).await.len(), 2);
}

#[tokio::test]
async fn versions_are_never_edited() {
    let Some(scene) = Scene::start().await else { return };
    change(&scene, 1, lease(60), "user:ann").await;
    for url in [&scene.database.service_url, &scene.database.relay_url, &scene.database.owner_url] {
        let client = scene.database.connect(url).await;
        client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
        for change in ["update policies set actor = actor", "delete from policies", "truncate policies"] {
            let error = client.batch_execute(change).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{change}: {error}");
        }
    }
}

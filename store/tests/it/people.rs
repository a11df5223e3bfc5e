//! Who may sign in, and for whom they then work.

use std::time::Duration;

use domain::id::{TenantId, UserId};
use domain::person::Role;
use store::session::{self, Lifetime, NewSession, SessionRow};
use store::user::{self, UserRow};
use store::{StoreError, audit, wrong_password};

use crate::scene::Scene;

const DAY: Lifetime = Lifetime { idle: Duration::from_secs(1_800), total: Duration::from_secs(86_400) };
const HASH: &str = "$argon2id$first";

/// Somebody with a password, who belongs to these tenants.
async fn person(scene: &Scene, email: &str, name: &str, tenants: &[TenantId]) -> UserId {
    let mut relay = scene.relay().await;
    let (id, _) = user::ensure(&mut relay, email, Some(HASH)).await.unwrap();
    for tenant in tenants {
        user::enlist(&mut relay, *tenant, id, name, &[Role::Reviewer], "operator").await.unwrap();
    }
    relay.commit().await.unwrap();
    id
}

async fn row(scene: &Scene, email: &str) -> UserRow {
    user::by_email(&mut scene.relay().await, email).await.unwrap().unwrap()
}

/// They sign in, and work for the first of their tenants.
async fn sign_in(scene: &Scene, id: UserId, lifetime: Lifetime) -> NewSession {
    let mut relay = scene.relay().await;
    let memberships = user::memberships(&mut relay, id).await.unwrap();
    let opened = session::open(&mut relay, &memberships[0], lifetime).await.unwrap();
    relay.commit().await.unwrap();
    opened
}

async fn find(scene: &Scene, token: &str, lifetime: Lifetime) -> Option<SessionRow> {
    let mut relay = scene.relay().await;
    let found = session::find(&mut relay, token, lifetime, true).await.unwrap();
    relay.commit().await.unwrap();
    found
}

/// Every session was last seen so many seconds ago.
async fn seen_ago(scene: &Scene, seconds: i32) {
    let client = scene.database.connect(&scene.database.relay_url).await;
    client.execute("update sessions set seen_at = now() - make_interval(secs => $1)", &[&f64::from(seconds)]).await.unwrap();
}

/// How many seconds ago the only session was last seen.
async fn seen(scene: &Scene) -> f64 {
    let client = scene.database.connect(&scene.database.relay_url).await;
    let query = "select extract(epoch from clock_timestamp() - seen_at)::float8 from sessions";
    client.query_one(query, &[]).await.unwrap().get(0)
}

async fn told(scene: &Scene, tenant: TenantId, kind: &str) -> Vec<(String, String, serde_json::Value)> {
    let events = audit::export(&mut scene.relay().await, tenant, 0, 1_000).await.unwrap();
    let read = |event: audit::AuditEvent| (event.actor, event.subject, serde_json::from_str(&event.payload.unwrap()).unwrap());
    events.into_iter().filter(|event| event.event_type == kind).map(read).collect()
}

#[tokio::test]
async fn a_person_is_found_in_whatever_case_the_address_is_typed() {
    let Some(scene) = Scene::start().await else { return };
    let id = person(&scene, "  Ann.Smith@Example.COM ", "Ann", &[scene.tenant]).await;
    for typed in ["ann.smith@example.com", "ANN.SMITH@EXAMPLE.COM", " Ann.Smith@example.com\n"] {
        let row = row(&scene, typed).await;
        assert_eq!((row.id, row.email.as_str()), (id, "ann.smith@example.com"), "{typed}");
        assert_eq!((row.password_hash.as_deref(), row.disabled_at), (Some(HASH), None));
    }
    assert_eq!(user::by_email(&mut scene.relay().await, "smith@example.com").await.unwrap(), None);
    assert_eq!(user::by_email(&mut scene.relay().await, "").await.unwrap(), None);
    let nameless = user::ensure(&mut scene.relay().await, " ", None).await.unwrap_err();
    assert!(matches!(nameless, StoreError::Conflict { .. }), "{nameless:?}");
}

#[tokio::test]
async fn a_person_made_twice_is_one_and_keeps_the_first_password() {
    let Some(scene) = Scene::start().await else { return };
    let mut relay = scene.relay().await;
    let (id, made) = user::ensure(&mut relay, "ann@example.com", Some(HASH)).await.unwrap();
    assert!(made);
    assert_eq!(user::ensure(&mut relay, "Ann@Example.com", Some("$argon2id$second")).await.unwrap(), (id, false));
    assert_eq!(user::ensure(&mut relay, "ann@example.com", None).await.unwrap(), (id, false));
    let (through_organisation, made) = user::ensure(&mut relay, "bob@example.com", None).await.unwrap();
    assert!(made && through_organisation != id);
    relay.commit().await.unwrap();
    assert_eq!(row(&scene, "ann@example.com").await.password_hash.as_deref(), Some(HASH));
    assert_eq!(row(&scene, "bob@example.com").await.password_hash, None);

    let mut relay = scene.relay().await;
    assert!(user::set_password(&mut relay, id, "$argon2id$third").await.unwrap());
    assert!(!user::set_password(&mut relay, UserId::new(), "$argon2id$third").await.unwrap(), "nobody");
    relay.commit().await.unwrap();
    assert_eq!(row(&scene, "ann@example.com").await.password_hash.as_deref(), Some("$argon2id$third"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_who_make_a_person_at_once_all_get_the_same_one() {
    let Some(scene) = Scene::start().await else { return };
    let tries = (0..8).map(|_| {
        let store = scene.store.clone();
        tokio::spawn(async move {
            let mut relay = store.begin_relay().await.unwrap();
            let ensured = user::ensure(&mut relay, "ann@example.com", Some(HASH)).await.unwrap();
            relay.commit().await.unwrap();
            ensured
        })
    });
    let ensured: Vec<_> = futures::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(ensured.iter().all(|(id, _)| *id == ensured[0].0), "{ensured:?}");
    assert_eq!(ensured.iter().filter(|(_, made)| *made).count(), 1, "{ensured:?}");
}

#[tokio::test]
async fn wrong_passwords_make_the_next_try_wait_longer_and_longer() {
    let Some(scene) = Scene::start().await else { return };
    person(&scene, "ann@example.com", "Ann", &[scene.tenant]).await;
    let waits = [None, None, None, None, Some(15), Some(30), Some(60), Some(120), Some(240), Some(480), Some(900), Some(900)];
    // Whether there is such an account makes no difference.
    for address in ["ann@example.com", "nobody@example.com"] {
        for expected in waits {
            let mut relay = scene.relay().await;
            let told = wrong_password::count(&mut relay, address).await.unwrap();
            relay.commit().await.unwrap();
            let left = wrong_password::wait(&mut scene.relay().await, &format!(" {} ", address.to_uppercase())).await.unwrap();
            for found in [told, left] {
                let seconds = found.map(|left| left.as_secs_f64().ceil() as u64);
                // A busy machine may take a moment to ask.
                assert!(seconds == expected || seconds == expected.map(|most| most - 1), "{address}: {found:?} instead of {expected:?}");
            }
        }
    }
    assert_eq!(wrong_password::wait(&mut scene.relay().await, "bob@example.com").await.unwrap(), None, "nobody else waits");

    // The right password, or a new one, and all is forgotten: the next wrong one is the first again.
    let mut relay = scene.relay().await;
    wrong_password::forget(&mut relay, "Nobody@Example.com").await.unwrap();
    assert_eq!(wrong_password::wait(&mut relay, "nobody@example.com").await.unwrap(), None);
    for _ in 0..4 {
        assert_eq!(wrong_password::count(&mut relay, "nobody@example.com").await.unwrap(), None);
    }
    assert!(wrong_password::wait(&mut relay, "ann@example.com").await.unwrap().is_some());
    let ann = user::by_email(&mut relay, "ann@example.com").await.unwrap().unwrap();
    user::set_password(&mut relay, ann.id, "$argon2id$new").await.unwrap();
    assert_eq!(wrong_password::wait(&mut relay, "ann@example.com").await.unwrap(), None);
}

#[tokio::test]
async fn what_was_typed_wrong_a_day_ago_is_forgotten_with_the_next() {
    let Some(scene) = Scene::start().await else { return };
    let mut relay = scene.relay().await;
    for address in ["old@example.com", "new@example.com"] {
        wrong_password::count(&mut relay, address).await.unwrap();
    }
    relay.commit().await.unwrap();
    let client = scene.database.connect(&scene.database.relay_url).await;
    let age = "update wrong_passwords set last_at = now() - interval '25 hours' where address_sha256 = sha256('old@example.com')";
    assert_eq!(client.execute(age, &[]).await.unwrap(), 1, "the address itself is not kept");
    let mut relay = scene.relay().await;
    wrong_password::count(&mut relay, "another@example.com").await.unwrap();
    relay.commit().await.unwrap();
    let there = client.query_one("select count(*) from wrong_passwords", &[]).await.unwrap();
    assert_eq!(there.get::<_, i64>(0), 2);
}

#[tokio::test]
async fn somebody_who_was_disabled_has_no_session_any_more() {
    let Some(scene) = Scene::start().await else { return };
    let id = person(&scene, "ann@example.com", "Ann", &[scene.tenant]).await;
    let bob = person(&scene, "bob@example.com", "Bob", &[scene.tenant]).await;
    let (ann, bob) = (sign_in(&scene, id, DAY).await, sign_in(&scene, bob, DAY).await);
    let mut relay = scene.relay().await;
    assert!(user::set_disabled(&mut relay, id, true).await.unwrap());
    assert!(!user::set_disabled(&mut relay, UserId::new(), true).await.unwrap(), "nobody");
    relay.commit().await.unwrap();
    assert!(row(&scene, "ann@example.com").await.disabled_at.is_some());
    assert_eq!(find(&scene, &ann.token, DAY).await, None);
    assert!(find(&scene, &bob.token, DAY).await.is_some());

    let mut relay = scene.relay().await;
    user::set_disabled(&mut relay, id, false).await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(row(&scene, "ann@example.com").await.disabled_at, None);
    let again = sign_in(&scene, id, DAY).await;
    assert!(find(&scene, &again.token, DAY).await.is_some(), "let in again");
}

#[tokio::test]
async fn a_session_is_found_by_its_own_token_only() {
    let Some(scene) = Scene::start().await else { return };
    let id = person(&scene, "Ann@example.com", "Ann", &[scene.tenant]).await;
    let bob = person(&scene, "bob@example.com", "Bob", &[scene.other]).await;
    let (first, second, other) = (sign_in(&scene, id, DAY).await, sign_in(&scene, id, DAY).await, sign_in(&scene, bob, DAY).await);
    let found = find(&scene, &first.token, DAY).await.unwrap();
    assert_eq!((found.email.as_str(), found.ends_at.timestamp_micros()), ("ann@example.com", first.ends_at.timestamp_micros()));
    assert_eq!((found.member.tenant_id, found.member.tenant_name.as_str()), (scene.tenant, "acme"));
    assert_eq!((found.member.user_id, found.member.name.as_str(), &found.member.roles[..]), (id, "Ann", &[Role::Reviewer][..]));
    let [second, other] = [find(&scene, &second.token, DAY).await.unwrap(), find(&scene, &other.token, DAY).await.unwrap()];
    assert_eq!((second.member.user_id, other.member.user_id, other.member.tenant_id), (id, bob, scene.other));
    assert!(found.csrf != second.csrf && found.csrf != first.token, "each session has a word of its own for its forms");
    for guess in ["", "guess", &first.token[1..], &first.token.to_uppercase(), &found.csrf] {
        assert_eq!(find(&scene, guess, DAY).await, None, "{guess}");
    }
    // Not even who reads the table has what the browser sends.
    let client = scene.database.connect(&scene.database.relay_url).await;
    let kept: String = client.query_one("select string_agg(s::text, ' ') from sessions s", &[]).await.unwrap().get(0);
    assert!(!kept.contains(&first.token) && !kept.contains(&hex::encode(&first.token)));
    let subject = id.to_string();
    let opened = told(&scene, scene.tenant, "session.opened").await;
    assert_eq!(opened, [0, 1].map(|_| (user::actor(id), subject.clone(), serde_json::json!({}))));
    assert_eq!(told(&scene, scene.other, "session.opened").await.len(), 1);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_its_time_is_over() {
    let Some(scene) = Scene::start().await else { return };
    let id = person(&scene, "ann@example.com", "Ann", &[scene.tenant]).await;
    let over = sign_in(&scene, id, Lifetime { total: Duration::ZERO, ..DAY }).await;
    assert_eq!(find(&scene, &over.token, DAY).await, None, "its time is over, however busy it is");
    let mut relay = scene.relay().await;
    session::close(&mut relay, &over.token).await.unwrap();
    relay.commit().await.unwrap();
    let running = sign_in(&scene, id, DAY).await;
    assert_eq!(find(&scene, &running.token, Lifetime { idle: Duration::ZERO, ..DAY }).await, None);
    seen_ago(&scene, 1_801).await;
    assert_eq!(find(&scene, &running.token, DAY).await, None, "idle");
    assert!(seen(&scene).await > 1_800.0, "a request that came too late does not bring it back");
    seen_ago(&scene, 1_700).await;
    assert!(find(&scene, &running.token, DAY).await.is_some());
    assert!(seen(&scene).await < 1_000.0, "each request lets it idle anew");
    seen_ago(&scene, 30).await;
    assert!(find(&scene, &running.token, DAY).await.is_some());
    assert!(seen(&scene).await >= 30.0, "seen within the minute is not written again");
}

#[tokio::test]
async fn somebody_who_left_the_tenant_has_no_session_there() {
    let Some(scene) = Scene::start().await else { return };
    let id = person(&scene, "ann@example.com", "Ann", &[scene.tenant, scene.other]).await;
    let opened = sign_in(&scene, id, DAY).await;
    assert_eq!(find(&scene, &opened.token, DAY).await.unwrap().member.tenant_id, scene.tenant);
    let mut relay = scene.relay().await;
    user::enlist(&mut relay, scene.tenant, id, "Ann", &[], "user:lead").await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(find(&scene, &opened.token, DAY).await, None);
    let mut relay = scene.relay().await;
    assert!(!session::change_tenant(&mut relay, &opened.token, scene.tenant).await.unwrap(), "no way back");
    assert!(session::change_tenant(&mut relay, &opened.token, scene.other).await.unwrap(), "they still work for the other");
    relay.commit().await.unwrap();
    assert_eq!(find(&scene, &opened.token, DAY).await.unwrap().member.tenant_id, scene.other);
}

#[tokio::test]
async fn a_person_changes_to_their_own_tenants_only() {
    let Some(scene) = Scene::start().await else { return };
    let both = person(&scene, "ann@example.com", "Ann", &[scene.tenant, scene.other]).await;
    let one = person(&scene, "bob@example.com", "Bob", &[scene.tenant]).await;
    let (ann, bob) = (sign_in(&scene, both, DAY).await, sign_in(&scene, one, DAY).await);
    let csrf = find(&scene, &ann.token, DAY).await.unwrap().csrf;
    let mut relay = scene.relay().await;
    assert!(session::change_tenant(&mut relay, &ann.token, scene.other).await.unwrap());
    assert!(!session::change_tenant(&mut relay, &bob.token, scene.other).await.unwrap(), "not bob's tenant");
    assert!(!session::change_tenant(&mut relay, &ann.token, TenantId::new()).await.unwrap(), "nobody's tenant");
    assert!(!session::change_tenant(&mut relay, "guess", scene.tenant).await.unwrap(), "nobody's session");
    relay.commit().await.unwrap();
    let found = find(&scene, &ann.token, DAY).await.unwrap();
    assert_eq!((found.member.tenant_id, found.member.tenant_name.as_str()), (scene.other, "zenith"));
    assert_ne!(found.csrf, csrf, "a form that was made for the one tenant is not taken for the other");
    assert_eq!(find(&scene, &bob.token, DAY).await.unwrap().member.tenant_id, scene.tenant);
}

#[tokio::test]
async fn a_session_is_closed_alone_or_with_all_of_its_person() {
    let Some(scene) = Scene::start().await else { return };
    let ann = person(&scene, "ann@example.com", "Ann", &[scene.tenant]).await;
    let bob = person(&scene, "bob@example.com", "Bob", &[scene.tenant]).await;
    let mut anns = Vec::new();
    for _ in 0..3 {
        anns.push(sign_in(&scene, ann, DAY).await.token);
    }
    let bobs = sign_in(&scene, bob, DAY).await.token;
    let mut relay = scene.relay().await;
    session::close(&mut relay, &anns[0]).await.unwrap();
    session::close(&mut relay, &anns[0]).await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(find(&scene, &anns[0], DAY).await, None);
    assert!(find(&scene, &anns[1], DAY).await.is_some());

    let mut relay = scene.relay().await;
    assert_eq!(session::close_all(&mut relay, ann).await.unwrap(), 2);
    assert_eq!(session::close_all(&mut relay, ann).await.unwrap(), 0);
    relay.commit().await.unwrap();
    assert_eq!((find(&scene, &anns[1], DAY).await, find(&scene, &anns[2], DAY).await), (None, None));
    assert!(find(&scene, &bobs, DAY).await.is_some());
}

#[tokio::test]
async fn sweeping_removes_what_ran_out_and_nothing_else() {
    let Some(scene) = Scene::start().await else { return };
    let id = person(&scene, "ann@example.com", "Ann", &[scene.tenant]).await;
    sign_in(&scene, id, DAY).await;
    sign_in(&scene, id, DAY).await;
    seen_ago(&scene, 1_801).await;
    sign_in(&scene, id, Lifetime { total: Duration::ZERO, ..DAY }).await;
    let running = sign_in(&scene, id, DAY).await;
    let mut relay = scene.relay().await;
    assert_eq!(session::sweep(&mut relay).await.unwrap(), 1, "one whose time is over; idle ones are worth nothing, and end later");
    assert_eq!(session::sweep(&mut relay).await.unwrap(), 0);
    relay.commit().await.unwrap();
    assert!(find(&scene, &running.token, DAY).await.is_some());
}

#[tokio::test]
async fn a_person_of_two_tenants_is_something_else_for_each() {
    let Some(scene) = Scene::start().await else { return };
    let mut relay = scene.relay().await;
    let (id, _) = user::ensure(&mut relay, "ann@example.com", None).await.unwrap();
    assert_eq!(user::memberships(&mut relay, id).await.unwrap(), []);
    user::enlist(&mut relay, scene.other, id, "Ann of Zenith", &Role::ALL, "operator").await.unwrap();
    user::enlist(&mut relay, scene.tenant, id, "Ann", &[Role::Auditor], "operator").await.unwrap();
    relay.commit().await.unwrap();
    let mut relay = scene.relay().await;
    let memberships = user::memberships(&mut relay, id).await.unwrap();
    assert!(memberships.iter().all(|member| member.user_id == id));
    let read: Vec<_> = memberships.iter().map(|m| (m.tenant_id, m.tenant_name.as_str(), m.name.as_str(), &m.roles[..])).collect();
    let expected = [(scene.tenant, "acme", "Ann", &[Role::Auditor][..]), (scene.other, "zenith", "Ann of Zenith", &Role::ALL[..])];
    assert_eq!(read, expected);

    // What is said later replaces what was said before; no roles at all end it.
    user::enlist(&mut relay, scene.tenant, id, "Ann S.", &[Role::Lead, Role::Operator], "user:lead").await.unwrap();
    let changed = user::memberships(&mut relay, id).await.unwrap();
    assert_eq!((changed[0].name.as_str(), &changed[0].roles[..]), ("Ann S.", &[Role::Lead, Role::Operator][..]));
    assert_eq!(changed[1], memberships[1]);
    user::enlist(&mut relay, scene.other, id, "Ann", &[], "user:lead").await.unwrap();
    assert_eq!(user::memberships(&mut relay, id).await.unwrap(), changed[..1]);
    relay.commit().await.unwrap();
    let told = told(&scene, scene.other, "user.enlisted").await;
    assert_eq!(
        told.iter().map(|(actor, subject, _)| (actor.as_str(), subject.as_str())).collect::<Vec<_>>(),
        [("operator", id.to_string().as_str()), ("user:lead", id.to_string().as_str()),]
    );
    assert_eq!((&told[0].2["roles"], &told[1].2["roles"]), (&serde_json::json!(Role::ALL), &serde_json::json!([])));
    assert!(audit::verify(&mut scene.relay().await, scene.other).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_tenant_knows_the_names_of_its_own_people() {
    let Some(scene) = Scene::start().await else { return };
    let ann = person(&scene, "ann@example.com", "Ann", &[scene.tenant, scene.other]).await;
    let bob = person(&scene, "bob@example.com", "Bob", &[scene.tenant]).await;
    let eve = person(&scene, "eve@example.com", "Eve", &[scene.other]).await;
    person(&scene, "new@example.com", "Nobody's", &[]).await;
    let pairs = |people: [(UserId, &str); 2]| people.map(|(id, name)| (user::actor(id), name.to_owned())).into_iter().collect();
    assert_eq!(user::names(&mut scene.tx().await).await.unwrap(), pairs([(ann, "Ann"), (bob, "Bob")]));
    let actors = [ann, bob, eve].map(user::actor);
    let asked = ["system", "key:key_1", "user:nobody", ""].into_iter().chain(actors.iter().map(String::as_str));
    assert_eq!(user::names_of(&mut scene.tx().await, asked).await.unwrap(), pairs([(ann, "Ann"), (bob, "Bob")]));
    let one = user::names_of(&mut scene.tx().await, [actors[1].as_str()]).await.unwrap();
    assert_eq!(one.into_values().collect::<Vec<_>>(), ["Bob"]);
    let mut other = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(user::names(&mut other).await.unwrap(), pairs([(ann, "Ann"), (eve, "Eve")]));
    let mut relay = scene.relay().await;
    let first = user::memberships_after(&mut relay, ann, "", 1).await.unwrap();
    let rest = user::memberships_after(&mut relay, ann, &first[0].tenant_name, 10).await.unwrap();
    assert_eq!([first, rest].concat(), user::memberships(&mut relay, ann).await.unwrap());

    // Operators at the command line see everybody who is something somewhere.
    let listed = user::list(&mut scene.relay().await).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|(row, member)| (member.tenant_name.as_str(), row.email.as_str(), member.user_id)).collect();
    let expected = [
        ("acme", "ann@example.com", ann),
        ("acme", "bob@example.com", bob),
        ("zenith", "ann@example.com", ann),
        ("zenith", "eve@example.com", eve),
    ];
    assert_eq!(listed, expected);
}

//! What the desk's pages hear: every change of hands, by ids alone, and nothing of other tenants. And the numbers that they then show.

use std::time::Duration;

use domain::id::ReviewId;
use domain::person::Role;
use store::DatabaseConfig;
use store::desk_notices::{DeskNotice, DeskNotices, DeskReceiver};
use store::review::{self, ClaimOutcome, Proof};
use store::{session, user};

use crate::scene::Scene;

/// The next notice that is no call to look at everything.
async fn next(receiver: &mut DeskReceiver) -> DeskNotice {
    loop {
        let notice = tokio::time::timeout(Duration::from_secs(30), receiver.next()).await.expect("nothing was told");
        if notice != DeskNotice::Anything {
            return notice;
        }
    }
}

async fn claim(scene: &Scene, id: ReviewId, holder: &str) -> i64 {
    let mut tx = scene.tx().await;
    let ClaimOutcome::Leased(lease) = review::claim(&mut tx, id, holder, 300).await.unwrap() else { panic!("taken") };
    tx.commit().await.unwrap();
    lease.generation
}

#[tokio::test]
async fn every_change_of_hands_is_told_to_its_tenant_and_a_renewal_is_not() {
    let Some(scene) = Scene::start().await else { return };
    let notices = DeskNotices::spawn(&DatabaseConfig::new(&scene.database.relay_url)).unwrap();
    let mut ours = notices.subscribe(scene.tenant);
    // Listening wakes everybody when it begins.
    assert_eq!(ours.next().await, DeskNotice::Anything);
    let other = scene.database.tenant(&scene.store, "elsewhere").await;
    let mut theirs = notices.subscribe(other);

    let (_, id) = scene.in_review().await;
    assert_eq!(next(&mut ours).await, DeskNotice::Review(id), "opened");
    let generation = claim(&scene, id, "user:ann").await;
    assert_eq!(next(&mut ours).await, DeskNotice::Review(id), "taken");
    let mut tx = scene.tx().await;
    review::renew(&mut tx, id, Proof::Holder("user:ann"), generation, 600).await.unwrap();
    tx.commit().await.unwrap();
    // What is rolled back is never told.
    let mut tx = scene.tx().await;
    review::release(&mut tx, id, Proof::Holder("user:ann"), generation, "user:ann").await.unwrap();
    drop(tx);
    let (_, second) = scene.in_review().await;
    assert_eq!(next(&mut ours).await, DeskNotice::Review(second), "nothing was told of the renewal");
    let mut tx = scene.tx().await;
    review::take_over(&mut tx, id, "user:lea", "Ann is away", 300).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(next(&mut ours).await, DeskNotice::Review(id), "taken over");
    let mut tx = scene.tx().await;
    assert!(review::expire(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(next(&mut ours).await, DeskNotice::Review(id), "ended");
    assert_eq!(theirs.waiting(), None);
}

#[tokio::test]
async fn the_end_of_a_session_and_of_a_role_are_told() {
    let Some(scene) = Scene::start().await else { return };
    let mut relay = scene.relay().await;
    let (ann, _) = user::ensure(&mut relay, "ann@example.com", None).await.unwrap();
    user::enlist(&mut relay, scene.tenant, ann, "Ann", &[Role::Reviewer], "operator").await.unwrap();
    let member = user::memberships(&mut relay, ann).await.unwrap().remove(0);
    let lifetime = session::Lifetime { idle: Duration::from_secs(60), total: Duration::from_secs(60) };
    session::open(&mut relay, &member, lifetime).await.unwrap();
    relay.commit().await.unwrap();
    let notices = DeskNotices::spawn(&DatabaseConfig::new(&scene.database.relay_url)).unwrap();
    let mut ours = notices.subscribe(scene.tenant);
    assert_eq!(ours.next().await, DeskNotice::Anything);
    let mut relay = scene.relay().await;
    user::enlist(&mut relay, scene.tenant, ann, "Ann", &[Role::Lead], "operator").await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(next(&mut ours).await, DeskNotice::Access, "another role");
    let mut relay = scene.relay().await;
    user::set_disabled(&mut relay, ann, true).await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(next(&mut ours).await, DeskNotice::Access, "no session any more");
}

#[tokio::test]
async fn one_count_for_all_says_to_each_what_a_count_of_their_own_says() {
    let Some(scene) = Scene::start().await else { return };
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(scene.in_review().await.1);
    }
    claim(&scene, ids[0], "user:ann").await;
    claim(&scene, ids[1], "user:ann").await;
    claim(&scene, ids[2], "user:bob").await;
    let mut tx = scene.tx().await;
    let tally = review::tally(&mut tx).await.unwrap();
    for holder in ["user:ann", "user:bob", "user:eve"] {
        assert_eq!(tally.of(holder), review::counts(&mut tx, holder).await.unwrap(), "{holder}");
    }
    assert_eq!((tally.of("user:ann").mine, tally.of("user:eve").waiting), (2, 4));
}

#[tokio::test]
async fn why_a_review_was_taken_over_is_said_of_that_lease_only() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    claim(&scene, id, "user:ann").await;
    let mut tx = scene.tx().await;
    let ClaimOutcome::Leased(lease) = review::take_over(&mut tx, id, "user:lea", "Ann is away", 300).await.unwrap() else { panic!() };
    let standing = review::standing(&mut tx, id).await.unwrap().unwrap();
    assert_eq!(standing.taken_over.as_deref(), Some("Ann is away"));
    assert_eq!(standing.held.map(|(holder, number, _)| (holder, number)), Some(("user:lea".to_owned(), lease.generation)));
    review::release(&mut tx, id, Proof::Holder("user:lea"), lease.generation, "user:lea").await.unwrap();
    tx.commit().await.unwrap();
    claim(&scene, id, "user:bob").await;
    let mut tx = scene.tx().await;
    assert_eq!(review::standing(&mut tx, id).await.unwrap().unwrap().taken_over, None);
    assert!(review::standing(&mut tx, ReviewId::new()).await.unwrap().is_none());
}

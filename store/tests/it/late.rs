//! A round whose promised time passes: the part that is open then, or opens later, is escalated, and that is told once.

use domain::id::ReviewId;
use domain::review::{Part, ReviewStatus};
use domain::verdict::Verdict::{Refuted, Supported};
use domain::verification::Status;
use serde_json::Value;
use store::review::{self, Reach};
use store::verification::NewReview;
use store::webhook;

use crate::desk::told;
use crate::double::{answered, double, double_due, half, lease, parts};
use crate::scene::{Scene, new_review};

/// The engine's timer for a round rings.
async fn overdue(scene: &Scene, round: ReviewId) -> bool {
    let mut tx = scene.tx().await;
    let escalated = review::escalate_overdue(&mut tx, round).await.unwrap();
    tx.commit().await.unwrap();
    escalated
}

/// The reviews of which webhooks were told that they are overdue.
async fn overdue_told(scene: &Scene) -> Vec<String> {
    let rows = webhook::feed(&mut scene.tx().await, 0, 1_000).await.unwrap();
    let late = rows.into_iter().filter(|row| row.kind == "review.overdue");
    let review = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["data"]["review_id"].as_str().unwrap().to_owned();
    late.map(|row| review(&row.body)).collect()
}

async fn escalations(scene: &Scene) -> Vec<String> {
    told(scene, "review.escalated").await.into_iter().map(|(_, review, _)| review).collect()
}

#[tokio::test]
async fn who_escalates_in_time_keeps_no_webhook_from_hearing_that_the_time_passed() {
    let Some(scene) = Scene::start().await else { return };
    for by_person in [true, false] {
        let (_, first) = double(&scene).await;
        let mut tx = scene.tx().await;
        let actor = if by_person { "bob" } else { "system" };
        assert!(review::escalate(&mut tx, first, actor, "hard").await.unwrap());
        tx.commit().await.unwrap();
        let before = overdue_told(&scene).await.len();
        let client = scene.database.connect(&scene.database.owner_url).await;
        let late = format!("set app.tenant = '{}'; update reviews set due_at = clock_timestamp() where id = '{}'", scene.tenant.0, first.0);
        client.batch_execute(&late).await.unwrap();
        answered(&scene, first, "ann", Supported).await;
        assert_eq!(overdue_told(&scene).await.len() - before, usize::from(by_person), "by a person: {by_person}");
    }
}

#[tokio::test]
async fn a_part_that_opens_late_is_escalated_and_the_sla_finds_the_part_that_is_open() {
    let Some(scene) = Scene::start().await else { return };
    let late = NewReview { due_at: chrono::Utc::now() - chrono::Duration::minutes(1), ..new_review() };
    let (id, first) = double_due(&scene, late).await;
    answered(&scene, first, "ann", Supported).await;
    let second = parts(&scene, id).await.remove(0);
    assert!(second.status == ReviewStatus::Escalated && second.escalated_at.is_some() && second.escalated_by.is_none());
    assert_eq!(overdue_told(&scene).await, [second.id.to_string()], "the engine was away, so nobody had told it");
    assert_eq!(escalations(&scene).await, [second.id.to_string()]);
    assert!(!overdue(&scene, first).await, "and when it is back there is nothing left to tell");
    answered(&scene, second.id, "bob", Refuted).await;
    let third = parts(&scene, id).await.remove(0);
    assert_eq!((third.part, third.status), (Part::Adjudication, ReviewStatus::Escalated));
    assert_eq!(escalations(&scene).await, [second.id.to_string(), third.id.to_string()], "each review that is escalated says so");
    assert_eq!(overdue_told(&scene).await.len(), 1, "the round is late once");

    let (id, first, second) = half(&scene).await;
    assert!(overdue(&scene, first).await, "the engine names the round by its first part");
    assert!(!overdue(&scene, first).await);
    assert!(!overdue(&scene, ReviewId::new()).await);
    let row = review::get(&mut scene.tx().await, second).await.unwrap().unwrap();
    assert_eq!((row.status, row.escalated_by), (ReviewStatus::Escalated, None));
    for (name, reach) in [("bob", Reach::Own), ("lead", Reach::All)] {
        let next = review::claim_next(&mut scene.tx().await, name, reach, 300).await.unwrap().unwrap();
        let row = review::get(&mut scene.tx().await, next.review_id).await.unwrap().unwrap();
        assert_eq!(row.status, ReviewStatus::Escalated, "what is overdue is everybody's, first of all");
    }
    // Its lease is given back by its own number.
    let held = lease(&scene, second, "bob").await;
    let rang = review::expire_lease(&mut scene.tx().await, second, held.generation).await.unwrap();
    assert!(matches!(rang, review::ExpireLease::Renewed { .. }), "{rang:?}");
    assert_eq!(scene.row(id).await.status, Status::InReview);
}

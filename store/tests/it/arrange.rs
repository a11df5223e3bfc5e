//! Arranging the queue: what is urgent, whose it is, what waits, and what a reviewer puts aside.

use chrono::{TimeDelta, Utc};
use domain::id::{ReviewId, UserId};
use domain::person::Role;
use domain::queue::SkipTo;
use store::review::{self, NewSkip, Proof, QueueCounts, QueueFilter, Reach, SkipOutcome};
use store::verification::{self, NewReview};
use store::{comment, user};

use crate::desk::{lease, told};
use crate::scene::{Scene, outcome};

/// A review that is due so many minutes from now.
async fn due_in(scene: &Scene, minutes: i64) -> ReviewId {
    let row = scene.accepted().await;
    let due_at = Utc::now() + TimeDelta::minutes(minutes);
    let new = NewReview { blockers: vec![], wanted: 1, due_at, expires_at: due_at + TimeDelta::days(7) };
    let mut tx = scene.tx().await;
    let unsure = outcome(domain::verdict::Verdict::Insufficient);
    let published = verification::publish_provisional(&mut tx, row.id, 0, &unsure, Some(&new)).await.unwrap();
    tx.commit().await.unwrap();
    published.review_id.unwrap()
}

async fn person(scene: &Scene, name: &str) -> UserId {
    let mut relay = scene.relay().await;
    let (id, _) = user::ensure(&mut relay, &format!("{name}@example.com"), None).await.unwrap();
    user::enlist(&mut relay, scene.tenant, id, name, &[Role::Reviewer], "operator").await.unwrap();
    relay.commit().await.unwrap();
    id
}

async fn assign(scene: &Scene, id: ReviewId, to: Option<UserId>) -> bool {
    let mut tx = scene.tx().await;
    let row = review::movable(&mut tx, id).await.unwrap().unwrap();
    let changed = review::assign(&mut tx, &row, to, "user:lead").await.unwrap();
    tx.commit().await.unwrap();
    changed
}

async fn boost(scene: &Scene, id: ReviewId, urgent: bool) -> bool {
    let mut tx = scene.tx().await;
    let row = review::movable(&mut tx, id).await.unwrap().unwrap();
    let changed = review::boost(&mut tx, &row, urgent, "user:lead", "the customer waits").await.unwrap();
    tx.commit().await.unwrap();
    changed
}

async fn snooze(scene: &Scene, id: ReviewId, seconds: u32) -> Option<chrono::DateTime<Utc>> {
    let mut tx = scene.tx().await;
    let row = review::movable(&mut tx, id).await.unwrap().unwrap();
    let until = review::snooze(&mut tx, &row, seconds, "user:lead").await.unwrap();
    tx.commit().await.unwrap();
    until
}

/// What this holder would be handed; nothing is committed.
async fn next(scene: &Scene, holder: &str) -> Option<ReviewId> {
    review::claim_next(&mut scene.tx().await, holder, Reach::Own, 300).await.unwrap().map(|lease| lease.review_id)
}

async fn skip(scene: &Scene, id: ReviewId, holder: &str, to: SkipTo, seconds: u32) -> SkipOutcome {
    let held = lease(scene, id, holder, 300).await;
    let proof = Proof::Holder(holder);
    let new = NewSkip { review_id: id, proof, generation: held.generation, holder, to, seconds, note: "Ask the branch" };
    let mut tx = scene.tx().await;
    let outcome = review::skip(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn listed(scene: &Scene, filter: QueueFilter) -> Vec<ReviewId> {
    let filter = QueueFilter { limit: 100, ..filter };
    review::queue(&mut scene.tx().await, &filter).await.unwrap().into_iter().map(|item| item.id).collect()
}

/// The queue's numbers for this holder, counted both ways.
async fn counts(scene: &Scene, holder: &str) -> QueueCounts {
    let mut tx = scene.tx().await;
    let counts = review::counts(&mut tx, holder).await.unwrap();
    assert_eq!(review::tally(&mut tx).await.unwrap().of(holder), counts, "one person's count and everybody's agree");
    counts
}

#[tokio::test]
async fn what_is_urgent_comes_after_what_is_late_and_before_the_rest() {
    let Some(scene) = Scene::start().await else { return };
    let (late, soon, calm) = (due_in(&scene, -10).await, due_in(&scene, 10).await, due_in(&scene, 60).await);
    assert!(boost(&scene, calm, true).await);
    assert!(!boost(&scene, calm, true).await, "twice is once");
    let order = [late, calm, soon];
    assert_eq!(listed(&scene, QueueFilter::default()).await, order);
    // Every way through the queue goes by the same order.
    let mut tx = scene.tx().await;
    let rows = review::list(&mut tx, &review::ReviewFilter { open: true, limit: 10, ..Default::default() }).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), order);
    let after = Some((rows[0].place(), rows[0].id));
    let rest = review::list(&mut tx, &review::ReviewFilter { after, limit: 10, ..Default::default() }).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.id).collect::<Vec<_>>(), order[1..]);
    let items = review::queue(&mut tx, &QueueFilter { limit: 10, ..QueueFilter::default() }).await.unwrap();
    for (item, row) in items.iter().zip(&rows) {
        assert_eq!((item.place, item.boosted), (row.place(), row.boosted_at.is_some()), "places are the same here and in SQL");
    }
    assert_eq!(review::after(&mut tx, late, "user:ann").await.unwrap(), Some(calm));
    assert_eq!(review::before(&mut tx, soon, "user:ann").await.unwrap(), Some(calm));
    drop(tx);
    lease(&scene, late, "user:bob", 300).await;
    assert_eq!(next(&scene, "user:ann").await, Some(calm));
    assert!(boost(&scene, calm, false).await);
    assert_eq!(next(&scene, "user:ann").await, Some(soon), "and back to its place");
    assert_eq!((told(&scene, "review.boosted").await.len(), told(&scene, "review.unboosted").await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_assigned_is_its_persons_next_and_nobody_elses_until_it_is_late() {
    let Some(scene) = Scene::start().await else { return };
    let (ann, bob) = (person(&scene, "ann").await, person(&scene, "bob").await);
    let (soon, later) = (due_in(&scene, 10).await, due_in(&scene, 60).await);
    assert!(assign(&scene, later, Some(ann)).await && !assign(&scene, later, Some(ann)).await);
    assert_eq!(next(&scene, &user::actor(ann)).await, Some(later), "hers first");
    assert_eq!(next(&scene, &user::actor(bob)).await, Some(soon));
    assert_eq!(counts(&scene, &user::actor(ann)).await, QueueCounts { waiting: 2, assigned: 1, ..QueueCounts::default() });
    assert_eq!(listed(&scene, QueueFilter { assigned_to: Some(ann), ..QueueFilter::default() }).await, [later]);
    lease(&scene, soon, "client", 300).await;
    assert_eq!((next(&scene, &user::actor(bob)).await, next(&scene, "another client").await), (None, None));
    // Late is everybody's, whoever was meant to answer.
    let late = due_in(&scene, -1).await;
    assign(&scene, late, Some(ann)).await;
    assert_eq!(next(&scene, &user::actor(bob)).await, Some(late));
    assign(&scene, late, None).await;
    // Who leaves leaves what was theirs to all.
    let mut relay = scene.relay().await;
    user::enlist(&mut relay, scene.tenant, ann, "ann", &[], "operator").await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(review::get(&mut scene.tx().await, later).await.unwrap().unwrap().assigned_to, None);
    let data = &told(&scene, "review.assigned").await[0].2;
    assert_eq!((data["from"].is_null(), data["to"].as_str()), (true, Some(user::actor(ann).as_str())));
}

#[tokio::test]
async fn what_is_put_aside_is_nobodys_next_until_then_and_waits_no_longer_than_promised() {
    let Some(scene) = Scene::start().await else { return };
    let (soon, later) = (due_in(&scene, 10).await, due_in(&scene, 90).await);
    let row = review::get(&mut scene.tx().await, soon).await.unwrap().unwrap();
    assert_eq!(snooze(&scene, soon, 3_600).await, Some(row.due_at), "the promise to the client stands");
    assert_eq!(next(&scene, "user:ann").await, Some(later));
    assert_eq!(listed(&scene, QueueFilter { aside: Some(false), ..QueueFilter::default() }).await, [later]);
    assert_eq!(listed(&scene, QueueFilter { aside: Some(true), ..QueueFilter::default() }).await, [soon]);
    assert_eq!(counts(&scene, "user:ann").await, QueueCounts { waiting: 1, aside: 1, ..QueueCounts::default() });
    assert!(snooze(&scene, soon, 0).await.is_some());
    assert_eq!(next(&scene, "user:ann").await, Some(soon), "a lead ends it");
    // Whoever takes it by hand goes on with it.
    snooze(&scene, soon, 3_600).await;
    lease(&scene, soon, "user:bob", 300).await;
    assert_eq!(counts(&scene, "user:bob").await, QueueCounts { waiting: 2, mine: 1, ..QueueCounts::default() });
    assert_eq!(snooze(&scene, due_in(&scene, -1).await, 60).await, None, "what is late cannot wait");
}

#[tokio::test]
async fn who_skips_gets_something_else_and_the_next_person_reads_why() {
    let Some(scene) = Scene::start().await else { return };
    let ann = user::actor(person(&scene, "ann").await);
    let (one, two) = (due_in(&scene, 10).await, due_in(&scene, 20).await);
    assert_eq!(skip(&scene, one, &ann, SkipTo::Others, 0).await, SkipOutcome::Skipped { until: None });
    assert_eq!((next(&scene, &ann).await, next(&scene, "user:bob").await), (Some(two), Some(one)));
    let of = review::get(&mut scene.tx().await, one).await.unwrap().unwrap();
    assert_eq!((of.lease_holder.as_deref(), of.assigned_to), (None, None));
    let said = comment::list(&mut scene.tx().await, of.verification_id, "user:bob").await.unwrap();
    assert_eq!((said[0].author.as_str(), said[0].body.as_str()), (ann.as_str(), "Ask the branch"));
    // Kept for oneself it comes back last, and to nobody else.
    skip(&scene, two, &ann, SkipTo::Mine, 0).await;
    let three = due_in(&scene, 30).await;
    assert_eq!(next(&scene, &ann).await, Some(three));
    lease(&scene, three, "user:bob", 300).await;
    assert_eq!((next(&scene, &ann).await, next(&scene, "user:eve").await), (Some(two), Some(one)));
    // And not before its time, where one is given.
    assert!(matches!(skip(&scene, two, &ann, SkipTo::Mine, 60).await, SkipOutcome::Skipped { until: Some(_) }));
    assert_eq!(next(&scene, &ann).await, None);
    // A lead who assigns what was skipped means it.
    let bare = ann.strip_prefix("user:").unwrap().parse().unwrap();
    assign(&scene, one, Some(bare)).await;
    assert_eq!(next(&scene, &ann).await, Some(one));
    let since = Utc::now() - TimeDelta::hours(1);
    assert_eq!(review::skips(&mut scene.tx().await, since).await.unwrap()[&ann], 3);
    let (actor, subject, data) = told(&scene, "review.skipped").await.remove(0);
    assert_eq!((actor, subject), (ann, one.to_string()));
    assert!(data["target"] == "others" && data["comment_id"].is_string() && !data.to_string().contains("branch"), "{data}");
}

#[tokio::test]
async fn a_lead_is_handed_what_a_reviewer_passes_on_and_can_hand_it_back() {
    let Some(scene) = Scene::start().await else { return };
    let id = due_in(&scene, 10).await;
    skip(&scene, id, "user:ann", SkipTo::Lead, 0).await;
    assert_eq!(next(&scene, "user:bob").await, None);
    let mut tx = scene.tx().await;
    let row = review::movable(&mut tx, id).await.unwrap().unwrap();
    assert!(row.for_lead && review::hand_back(&mut tx, &row, "user:lead", "It is an ordinary one").await.unwrap());
    tx.commit().await.unwrap();
    let row = review::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!((row.status, row.escalated_at, row.escalated_by), (domain::review::ReviewStatus::Pending, None, None));
    assert_eq!(next(&scene, "user:bob").await, Some(id));
    // What the clock escalated stays marked as late.
    let late = due_in(&scene, -1).await;
    let mut tx = scene.tx().await;
    assert!(review::escalate_overdue(&mut tx, late).await.unwrap());
    let row = review::movable(&mut tx, late).await.unwrap().unwrap();
    assert!(!review::hand_back(&mut tx, &row, "user:lead", "again").await.unwrap());
    assert!(review::hand_to_leads(&mut tx, &row, "user:lead", "A hard one").await.unwrap());
    let row = review::movable(&mut tx, late).await.unwrap().unwrap();
    assert!(review::hand_back(&mut tx, &row, "user:lead", "It is not").await.unwrap());
    let row = review::get(&mut tx, late).await.unwrap().unwrap();
    assert_eq!((row.status, row.escalated_at.is_some()), (domain::review::ReviewStatus::Escalated, true));
}

#[tokio::test]
async fn nothing_is_skipped_without_the_lease_nor_put_off_when_it_is_late() {
    let Some(scene) = Scene::start().await else { return };
    let late = due_in(&scene, -1).await;
    assert_eq!(skip(&scene, late, "user:ann", SkipTo::Mine, 60).await, SkipOutcome::Overdue);
    let row = review::get(&mut scene.tx().await, late).await.unwrap().unwrap();
    assert_eq!(row.lease_holder.as_deref(), Some("user:ann"), "and it is hers still");
    let new = |holder| NewSkip {
        review_id: late,
        proof: Proof::Holder(holder),
        generation: row.lease_generation,
        holder,
        to: SkipTo::Others,
        seconds: 0,
        note: "x",
    };
    let mut tx = scene.tx().await;
    assert_eq!(review::skip(&mut tx, &new("user:bob")).await.unwrap(), SkipOutcome::LeaseLost);
    let stale = NewSkip { generation: 7, ..new("user:ann") };
    assert_eq!(review::skip(&mut tx, &stale).await.unwrap(), SkipOutcome::LeaseLost);
    let gone = NewSkip { review_id: ReviewId::new(), ..new("user:ann") };
    assert_eq!(review::skip(&mut tx, &gone).await.unwrap(), SkipOutcome::NotFound);
    assert!(review::movable(&mut tx, ReviewId::new()).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert!(told(&scene, "review.skipped").await.is_empty());
}

#[tokio::test]
async fn who_may_answer_is_known_before_it_is_assigned() {
    let Some(scene) = Scene::start().await else { return };
    let (ann, bob) = (person(&scene, "ann").await, person(&scene, "bob").await);
    let id = due_in(&scene, 10).await;
    let mut tx = scene.tx().await;
    assert_eq!(review::eligible(&mut tx, id, &[bob, ann]).await.unwrap(), [bob, ann], "in the order in which they were given");
    assert!(review::escalate(&mut tx, id, &user::actor(ann), "hard").await.unwrap());
    assert_eq!(review::eligible(&mut tx, id, &[ann, bob]).await.unwrap(), [bob]);
    assert!(review::loads(&mut tx).await.unwrap().is_empty());
    let row = review::movable(&mut tx, id).await.unwrap().unwrap();
    assert!(review::assign(&mut tx, &row, Some(bob), "user:lead").await.unwrap());
    assert_eq!(review::loads(&mut tx).await.unwrap()[&bob], 1);
}

//! What people do at the desk: find a review, say who they are, take it over, type, and talk about it.

use chrono::{DateTime, TimeDelta, Utc};
use domain::blocker::Blocker;
use domain::id::{DecisionId, ReviewId};
use domain::review::{Decision, ReviewStatus};
use domain::verdict::Verdict;
use serde_json::{Value, json};
use store::audit;
use store::outbox::{self, OutboxKind};
use store::review::{self, ClaimOutcome, DecideOutcome, ExpireLease, Lease, NewDecision, Proof, QueueCounts, QueueFilter, RenewOutcome};
use store::verification::{self, NewReview, NewVerification, SubmitOutcome};

use crate::scene::{Scene, new_verification, outcome};

/// All that are open.
const ALL: QueueFilter = QueueFilter {
    status: None,
    claim_type: None,
    reason: None,
    holder: None,
    viewer: None,
    assigned_to: None,
    aside: None,
    overdue: false,
    after: None,
    limit: 100,
};

/// A review of such a claim, wanted for such reasons.
async fn wanted(scene: &Scene, claim_type: &str, blockers: &[Blocker], due_at: DateTime<Utc>) -> ReviewId {
    let evidence_id = scene.evidence(scene.tenant, b"receipt").await;
    let mut tx = scene.tx().await;
    let new = NewVerification { claim_type: claim_type.into(), ..new_verification(&[evidence_id]) };
    let SubmitOutcome::Accepted(row) = verification::submit(&mut tx, new, None, "key:test").await.unwrap() else { panic!() };
    let new = NewReview { blockers: blockers.to_vec(), wanted: 1, due_at, expires_at: due_at + TimeDelta::days(7) };
    let published = verification::publish_provisional(&mut tx, row.id, 0, &outcome(Verdict::Insufficient), Some(&new)).await.unwrap();
    tx.commit().await.unwrap();
    published.review_id.unwrap()
}

pub async fn lease(scene: &Scene, id: ReviewId, holder: &str, seconds: u64) -> Lease {
    let mut tx = scene.tx().await;
    let ClaimOutcome::Leased(lease) = review::claim(&mut tx, id, holder, seconds).await.unwrap() else { panic!() };
    tx.commit().await.unwrap();
    lease
}

pub async fn take_over(scene: &Scene, id: ReviewId, holder: &str) -> ClaimOutcome {
    let mut tx = scene.tx().await;
    let taken = review::take_over(&mut tx, id, holder, "on leave", 300).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn decide(scene: &Scene, id: ReviewId, proof: Proof<'_>, generation: i64, holder: &str) -> DecideOutcome {
    let decision = Decision { verdict: Verdict::Supported, checks: vec![], note: None };
    let outcome = outcome(Verdict::Supported);
    let new = NewDecision { id: DecisionId::new(), review_id: id, proof, generation, decision: &decision, outcome: &outcome, holder };
    let mut tx = scene.tx().await;
    let decided = review::decide(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    decided
}

async fn ids(scene: &Scene, filter: QueueFilter) -> Vec<ReviewId> {
    review::queue(&mut scene.tx().await, &filter).await.unwrap().into_iter().map(|item| item.id).collect()
}

pub async fn told(scene: &Scene, kind: &str) -> Vec<(String, String, Value)> {
    let events = audit::export(&mut scene.tx().await, scene.tenant, 0, 1_000).await.unwrap();
    let read = |event: audit::AuditEvent| (event.actor, event.subject, serde_json::from_str(&event.payload.unwrap()).unwrap());
    events.into_iter().filter(|event| event.event_type == kind).map(read).collect()
}

#[tokio::test]
async fn the_queue_shows_what_is_due_first_and_then_what_is_oldest() {
    let Some(scene) = Scene::start().await else { return };
    let now = Utc::now();
    let mut made = Vec::new();
    for hours in [2, -1, 2, 1, -1] {
        made.push(wanted(&scene, "invoice", &[Blocker::NotFound], now + TimeDelta::hours(hours)).await);
    }
    assert_eq!(ids(&scene, ALL).await, [made[1], made[4], made[3], made[0], made[2]]);
    assert_eq!(ids(&scene, QueueFilter { limit: 2, ..ALL }).await, [made[1], made[4]]);
    let item = review::queue(&mut scene.tx().await, &ALL).await.unwrap().remove(0);
    let row = review::get(&mut scene.tx().await, made[1]).await.unwrap().unwrap();
    assert_eq!(
        (item.verification_id, item.status, item.due_at, item.created_at),
        (row.verification_id, row.status, row.due_at, row.created_at)
    );
    assert_eq!((item.claim_type.as_str(), &item.claim), ("invoice", &new_verification(&[]).claim));
    assert_eq!((item.blockers, item.held), (vec![Blocker::NotFound], None));

    // What is closed is not waited for, and nobody else sees any of it.
    let held = lease(&scene, made[1], "user:ann", 300).await;
    assert_eq!(decide(&scene, made[1], Proof::Token(&held.token), held.generation, "user:ann").await, DecideOutcome::Recorded);
    let mut tx = scene.tx().await;
    assert!(review::expire(&mut tx, made[4]).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ids(&scene, ALL).await, [made[3], made[0], made[2]]);
    for closed in [ReviewStatus::Decided, ReviewStatus::Expired] {
        assert_eq!(ids(&scene, QueueFilter { status: Some(closed), ..ALL }).await, []);
    }
    let other = &mut scene.store.begin(scene.other).await.unwrap();
    assert_eq!(review::queue(other, &ALL).await.unwrap(), []);
    assert_eq!(review::counts(other, "user:ann").await.unwrap(), QueueCounts::default());
}

#[tokio::test]
async fn paging_through_the_queue_loses_nothing_and_repeats_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let now = Utc::now();
    for number in 0..9 {
        // Most of them are due at the same moment as others.
        let claim_type = if number % 2 == 0 { "invoice" } else { "letter" };
        wanted(&scene, claim_type, &[Blocker::NotFound], now + TimeDelta::hours([1, 1, 2, 1, 1, 0, 1, 2, 2][number])).await;
    }
    for filter in [ALL, QueueFilter { claim_type: Some("invoice".into()), ..ALL }] {
        let whole = ids(&scene, filter.clone()).await;
        for limit in 1..=4 {
            let mut paged = Vec::new();
            let mut after = None;
            loop {
                let page = review::queue(&mut scene.tx().await, &QueueFilter { after, limit, ..filter.clone() }).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some((last.due_at, last.id));
                paged.extend(page.iter().map(|item| item.id));
            }
            assert_eq!(paged, whole, "{limit} at a time");
        }
    }
    // A page goes on from where it ended, even when the last one on it is gone by now.
    let first = review::queue(&mut scene.tx().await, &QueueFilter { limit: 4, ..ALL }).await.unwrap();
    let whole = ids(&scene, ALL).await;
    let mut tx = scene.tx().await;
    assert!(review::expire(&mut tx, first[3].id).await.unwrap());
    tx.commit().await.unwrap();
    let after = Some((first[3].due_at, first[3].id));
    assert_eq!(ids(&scene, QueueFilter { after, ..ALL }).await, whole[4..]);
}

#[tokio::test]
async fn the_queue_is_narrowed_and_its_numbers_agree() {
    let Some(scene) = Scene::start().await else { return };
    let (late, soon) = (Utc::now() - TimeDelta::hours(1), Utc::now() + TimeDelta::hours(1));
    let odd = Blocker::ConflictingValues { values: vec!["9.00".into(), r#""kind":"policy_review""#.into(), "A\u{0}B".into()] };
    let unread = Blocker::UnreadablePage { page: 2 };
    let a = wanted(&scene, "invoice", &[Blocker::NotFound], late).await;
    let b = wanted(&scene, "invoice", &[odd, unread.clone()], soon).await;
    let c = wanted(&scene, "letter", &[unread], late).await;
    let d = wanted(&scene, "letter", &[], soon).await;
    let mut tx = scene.tx().await;
    assert!(review::escalate(&mut tx, c, "system", "overdue").await.unwrap());
    tx.commit().await.unwrap();
    let held = lease(&scene, b, "user:ann", 300).await;
    lease(&scene, c, "user:bob", 300).await;
    lease(&scene, d, "user:ann", 0).await;

    let status = |status| QueueFilter { status: Some(status), ..ALL };
    assert_eq!(ids(&scene, status(ReviewStatus::Pending)).await, [a, b, d]);
    assert_eq!(ids(&scene, status(ReviewStatus::Escalated)).await, [c]);
    let claims = |claim_type: &str| QueueFilter { claim_type: Some(claim_type.into()), ..ALL };
    assert_eq!(ids(&scene, claims("invoice")).await, [a, b]);
    assert_eq!(ids(&scene, claims("Invoice")).await, []);
    let reason = |kind: &str| QueueFilter { reason: Some(kind.into()), ..ALL };
    assert_eq!(ids(&scene, reason("not_found")).await, [a]);
    assert_eq!(ids(&scene, reason("unreadable_page")).await, [c, b]);
    assert_eq!(ids(&scene, reason("conflicting_values")).await, [b]);
    for none in ["policy_review", "not", "%", ""] {
        assert_eq!(ids(&scene, reason(none)).await, [], "{none}");
    }
    let holder = |holder: &str| QueueFilter { holder: Some(holder.into()), ..ALL };
    assert_eq!(ids(&scene, holder("user:ann")).await, [b], "what ran out is not hers any more");
    assert_eq!(ids(&scene, holder("user:bob")).await, [c]);
    assert_eq!(ids(&scene, holder("user:eve")).await, []);
    let overdue = QueueFilter { overdue: true, ..ALL };
    assert_eq!(ids(&scene, overdue.clone()).await, [a, c]);
    assert_eq!(ids(&scene, QueueFilter { claim_type: Some("letter".into()), ..overdue.clone() }).await, [c]);
    assert_eq!(ids(&scene, QueueFilter { status: Some(ReviewStatus::Pending), ..overdue.clone() }).await, [a]);
    let shown = review::queue(&mut scene.tx().await, &ALL).await.unwrap();
    let shown: Vec<_> = shown.into_iter().map(|item| (item.id, item.held.map(|(holder, _)| holder))).collect();
    assert_eq!(shown, [(a, None), (c, Some("user:bob".into())), (b, Some("user:ann".into())), (d, None)]);
    let until = review::queue(&mut scene.tx().await, &holder("user:ann")).await.unwrap().remove(0).held.unwrap().1;
    assert_eq!(until, held.expires_at);

    for who in ["user:ann", "user:bob", "user:eve"] {
        let mut count = Vec::new();
        for filter in [ALL, overdue.clone(), status(ReviewStatus::Escalated), holder(who)] {
            count.push(ids(&scene, filter).await.len() as i64);
        }
        let counts = review::counts(&mut scene.tx().await, who).await.unwrap();
        assert_eq!([counts.waiting, counts.overdue, counts.escalated, counts.mine], count[..], "{who}");
    }
}

#[tokio::test]
async fn who_is_known_by_name_needs_no_token() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let ann = Proof::Holder("user:ann");
    let mut tx = scene.tx().await;
    assert_eq!(review::renew(&mut tx, id, ann, 0, 600).await.unwrap(), RenewOutcome::LeaseLost, "nobody holds it yet");
    let held = lease(&scene, id, "user:ann", 300).await;
    let RenewOutcome::Held { until } = review::renew(&mut tx, id, ann, held.generation, 600).await.unwrap() else { panic!() };
    assert!(until > held.expires_at);
    for (proof, generation) in [(Proof::Holder("user:bob"), 1), (Proof::Holder(""), 1), (Proof::Token("user:ann"), 1), (ann, 0), (ann, 2)] {
        assert_eq!(review::renew(&mut tx, id, proof, generation, 600).await.unwrap(), RenewOutcome::LeaseLost, "{proof:?} {generation}");
        assert_eq!(
            review::release(&mut tx, id, proof, generation, "user:x").await.unwrap(),
            RenewOutcome::LeaseLost,
            "{proof:?} {generation}"
        );
    }
    assert_eq!(review::renew(&mut tx, ReviewId::new(), ann, 1, 600).await.unwrap(), RenewOutcome::NotFound);
    assert_eq!(review::release(&mut tx, ReviewId::new(), ann, 1, "user:ann").await.unwrap(), RenewOutcome::NotFound);
    let other = &mut scene.store.begin(scene.other).await.unwrap();
    assert_eq!(review::renew(other, id, ann, held.generation, 600).await.unwrap(), RenewOutcome::NotFound);
    // Both proofs are good for the same lease.
    let token = Proof::Token(&held.token);
    assert!(matches!(review::renew(&mut tx, id, token, held.generation, 600).await.unwrap(), RenewOutcome::Held { .. }));
    assert!(matches!(review::release(&mut tx, id, ann, held.generation, "user:ann").await.unwrap(), RenewOutcome::Held { .. }));
    assert_eq!(review::release(&mut tx, id, ann, held.generation, "user:ann").await.unwrap(), RenewOutcome::LeaseLost);
    assert_eq!(review::renew(&mut tx, id, ann, held.generation, 600).await.unwrap(), RenewOutcome::LeaseLost);
    tx.commit().await.unwrap();
    // The name does not outlive the lease.
    let over = lease(&scene, id, "user:ann", 0).await;
    let mut tx = scene.tx().await;
    assert_eq!(review::renew(&mut tx, id, ann, over.generation, 600).await.unwrap(), RenewOutcome::LeaseLost);
    assert_eq!(decide(&scene, id, ann, over.generation, "user:ann").await, DecideOutcome::LeaseLost);
}

#[tokio::test]
async fn who_is_known_by_name_decides_what_they_hold() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let first = lease(&scene, id, "user:ann", 300).await;
    let mut tx = scene.tx().await;
    let ClaimOutcome::Leased(held) = review::retake(&mut tx, id, "user:ann", 300).await.unwrap() else { panic!() };
    tx.commit().await.unwrap();
    let [ann, bob] = [Proof::Holder("user:ann"), Proof::Holder("user:bob")];
    assert_eq!(decide(&scene, id, bob, held.generation, "user:bob").await, DecideOutcome::LeaseLost, "not his");
    assert_eq!(decide(&scene, id, bob, held.generation, "user:ann").await, DecideOutcome::LeaseLost, "nor in her name");
    assert_eq!(decide(&scene, id, ann, held.generation, "user:bob").await, DecideOutcome::LeaseLost, "nor she in his");
    assert_eq!(decide(&scene, id, ann, first.generation, "user:ann").await, DecideOutcome::LeaseLost, "a form of the lease before");
    assert_eq!(decide(&scene, ReviewId::new(), ann, held.generation, "user:ann").await, DecideOutcome::NotFound);
    assert_eq!(decide(&scene, id, ann, held.generation, "user:ann").await, DecideOutcome::Recorded);
    assert_eq!(decide(&scene, id, ann, held.generation, "user:ann").await, DecideOutcome::NotOpen(ReviewStatus::Decided));
}

#[tokio::test]
async fn a_lead_takes_a_review_over_and_says_why() {
    let Some(scene) = Scene::start().await else { return };
    let (verification_id, id) = scene.in_review().await;
    let lost = lease(&scene, id, "user:ann", 300).await;
    let ClaimOutcome::Leased(taken) = take_over(&scene, id, "user:lead").await else { panic!() };
    assert_eq!((taken.review_id, taken.generation), (id, lost.generation + 1));
    assert!(taken.token != lost.token);
    let row = review::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!(
        (row.lease_holder.as_deref(), row.lease_expires_at, row.status),
        (Some("user:lead"), Some(taken.expires_at), ReviewStatus::Pending)
    );

    for proof in [Proof::Token(&lost.token), Proof::Holder("user:ann")] {
        for generation in [lost.generation, taken.generation] {
            let mut tx = scene.tx().await;
            assert_eq!(review::renew(&mut tx, id, proof, generation, 300).await.unwrap(), RenewOutcome::LeaseLost);
            assert_eq!(review::release(&mut tx, id, proof, generation, "user:ann").await.unwrap(), RenewOutcome::LeaseLost);
            assert_eq!(decide(&scene, id, proof, generation, "user:ann").await, DecideOutcome::LeaseLost);
        }
    }
    let mut tx = scene.tx().await;
    assert!(matches!(review::claim(&mut tx, id, "user:ann", 300).await.unwrap(), ClaimOutcome::Held { by_me: false, .. }));
    // The timer of the lost lease ends nothing; the new lease has its own.
    assert_eq!(review::expire_lease(&mut tx, id, lost.generation).await.unwrap(), ExpireLease::Gone);
    let due = outbox::claim_due(&mut scene.relay().await, 10).await.unwrap();
    let timers: Vec<_> = due.iter().filter(|row| row.kind == OutboxKind::Lease).map(|row| &row.payload["generation"]).collect();
    assert_eq!(timers, [&json!(lost.generation), &json!(taken.generation)]);
    drop(tx);

    assert_eq!(decide(&scene, id, Proof::Holder("user:lead"), taken.generation, "user:lead").await, DecideOutcome::Recorded);
    assert_eq!(take_over(&scene, id, "user:lead").await, ClaimOutcome::NotOpen(ReviewStatus::Decided));
    let reason = json!({ "from": "user:ann", "reason": "on leave" });
    assert_eq!(told(&scene, "review.taken_over").await, [("user:lead".to_owned(), id.to_string(), reason)]);
    assert_eq!(told(&scene, "review.leased").await.iter().map(|(actor, ..)| actor.as_str()).collect::<Vec<_>>(), ["user:ann", "user:lead"]);
    assert_eq!(scene.events(verification_id).await.last().unwrap().1, "review.decided");
    assert!(audit::verify(&mut scene.tx().await, scene.tenant).await.unwrap().is_whole());
}

#[tokio::test]
async fn only_an_open_review_is_taken_over_held_or_not() {
    let Some(scene) = Scene::start().await else { return };
    let (_, free) = scene.in_review().await;
    let (_, expired) = scene.in_review().await;
    let mut tx = scene.tx().await;
    assert!(review::escalate(&mut tx, free, "system", "overdue").await.unwrap());
    assert!(review::expire(&mut tx, expired).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(take_over(&scene, expired, "user:lead").await, ClaimOutcome::NotOpen(ReviewStatus::Expired));
    assert_eq!(take_over(&scene, ReviewId::new(), "user:lead").await, ClaimOutcome::NotFound);
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(review::take_over(&mut foreign, free, "user:eve", "mine now", 300).await.unwrap(), ClaimOutcome::NotFound);
    foreign.commit().await.unwrap();
    assert_eq!(told(&scene, "review.taken_over").await, []);

    let taken = take_over(&scene, free, "user:lead").await;
    assert!(matches!(&taken, ClaimOutcome::Leased(lease) if lease.generation == 1), "{taken:?}");
    let row = review::get(&mut scene.tx().await, free).await.unwrap().unwrap();
    assert_eq!((row.status, row.lease_holder.as_deref()), (ReviewStatus::Escalated, Some("user:lead")));
    assert_eq!(told(&scene, "review.taken_over").await[0].2, json!({ "from": null, "reason": "on leave" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_decision_and_a_take_over_one_comes_first() {
    let Some(scene) = Scene::start().await else { return };
    for _ in 0..10 {
        let (_, id) = scene.in_review().await;
        let held = lease(&scene, id, "user:ann", 300).await;
        let decided = decide(&scene, id, Proof::Holder("user:ann"), held.generation, "user:ann");
        match tokio::join!(decided, take_over(&scene, id, "user:lead")) {
            (DecideOutcome::Recorded, ClaimOutcome::NotOpen(ReviewStatus::Decided)) => (),
            (DecideOutcome::LeaseLost, ClaimOutcome::Leased(taken)) => assert_eq!(taken.generation, held.generation + 1),
            both => panic!("{both:?}"),
        }
    }
}

//! One reviewer at a time, one decision per review.

use domain::id::{DecisionId, EvidenceId, ReviewId, VerificationId};
use domain::review::{Decision, EvidenceRequest, ReviewStatus};
use domain::verdict::Verdict;
use domain::verification::Status;
use store::outbox::{self, OutboxKind};
use store::review::{
    self, ClaimOutcome, DecideOutcome, ExpireLease, Lease, NewDecision, NewRequest, Proof, Reach, RenewOutcome, ReviewFilter,
};

use store::verification::{self, AddOutcome, Finalise, FinaliseOutcome, Progress};

use crate::scene::{Scene, new_review, outcome};

async fn lease(scene: &Scene, id: ReviewId, holder: &str, seconds: u64) -> Lease {
    let mut tx = scene.tx().await;
    let claimed = review::claim(&mut tx, id, holder, seconds).await.unwrap();
    tx.commit().await.unwrap();
    match claimed {
        ClaimOutcome::Leased(lease) => lease,
        other => panic!("{other:?}"),
    }
}

async fn decide(scene: &Scene, id: DecisionId, lease: &Lease, holder: &str) -> DecideOutcome {
    decide_as(scene, id, lease, holder, Verdict::Supported).await
}

async fn decide_as(scene: &Scene, id: DecisionId, lease: &Lease, holder: &str, verdict: Verdict) -> DecideOutcome {
    let decision = Decision { verdict, checks: vec![], note: Some("read it".into()) };
    let new = NewDecision {
        id,
        review_id: lease.review_id,
        proof: Proof::Token(&lease.token),
        generation: lease.generation,
        decision: &decision,
        outcome: &outcome(verdict),
        holder,
    };
    let mut tx = scene.tx().await;
    let decided = review::decide(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    decided
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_who_claim_at_once_one_gets_it() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let claims = (0..8).map(|number| {
        let (store, tenant) = (scene.store.clone(), scene.tenant);
        tokio::spawn(async move {
            let mut tx = store.begin(tenant).await.unwrap();
            let claimed = review::claim(&mut tx, id, &format!("reviewer {number}"), 300).await.unwrap();
            tx.commit().await.unwrap();
            claimed
        })
    });
    let claimed: Vec<_> = futures::future::join_all(claims).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(claimed.iter().filter(|claimed| matches!(claimed, ClaimOutcome::Leased(_))).count(), 1, "{claimed:?}");
    assert_eq!(claimed.iter().filter(|claimed| matches!(claimed, ClaimOutcome::Held { by_me: false, .. })).count(), 7);
    let row = review::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!(row.lease_generation, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn next_gives_everybody_another_review() {
    let Some(scene) = Scene::start().await else { return };
    for _ in 0..4 {
        scene.in_review().await;
    }
    let queue = review::list(&mut scene.tx().await, &ReviewFilter { open: true, limit: 10, ..ReviewFilter::default() }).await.unwrap();
    let mut txs = Vec::new();
    let mut leased = Vec::new();
    for number in 0..4 {
        let mut tx = scene.tx().await;
        let lease = review::claim_next(&mut tx, &format!("reviewer {number}"), Reach::All, 300).await.unwrap();
        leased.push(lease.unwrap().review_id);
        txs.push(tx);
    }
    assert_eq!(leased, queue.iter().map(|row| row.id).collect::<Vec<_>>(), "the most pressing first");
    assert_eq!(review::claim_next(&mut scene.tx().await, "late", Reach::All, 300).await.unwrap(), None);
    for tx in txs {
        tx.commit().await.unwrap();
    }
    let after = Some((queue[1].due_at, queue[1].id));
    let rest = review::list(&mut scene.tx().await, &ReviewFilter { after, limit: 10, ..ReviewFilter::default() }).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.id).collect::<Vec<_>>(), leased[2..]);
}

#[tokio::test]
async fn a_lease_is_its_token_and_its_number() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let first = lease(&scene, id, "ann", 300).await;
    let mut tx = scene.tx().await;
    assert!(matches!(review::claim(&mut tx, id, "ann", 300).await.unwrap(), ClaimOutcome::Held { by_me: true, .. }));
    assert!(matches!(review::retake(&mut tx, id, "bob", 300).await.unwrap(), ClaimOutcome::Held { by_me: false, .. }));
    assert!(matches!(
        review::renew(&mut tx, id, Proof::Token(&first.token), first.generation, 600).await.unwrap(),
        RenewOutcome::Held { .. }
    ));
    assert_eq!(review::renew(&mut tx, id, Proof::Token("guess"), first.generation, 600).await.unwrap(), RenewOutcome::LeaseLost);
    assert_eq!(review::renew(&mut tx, id, Proof::Token(&first.token), first.generation + 1, 600).await.unwrap(), RenewOutcome::LeaseLost);
    assert_eq!(review::renew(&mut tx, ReviewId::new(), Proof::Token(&first.token), 1, 600).await.unwrap(), RenewOutcome::NotFound);
    // A reload: the same person, a new token, and the old one is worth nothing.
    let ClaimOutcome::Leased(second) = review::retake(&mut tx, id, "ann", 300).await.unwrap() else { panic!() };
    assert_eq!(review::renew(&mut tx, id, Proof::Token(&first.token), first.generation, 600).await.unwrap(), RenewOutcome::LeaseLost);
    assert!(matches!(
        review::release(&mut tx, id, Proof::Token(&second.token), second.generation, "ann").await.unwrap(),
        RenewOutcome::Held { .. }
    ));
    assert_eq!(review::release(&mut tx, id, Proof::Token(&second.token), second.generation, "ann").await.unwrap(), RenewOutcome::LeaseLost);
    assert!(matches!(review::claim(&mut tx, id, "bob", 300).await.unwrap(), ClaimOutcome::Leased(lease) if lease.generation == 3));
    let row = review::get(&mut tx, id).await.unwrap().unwrap();
    assert_eq!(row.lease_holder.as_deref(), Some("bob"));
    let foreign = &mut scene.store.begin(scene.other).await.unwrap();
    assert_eq!(review::claim(foreign, id, "eve", 300).await.unwrap(), ClaimOutcome::NotFound);
}

#[tokio::test]
async fn the_timer_ends_a_lease_that_was_not_renewed() {
    let Some(scene) = Scene::start().await else { return };
    let (verification_id, id) = scene.in_review().await;
    let running = lease(&scene, id, "ann", 300).await;
    let due = outbox::claim_due(&mut scene.relay().await, 10).await.unwrap();
    let order = due.iter().find(|row| row.kind == OutboxKind::Lease).unwrap();
    assert_eq!((order.verification_id, order.payload["generation"].as_i64()), (verification_id, Some(running.generation)));

    let mut tx = scene.tx().await;
    let rang = review::expire_lease(&mut tx, id, running.generation).await.unwrap();
    assert_eq!(rang, ExpireLease::Renewed { until: running.expires_at });
    review::release(&mut tx, id, Proof::Token(&running.token), running.generation, "ann").await.unwrap();
    tx.commit().await.unwrap();
    // A lease of no length is over at once.
    let over = lease(&scene, id, "ann", 0).await;
    assert_eq!(decide(&scene, DecisionId::new(), &over, "ann").await, DecideOutcome::LeaseLost);
    let mut tx = scene.tx().await;
    assert_eq!(review::expire_lease(&mut tx, id, running.generation).await.unwrap(), ExpireLease::Gone, "an older lease");
    assert_eq!(review::expire_lease(&mut tx, id, over.generation).await.unwrap(), ExpireLease::Expired);
    assert_eq!(review::expire_lease(&mut tx, id, over.generation).await.unwrap(), ExpireLease::Gone);
    tx.commit().await.unwrap();
    lease(&scene, id, "bob", 300).await;
}

#[tokio::test]
async fn a_decision_sent_twice_is_one_decision() {
    let Some(scene) = Scene::start().await else { return };
    let (verification_id, id) = scene.in_review().await;
    let held = lease(&scene, id, "ann", 300).await;
    let decision_id = DecisionId::new();
    assert_eq!(decide(&scene, decision_id, &held, "bob").await, DecideOutcome::LeaseLost, "not bob's lease");
    assert_eq!(decide(&scene, decision_id, &held, "ann").await, DecideOutcome::Recorded);
    assert_eq!(decide(&scene, decision_id, &held, "ann").await, DecideOutcome::AlreadyRecorded);
    assert_eq!(decide(&scene, DecisionId::new(), &held, "ann").await, DecideOutcome::NotOpen(ReviewStatus::Decided));
    let other = decide_as(&scene, decision_id, &held, "ann", Verdict::Refuted).await;
    assert_eq!(other, DecideOutcome::NotOpen(ReviewStatus::Decided), "the same id with other words is another decision");
    let stored = review::decision(&mut scene.tx().await, decision_id).await.unwrap().unwrap();
    assert_eq!((stored.review_id, stored.holder.as_str(), stored.outcome), (id, "ann", outcome(Verdict::Supported)));
    let mut relay = scene.relay().await;
    let due = outbox::claim_due(&mut relay, 10).await.unwrap();
    let orders: Vec<_> = due.iter().filter(|row| row.kind == OutboxKind::Decision).collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].payload["decision_id"], decision_id.to_string());
    assert_eq!(scene.events(verification_id).await.last().unwrap().1, "review.decided");
    let mut tx = scene.tx().await;
    assert!(!review::expire(&mut tx, id).await.unwrap(), "too late");
    assert!(!review::escalate(&mut tx, id, "system", "overdue").await.unwrap());
}

#[tokio::test]
async fn who_ends_a_verification_finds_the_decision_that_was_recorded() {
    let Some(scene) = Scene::start().await else { return };
    let (verification_id, id) = scene.in_review().await;
    let held = lease(&scene, id, "ann", 300).await;
    assert_eq!(review::recorded(&mut scene.tx().await, verification_id).await.unwrap(), None);
    let decision_id = DecisionId::new();
    assert_eq!(decide(&scene, decision_id, &held, "ann").await, DecideOutcome::Recorded);
    assert_eq!(review::recorded(&mut scene.tx().await, verification_id).await.unwrap(), Some(decision_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_decision_and_the_expiry_one_wins() {
    let Some(scene) = Scene::start().await else { return };
    for _ in 0..10 {
        let (_, id) = scene.in_review().await;
        let held = lease(&scene, id, "ann", 300).await;
        let expiry = async {
            let mut tx = scene.tx().await;
            let expired = review::expire(&mut tx, id).await.unwrap();
            tx.commit().await.unwrap();
            expired
        };
        let (decided, expired) = tokio::join!(decide(&scene, DecisionId::new(), &held, "ann"), expiry);
        assert_eq!(decided == DecideOutcome::Recorded, !expired, "{decided:?}");
    }
}

#[tokio::test]
async fn an_overdue_review_is_escalated_once_and_stays_open() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let mut tx = scene.tx().await;
    assert!(review::escalate(&mut tx, id, "system", "overdue").await.unwrap());
    assert!(!review::escalate(&mut tx, id, "system", "overdue").await.unwrap());
    tx.commit().await.unwrap();
    let row = review::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert!(row.status == ReviewStatus::Escalated && row.escalated_at.is_some());
    let held = lease(&scene, id, "lead", 300).await;
    assert_eq!(decide(&scene, DecisionId::new(), &held, "lead").await, DecideOutcome::Recorded);
}

async fn ask(scene: &Scene, lease: &Lease, holder: &str) -> DecideOutcome {
    let request = EvidenceRequest { text: "The second page".into(), fields: vec!["total".into()] };
    let proof = Proof::Token(&lease.token);
    let new = NewRequest { review_id: lease.review_id, proof, generation: lease.generation, holder, request: &request };
    let mut tx = scene.tx().await;
    let asked = review::ask(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    asked
}

async fn add(scene: &Scene, id: VerificationId, files: &[EvidenceId]) -> AddOutcome {
    let mut tx = scene.tx().await;
    let added = verification::add_evidence(&mut tx, id, files, "key:test").await.unwrap();
    tx.commit().await.unwrap();
    added
}

#[tokio::test]
async fn what_is_asked_for_begins_another_round() {
    let Some(scene) = Scene::start().await else { return };
    let (id, first) = scene.in_review().await;
    let file = scene.evidence(scene.tenant, b"the second page").await;
    let row = async || verification::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!(add(&scene, id, &[file]).await, AddOutcome::NotAwaiting(Status::InReview));
    let taken = lease(&scene, first, "ann", 300).await;
    assert_eq!(ask(&scene, &Lease { generation: 2, ..taken.clone() }, "ann").await, DecideOutcome::LeaseLost);
    assert_eq!(ask(&scene, &taken, "bob").await, DecideOutcome::LeaseLost);

    assert_eq!(ask(&scene, &taken, "ann").await, DecideOutcome::Recorded);
    assert_eq!(ask(&scene, &taken, "ann").await, DecideOutcome::NotOpen(ReviewStatus::Asked));
    assert_eq!(decide(&scene, DecisionId::new(), &taken, "ann").await, DecideOutcome::NotOpen(ReviewStatus::Asked));
    // A workflow that begins anew, or a late attempt of its first step, does not end the wait.
    let mut tx = scene.tx().await;
    assert_eq!(verification::mark_processing(&mut tx, id).await.unwrap(), Status::AwaitingEvidence);
    tx.commit().await.unwrap();
    let waiting = row().await;
    assert_eq!((waiting.status, waiting.published), (Status::AwaitingEvidence, 1));
    assert_eq!(waiting.evidence_request.unwrap().text, "The second page");

    let known = waiting.evidence_ids[0];
    assert_eq!(add(&scene, id, &[known]).await, AddOutcome::NothingNew);
    assert_eq!(add(&scene, VerificationId::new(), &[file]).await, AddOutcome::NotFound);
    assert_eq!(add(&scene, id, &[known, file, file]).await, AddOutcome::Added);
    assert_eq!(add(&scene, id, &[file]).await, AddOutcome::NotAwaiting(Status::Queued));
    let queued = row().await;
    assert_eq!((queued.status, queued.evidence_ids, queued.evidence_request), (Status::Queued, vec![known, file], None));
    let orders = outbox::claim_due(&mut scene.relay().await, 100).await.unwrap();
    let orders: Vec<_> = orders.iter().filter(|order| order.kind == OutboxKind::Evidence && order.verification_id == id).collect();
    assert_eq!(orders.iter().map(|order| order.payload["round"].as_i64()).collect::<Vec<_>>(), [Some(1)], "told late, it is still round 1");

    // What came in time is not thrown away by a timer that rang meanwhile.
    let expire = Finalise::Expired { outcome: outcome(Verdict::Insufficient) };
    let mut tx = scene.tx().await;
    assert_eq!(verification::finalise(&mut tx, id, &expire).await.unwrap(), FinaliseOutcome::GoesOn(Status::Queued));
    drop(tx);

    // A late attempt of the first round changes nothing; the second round opens a review of its own, once.
    let publish = async |round| {
        let mut tx = scene.tx().await;
        let answer = outcome(Verdict::Refuted);
        let published = verification::publish_provisional(&mut tx, id, round, &answer, Some(&new_review())).await.unwrap();
        tx.commit().await.unwrap();
        published
    };
    let late = publish(0).await;
    assert_eq!((late.review_id, late.already), (Some(first), true));
    // The machine works again, and how far it is can be seen again.
    assert_eq!(row().await.progress, None, "of the round before");
    let progress = Progress { stage: "read".into(), blocks_done: 1, blocks_total: 2 };
    let mut tx = scene.tx().await;
    assert_eq!(verification::mark_processing(&mut tx, id).await.unwrap(), Status::Processing);
    verification::set_progress(&mut tx, id, &progress).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(row().await.progress, Some(progress.clone()));
    let second = publish(1).await;
    assert!(!second.already && second.review_id != Some(first));
    let again = publish(1).await;
    assert_eq!((again.review_id, again.already), (second.review_id, true));
    let answered = row().await;
    assert_eq!((answered.status, answered.verdict, answered.published), (Status::InReview, Some(Verdict::Refuted), 2));
    let mut tx = scene.tx().await;
    verification::set_progress(&mut tx, id, &progress).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(row().await.progress, None, "a late word of a round that was answered");
    let rounds: Vec<i32> = review::by_verification(&mut scene.tx().await, id).await.unwrap().iter().map(|row| row.round).collect();
    assert_eq!(rounds, [2, 1]);
    assert!(store::audit::verify(&mut scene.tx().await, scene.tenant).await.unwrap().is_whole());
}

//! What a verification comes to is written once, whoever says it again or says otherwise.

use activities::{DecideActivities, FinaliseActivities, ReviewActivities};
use domain::evidence::MediaType;
use domain::id::DecisionId;
use domain::review::Decision;
use domain::verdict::Verdict;
use domain::verification::{Outcome, Status};
use store::review::{self, ClaimOutcome, DecideOutcome, NewDecision, Proof};
use workflows::contract::{Ending, Finalise, LeaseRef, OpenReview, Publish, ReviewRef};

use super::scene::{Scene, play};

pub fn the_first_ending_wins() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let process = scene.process(1);
        process.publish(case).await;
        let canceled = Ending::Canceled;
        let failed = Ending::Failed { stage: "read".to_owned(), failure: "Timeout".to_owned() };
        for ending in [Ending::Machine, Ending::Machine, canceled, failed] {
            let ended = process.run(FinaliseActivities::finalise, Finalise { work: case.work, ending: ending.clone() }).await.unwrap();
            assert_eq!((ended.status, ended.verdict), (Status::Final, Some(Verdict::Supported)), "{ending:?}");
        }
        let row = scene.row(case.work).await;
        assert_eq!(row.final_outcome, row.provisional);
    });
}

pub fn a_review_is_opened_once() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let process = scene.process(1);
        process.publish(case).await;
        // The result is there without a review, so a repeat that asks for one opens none.
        let review = Some(OpenReview { sla_seconds: 60, expiry_seconds: 120 });
        let again = process.run(DecideActivities::publish, Publish { work: case.work, review: review.clone(), round: 0 }).await.unwrap();
        assert_eq!(again.review_id, None);

        let case = scene.case(scene.tenant, &Scene::receipt(20), MediaType::Text).await;
        let pages_total = process.prepare(case).await.unwrap().pages_total;
        process.read(case, pages_total).await.unwrap();
        process.judge(case, pages_total).await.unwrap();
        let publish = Publish { work: case.work, review, round: 0 };
        let opened = process.run(DecideActivities::publish, publish.clone()).await.unwrap().review_id;
        assert!(opened.is_some());
        assert_eq!(scene.process(2).run(DecideActivities::publish, publish).await.unwrap().review_id, opened);
        assert_eq!(scene.row(case.work).await.status, Status::InReview);

        let escalate = ReviewRef { work: case.work, review_id: opened.unwrap() };
        for attempt in [1, 2] {
            scene.process(attempt).run(ReviewActivities::escalate, escalate.clone()).await.unwrap();
        }
        let expire = Finalise { work: case.work, ending: Ending::Expired };
        let ended = process.run(FinaliseActivities::finalise, expire).await.unwrap();
        assert_eq!((ended.status, ended.verdict), (Status::Expired, Some(Verdict::Insufficient)));
    });
}

pub fn a_lease_ends_when_it_was_not_renewed() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let process = scene.process(1);
        let pages_total = process.prepare(case).await.unwrap().pages_total;
        process.read(case, pages_total).await.unwrap();
        process.judge(case, pages_total).await.unwrap();
        let review = Some(OpenReview { sla_seconds: 600, expiry_seconds: 1_200 });
        let review_id =
            process.run(DecideActivities::publish, Publish { work: case.work, review, round: 0 }).await.unwrap().review_id.unwrap();
        let take = async |seconds| {
            let mut tx = scene.store.begin(scene.tenant).await.unwrap();
            let ClaimOutcome::Leased(lease) = review::claim(&mut tx, review_id, "ann", seconds).await.unwrap() else { panic!("taken") };
            tx.commit().await.unwrap();
            lease.generation
        };

        // Held for minutes yet: the timer fired early, and is told for how long to go on.
        let generation = take(300).await;
        let lease = LeaseRef { work: case.work, review_id, generation };
        let state = process.run(ReviewActivities::expire_lease, lease.clone()).await.unwrap();
        assert!(state.remaining_seconds.is_some_and(|seconds| (200..=301).contains(&seconds)), "{state:?}");
        // An older generation concerns nobody any more.
        let older = LeaseRef { generation: generation - 1, ..lease };
        assert_eq!(process.run(ReviewActivities::expire_lease, older).await.unwrap().remaining_seconds, None);
    });
}

pub fn a_recorded_decision_is_the_ending_whatever_else_came_first() {
    play(async |scene: Scene| {
        let failed = Ending::Failed { stage: "review".to_owned(), failure: "Timeout".to_owned() };
        for (number, ending) in [Ending::Canceled, failed, Ending::Expired].into_iter().enumerate() {
            let case = scene.case(scene.tenant, &Scene::receipt(number), MediaType::Text).await;
            let process = scene.process(1);
            let pages_total = process.prepare(case).await.unwrap().pages_total;
            process.read(case, pages_total).await.unwrap();
            process.judge(case, pages_total).await.unwrap();
            let review = Some(OpenReview { sla_seconds: 600, expiry_seconds: 1_200 });
            let publish = Publish { work: case.work, review, round: 0 };
            let review_id = process.run(DecideActivities::publish, publish.clone()).await.unwrap().review_id.unwrap();
            let outcome = Outcome { verdict: Verdict::Refuted, ..scene.row(case.work).await.provisional.unwrap() };
            let decision = Decision { verdict: Verdict::Refuted, checks: Vec::new(), note: None };
            let mut tx = scene.store.begin(scene.tenant).await.unwrap();
            let ClaimOutcome::Leased(lease) = review::claim(&mut tx, review_id, "ann", 300).await.unwrap() else { panic!("taken") };
            let id = DecisionId::new();
            let new = NewDecision {
                id,
                review_id,
                proof: Proof::Token(&lease.token),
                generation: lease.generation,
                decision: &decision,
                outcome: &outcome,
                holder: "ann",
            };
            assert_eq!(review::decide(&mut tx, &new).await.unwrap(), DecideOutcome::Recorded);
            tx.commit().await.unwrap();

            // A workflow that begins again, because its engine forgot it, is told that nobody need be waited for.
            let again = process.run(DecideActivities::publish, publish).await.unwrap();
            assert_eq!((again.review_id, again.decided), (Some(review_id), Some(id)));
            let ended = process.run(FinaliseActivities::finalise, Finalise { work: case.work, ending: ending.clone() }).await.unwrap();
            assert_eq!((ended.status, ended.verdict), (Status::Final, Some(Verdict::Refuted)), "{ending:?}");
        }
    });
}

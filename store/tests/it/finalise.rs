//! From accepted to the end, each step once however often it is asked for.

use domain::id::{DecisionId, VerificationId};
use domain::review::ReviewStatus;
use domain::usage::Usage;
use domain::verdict::Verdict;
use domain::verification::Status;
use store::verification::{self, CancelOutcome, Finalise, FinaliseOutcome, Progress};
use store::{StoreError, outbox, review, usage};

use crate::scene::{Scene, new_review, outcome};

#[tokio::test]
async fn a_verification_ends_once() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    for _ in 0..2 {
        let mut tx = scene.tx().await;
        assert_eq!(verification::mark_processing(&mut tx, id).await.unwrap(), Status::Processing);
        let progress = Progress { stage: "read".into(), blocks_done: 1, blocks_total: 2 };
        verification::set_progress(&mut tx, id, &progress).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(scene.row(id).await.progress, Some(progress));
    }
    for already in [false, true] {
        let mut tx = scene.tx().await;
        let published = verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Supported), None).await.unwrap();
        assert_eq!((published.review_id, published.already), (None, already));
        tx.commit().await.unwrap();
    }
    let row = scene.row(id).await;
    assert_eq!((row.status, row.verdict, row.progress), (Status::Provisional, Some(Verdict::Supported), None));
    for expected in [FinaliseOutcome::Done, FinaliseOutcome::AlreadyTerminal(Status::Final)] {
        let mut tx = scene.tx().await;
        assert_eq!(verification::finalise(&mut tx, id, &Finalise::Machine).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    let mut tx = scene.tx().await;
    let late = verification::finalise(&mut tx, id, &Finalise::Failed { kind: "late".into() }).await.unwrap();
    assert_eq!(late, FinaliseOutcome::AlreadyTerminal(Status::Final));
    tx.commit().await.unwrap();
    let row = scene.row(id).await;
    assert_eq!((row.status, row.verdict, &row.failure), (Status::Final, Some(Verdict::Supported), &None));
    assert_eq!((row.final_outcome.clone(), row.provisional), (Some(outcome(Verdict::Supported)), row.final_outcome));
    assert!(row.finished_at.is_some());
    let kinds = ["accepted", "processing", "provisional", "final"].map(|kind| format!("verification.{kind}"));
    assert_eq!(scene.events(id).await, (1..).zip(kinds).collect::<Vec<_>>());
    assert_eq!(outbox::depth(&mut scene.relay().await).await.unwrap().count, 0);
}

#[tokio::test]
async fn progress_never_goes_back_within_a_stage() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    let at = |stage: &str, blocks_done| Progress { stage: stage.into(), blocks_done, blocks_total: 9 };
    // A worker that was killed comes back with the block that it was at.
    let told = [at("read", 4), at("read", 2), at("read", 4), at("read", 6), at("judge", 1), at("judge", 0)];
    let shown = [at("read", 4), at("read", 4), at("read", 4), at("read", 6), at("judge", 1), at("judge", 1)];
    for (told, shown) in told.into_iter().zip(shown) {
        let mut tx = scene.tx().await;
        verification::set_progress(&mut tx, id, &told).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(scene.row(id).await.progress, Some(shown));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_finalise_at_once_one_does() {
    let Some(scene) = Scene::start().await else { return };
    let (id, _) = scene.in_review().await;
    let tries = (0..8).map(|number| {
        let (store, tenant) = (scene.store.clone(), scene.tenant);
        tokio::spawn(async move {
            let mut tx = store.begin(tenant).await.unwrap();
            let how = match number % 3 {
                0 => Finalise::Machine,
                1 => Finalise::Canceled { reason: "client".into() },
                _ => Finalise::Expired { outcome: outcome(Verdict::Insufficient) },
            };
            let done = verification::finalise(&mut tx, id, &how).await.unwrap();
            tx.commit().await.unwrap();
            done
        })
    });
    let done: Vec<_> = futures::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(done.iter().filter(|done| **done == FinaliseOutcome::Done).count(), 1, "{done:?}");
    let ends = scene.events(id).await.into_iter().filter(|(sequence, _)| *sequence > 4).count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn a_person_who_overturns_the_machine_leaves_both_results() {
    let Some(scene) = Scene::start().await else { return };
    let (id, review_id) = scene.in_review().await;
    let mut tx = scene.tx().await;
    let reviewed = Finalise::Reviewed { decision_id: DecisionId::new(), outcome: outcome(Verdict::Refuted) };
    assert_eq!(verification::finalise(&mut tx, id, &reviewed).await.unwrap(), FinaliseOutcome::Done);
    tx.commit().await.unwrap();
    let row = scene.row(id).await;
    assert_eq!(row.provisional.unwrap().verdict, Verdict::Insufficient);
    assert_eq!((row.verdict, row.final_outcome.unwrap().verdict), (Some(Verdict::Refuted), Verdict::Refuted));
    let events = scene.events(id).await;
    assert_eq!(events.last().unwrap(), &(row.sequence, "verification.corrected".to_owned()));
    assert_eq!(events.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), (1..=row.sequence).collect::<Vec<_>>());
    let review = review::get(&mut scene.tx().await, review_id).await.unwrap().unwrap();
    assert_eq!(review.status, ReviewStatus::Canceled, "nobody else needs to look at it");
}

#[tokio::test]
async fn publishing_again_finds_the_same_review() {
    let Some(scene) = Scene::start().await else { return };
    let (id, review_id) = scene.in_review().await;
    let mut tx = scene.tx().await;
    let again = verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Supported), Some(&new_review())).await.unwrap();
    assert_eq!((again.review_id, again.already), (Some(review_id), true));
    tx.commit().await.unwrap();
    assert_eq!(scene.row(id).await.verdict, Some(Verdict::Insufficient));
    assert_eq!(review::by_verification(&mut scene.tx().await, id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wish_to_cancel_is_kept_once() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    for _ in 0..2 {
        let mut tx = scene.tx().await;
        assert_eq!(verification::request_cancel(&mut tx, id, "key:a").await.unwrap(), CancelOutcome::Requested);
        tx.commit().await.unwrap();
    }
    assert_eq!(outbox::depth(&mut scene.relay().await).await.unwrap().count, 2, "start and cancel");
    let mut tx = scene.tx().await;
    verification::finalise(&mut tx, id, &Finalise::Canceled { reason: "client".into() }).await.unwrap();
    assert_eq!(verification::request_cancel(&mut tx, id, "key:a").await.unwrap(), CancelOutcome::AlreadyTerminal(Status::Canceled));
    tx.commit().await.unwrap();
    assert_eq!(outbox::depth(&mut scene.relay().await).await.unwrap().count, 0, "nothing is told about what has ended");
    let unknown = VerificationId::new();
    assert_eq!(verification::request_cancel(&mut scene.tx().await, unknown, "key:a").await.unwrap(), CancelOutcome::NotFound);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_finished() {
    let Some(scene) = Scene::start().await else { return };
    let error = verification::finalise(&mut scene.tx().await, VerificationId::new(), &Finalise::Machine).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
    let id = scene.accepted().await.id;
    let error = verification::finalise(&mut scene.tx().await, id, &Finalise::Machine).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "no provisional result yet: {error:?}");
    let foreign = scene.accepted_by(scene.other).await.id;
    assert_eq!(verification::get(&mut scene.tx().await, foreign).await.unwrap(), None);
    assert!(verification::mark_processing(&mut scene.tx().await, foreign).await.is_err());
}

#[tokio::test]
async fn usage_is_written_once_per_piece_of_work() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    let read = Usage { stage: "read".into(), pages: 2, cpu_seconds: 1.5, bytes: 100 };
    for _ in 0..2 {
        let mut tx = scene.tx().await;
        usage::append_many(&mut tx, id, &[(&read, "read:1"), (&read, "read:2")]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let lines = usage::list(&mut scene.tx().await, id).await.unwrap();
    assert_eq!(
        lines.iter().map(|line| (line.idempotency_key.as_str(), &line.usage)).collect::<Vec<_>>(),
        [("read:1", &read), ("read:2", &read)]
    );
}

#[tokio::test]
async fn work_that_nobody_touches_is_found() {
    let Some(scene) = Scene::start().await else { return };
    let mine = scene.accepted().await;
    let theirs = scene.accepted_by(scene.other).await;
    let later = chrono::Utc::now() + chrono::Duration::seconds(5);
    let found = verification::unfinished(&mut scene.relay().await, None, later, 10).await.unwrap();
    assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), [mine.id, theirs.id]);
    assert_eq!(verification::unfinished(&mut scene.relay().await, None, mine.created_at, 10).await.unwrap(), []);
}

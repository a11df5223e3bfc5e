//! A person's decision: taken once, whenever it comes, and never after the end was settled otherwise.

use anyhow::ensure;
use domain::id::DecisionId;
use domain::policy::Policy;
use domain::verdict::Verdict;
use domain::verification::Status;
use temporalio_common::protos::temporal::api::enums::v1::EventType::WorkflowExecutionUpdateAccepted;
use tests::scripted::{Refused, Script, on_engine};

const CACHED: usize = 10;

/// One page for a person, with a step that waits to be released.
fn script(hold: &'static str) -> Script {
    Script { files: vec![1], review: true, hold: Some(hold), ..Script::default() }
}

fn finalised(effects: &[String]) -> Vec<&str> {
    effects.iter().filter_map(|key| key.strip_prefix("finalise.verification ")).collect()
}

#[test]
fn a_decision_sent_twice_is_one_decision() {
    on_engine(async |engine| {
        let worker = engine.workflow_worker("decision-twice", CACHED).await?;
        let run = engine.verify("decision-twice", script("finalise.verification"), &Policy::default(), false).await?;
        run.timers(1).await?;
        let (first, other) = (DecisionId::new(), DecisionId::new());
        ensure!(run.decide(first, "once").await? == first);
        ensure!(run.decide(first, "once").await? == first, "the server knows a repeat by its update id");
        ensure!(run.count(WorkflowExecutionUpdateAccepted).await? == 1, "the repeat went into history");
        ensure!(run.decide(first, "again").await? == first, "under another update id it is the same decision");
        ensure!(run.decide(other, "other").await == Err(Refused("already_decided".to_owned())));
        run.play.release(&run.play.began("finalise").await);
        ensure!(run.result().await?.verdict == Some(Verdict::Supported));
        ensure!(finalised(&run.play.effects()) == ["reviewed"]);
        worker.stop().await
    });
}

#[test]
fn a_decision_before_there_is_a_review_is_not_pending() {
    on_engine(async |engine| {
        let worker = engine.workflow_worker("decision-early", CACHED).await?;
        let run = engine.verify("decision-early", script("publish.provisional"), &Policy::default(), false).await?;
        let publishing = run.play.began("publish").await;
        let decision_id = DecisionId::new();
        ensure!(run.decide(decision_id, "early").await == Err(Refused("not_pending".to_owned())));
        run.play.release(&publishing);
        run.timers(1).await?;
        // The gateway's relay delivers it again, under the same id.
        ensure!(run.decide(decision_id, "early").await? == decision_id);
        ensure!(run.result().await?.status == Status::Final);
        worker.stop().await
    });
}

#[test]
fn a_decision_after_the_expiry_is_not_pending() {
    on_engine(async |engine| {
        let worker = engine.workflow_worker("decision-late", CACHED).await?;
        let policy = Policy { review_expiry_seconds: 1, ..Policy::default() };
        let run = engine.verify("decision-late", script("finalise.verification"), &policy, false).await?;
        // Expired, and not yet written down.
        let finalising = run.play.began("finalise").await;
        ensure!(run.decide(DecisionId::new(), "late").await == Err(Refused("not_pending".to_owned())));
        run.play.release(&finalising);
        let result = run.result().await?;
        ensure!((result.status, result.verdict) == (Status::Expired, Some(Verdict::Insufficient)));
        ensure!(finalised(&run.play.effects()) == ["expired"]);
        ensure!(run.decide(DecisionId::new(), "too late").await.is_err(), "a decision on a closed workflow");
        worker.stop().await
    });
}

#[test]
fn a_decision_after_a_cancel_is_not_pending() {
    on_engine(async |engine| {
        let worker = engine.workflow_worker("decision-canceled", CACHED).await?;
        let run = engine.verify("decision-canceled", script("finalise.verification"), &Policy::default(), false).await?;
        run.timers(1).await?;
        run.cancel().await?;
        let finalising = run.play.began("finalise").await;
        ensure!(run.decide(DecisionId::new(), "late").await == Err(Refused("not_pending".to_owned())));
        run.play.release(&finalising);
        ensure!(run.result().await?.status == Status::Canceled);
        worker.stop().await
    });
}

#[test]
fn a_decision_that_was_accepted_outlives_a_cancel() {
    on_engine(async |engine| {
        let worker = engine.workflow_worker("decision-first", CACHED).await?;
        let policy = Policy { review_sla_seconds: 1, ..Policy::default() };
        let run = engine.verify("decision-first", script("review.escalate"), &policy, false).await?;
        // Accepted while the escalation is still being written.
        run.play.began("review.escalate").await;
        run.decide(DecisionId::new(), "first").await?;
        run.cancel().await?;
        ensure!(run.result().await?.status == Status::Final, "the reviewer was told that the decision counts");
        ensure!(finalised(&run.play.effects()) == ["reviewed"]);
        worker.stop().await
    });
}

//! Called off at every stage: ends as canceled, and that is written down once.

use anyhow::{Result, ensure};
use domain::policy::Policy;
use domain::verification::Status;
use futures::future::try_join_all;
use temporalio_common::protos::temporal::api::enums::v1::EventType::ActivityTaskCancelRequested;
use tests::scripted::{Engine, Script, on_engine};

const CACHED: usize = 10;
const STAGES: [&str; 7] =
    ["prepare.pages", "ocr.read_pages", "classify.documents", "extract.fields", "judge.claim", "publish.provisional", "review.escalate"];

/// Who calls it off.
#[derive(Clone, Copy, Debug)]
enum By {
    Client,
    Operator,
}

#[test]
fn a_client_cancels_at_every_stage() {
    on_engine(async |engine| try_join_all(STAGES.map(|stage| cancel_at(engine, stage, By::Client))).await.map(drop));
}

#[test]
fn an_operator_cancels_at_every_stage() {
    on_engine(async |engine| try_join_all(STAGES.map(|stage| cancel_at(engine, stage, By::Operator))).await.map(drop));
}

#[test]
fn a_cancel_that_comes_while_the_result_is_written_changes_nothing() {
    on_engine(async |engine| {
        let worker = engine.workflow_worker("cancel-late", CACHED).await?;
        for by in [By::Client, By::Operator] {
            let script = Script { files: vec![1], hold: Some("finalise.verification"), ..Script::default() };
            let run = engine.verify("cancel-late", script, &Policy::default(), false).await?;
            let finalising = run.play.began("finalise").await;
            match by {
                By::Client => run.cancel().await?,
                By::Operator => run.cancel_by_operator().await?,
            }
            run.play.release(&finalising);
            ensure!(run.result().await?.status == Status::Final, "{by:?}");
            ensure!(run.play.effects().iter().filter(|key| key.starts_with("finalise")).count() == 1, "{by:?}");
        }
        worker.stop().await
    });
}

async fn cancel_at(engine: &Engine, stage: &'static str, by: By) -> Result<()> {
    let queue = format!("cancel-{by:?}-{stage}").to_lowercase();
    let worker = engine.workflow_worker(&queue, CACHED).await?;
    let script = Script { files: vec![1], review: true, hold: Some(stage), ..Script::default() };
    let policy = Policy { review_sla_seconds: 1, ..Policy::default() };
    let run = engine.verify(&queue, script, &policy, false).await?;
    run.play.began(stage).await;
    match by {
        By::Client => run.cancel().await?,
        By::Operator => run.cancel_by_operator().await?,
    }
    let result = run.result().await?;
    ensure!((result.status, result.verdict) == (Status::Canceled, None), "{stage}: {result:?}");
    let effects = run.play.effects();
    let endings: Vec<_> = effects.iter().filter(|key| key.starts_with("finalise")).collect();
    ensure!(endings == ["finalise.verification canceled"], "{stage}: {endings:?}");
    ensure!(!effects.iter().any(|key| key.starts_with(stage)), "{stage} was not called off");
    ensure!(run.count(ActivityTaskCancelRequested).await? == 1, "nobody told the worker of {stage}");
    worker.stop().await
}

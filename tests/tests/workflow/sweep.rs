//! Every scenario again, with the workflow's worker taken away at every step: same end, each effect once.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tests::scenario::{self, Scenario};
use tests::scripted::{Engine, Run, on_engine};

#[test]
fn a_worker_that_forgets_after_every_task_changes_nothing() {
    on_engine(async |engine| try_join_all(scenario::all().iter().map(|scenario| forgetting(engine, scenario))).await.map(drop));
}

#[test]
fn a_worker_that_is_replaced_at_every_activity_changes_nothing() {
    on_engine(async |engine| try_join_all(scenario::all().iter().map(|scenario| replaced(engine, scenario))).await.map(drop));
}

/// With nothing cached, every workflow task replays from the beginning.
async fn forgetting(engine: &Engine, scenario: &Scenario) -> Result<()> {
    let queue = format!("forgetting-{}", scenario.name);
    let worker = engine.workflow_worker(&queue, 0).await?;
    let run = scenario.begin(engine, &queue, false).await?;
    let result = scenario.play(&run).await?;
    scenario.check(&run, &result)?;
    worker.stop().await
}

/// Each activity ends while no workflow worker is there, and a new one, that knows nothing, takes over.
async fn replaced(engine: &Engine, scenario: &Scenario) -> Result<()> {
    let queue = format!("replaced-{}", scenario.name);
    let run = scenario.begin(engine, &queue, true).await?;
    let result = tokio::select! {
        result = scenario.play(&run) => result?,
        failed = replace_for_ever(engine, scenario, &queue, &run) => return failed.context("replace a worker"),
    };
    scenario.check(&run, &result)
}

async fn replace_for_ever(engine: &Engine, scenario: &Scenario, queue: &str, run: &Run) -> Result<()> {
    for attempt in 0.. {
        let worker = engine.workflow_worker(queue, 10).await?;
        let key = run.play.started(attempt).await;
        worker.stop().await?;
        // What the scenario holds on to is never done.
        if scenario.script.hold.is_none_or(|held| !key.starts_with(held)) {
            run.play.release(&key);
        }
    }
    Ok(())
}

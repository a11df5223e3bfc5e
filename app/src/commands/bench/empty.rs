//! A workflow that does nothing as often as a verification does something: what the engine itself costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::ActivityError;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::ActivityContext;
use temporalio_sdk::runtime::Runtime;
use temporalio_sdk::{Worker, WorkerOptions};
use temporalio_workflow::{ActivityOptions, WorkflowContext, WorkflowResult};

const TASK_QUEUE: &str = "assay-bench";

/// What an empty workflow does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Steps {
    pub activities: u32,
    /// Whether the server may hand an activity to its workflow's worker directly, which it cannot do across task queues.
    pub eager: bool,
}

/// Activities that do nothing.
pub struct Nothing;

#[activities]
impl Nothing {
    #[activity(name = "bench.nothing")]
    pub async fn nothing(self: Arc<Self>, _ctx: ActivityContext, _input: ()) -> Result<(), ActivityError> {
        Ok(())
    }
}

/// A workflow that does nothing, step by step.
#[workflow]
#[derive(Default)]
pub struct Empty;

#[workflow_methods]
impl Empty {
    #[run(name = "bench.empty")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, steps: Steps) -> WorkflowResult<()> {
        for _ in 0..steps.activities {
            let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30))
                .task_queue(TASK_QUEUE)
                .do_not_eagerly_execute(!steps.eager)
                .build();
            ctx.execute_activity(Nothing::nothing, (), options).await?;
        }
        Ok(())
    }
}

/// Runs `count` workflows on a worker of this process, and says how many ended per second.
pub async fn per_second(client: &Client, steps: Steps, count: u32, at_a_time: usize) -> Result<f64> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker_client = client.clone();
    let handle = tokio::runtime::Handle::current();
    // A worker's future stays on its thread: the SDK's is not `Send`.
    let thread = std::thread::spawn(move || handle.block_on(serve(worker_client, stopped)));
    let measured = start_all(client, steps, count, at_a_time).await;
    // The worker may have ended by an error of its own, which the join tells.
    let _ = stop.send(());
    thread.join().map_err(|_| anyhow::anyhow!("the worker's thread died"))??;
    measured
}

async fn start_all(client: &Client, steps: Steps, count: u32, at_a_time: usize) -> Result<f64> {
    let began = Instant::now();
    futures::stream::iter((0..count).map(|_| async {
        let options = WorkflowStartOptions::new(TASK_QUEUE, format!("bench/{}", uuid::Uuid::now_v7())).build();
        let handle = client.start_workflow(Empty::run, steps, options).await.context("start an empty workflow")?;
        handle.get_result(WorkflowGetResultOptions::default()).await.context("wait for an empty workflow")
    }))
    .buffer_unordered(at_a_time)
    .try_collect::<Vec<_>>()
    .await?;
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

async fn serve(client: Client, stopped: tokio::sync::oneshot::Receiver<()>) -> Result<()> {
    let runtime = Runtime::from_current_tokio(Default::default()).context("make a worker runtime")?;
    let options = WorkerOptions::new(TASK_QUEUE)
        .register_activities(Nothing)
        .register_workflow::<Empty>()
        .context("register the empty workflow")?
        .build();
    let mut worker = Worker::new(&runtime, client, options).context("make a worker")?;
    let shutdown = worker.shutdown_handle();
    tokio::spawn(async move {
        // A sender that is gone says the same.
        let _ = stopped.await;
        shutdown();
    });
    worker.run().await.context("run the worker")
}

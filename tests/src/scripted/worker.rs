//! A Temporal worker on a thread of its own, because the SDK's future does not leave its thread.

use anyhow::{Context, Result};
use app::config::Temporal;
use temporalio_sdk::runtime::Runtime;
use temporalio_sdk::{Worker, WorkerOptions};
use tokio::sync::oneshot;
use workflows::delivery::DeliveryWorkflow;
use workflows::verification::VerificationWorkflow;

/// A worker that polls until it is stopped or dropped.
pub struct RunningWorker {
    shut_down: Box<dyn Fn() + Send + Sync>,
    ended: Option<oneshot::Receiver<Result<()>>>,
}

impl RunningWorker {
    pub async fn start(temporal: &Temporal, options: WorkerOptions) -> Result<Self> {
        let client = app::temporal::connect(temporal).await?;
        let handle = tokio::runtime::Handle::current();
        let runtime = Runtime::from_current_tokio(Default::default()).context("make a worker runtime")?;
        let mut worker = Worker::new(&runtime, client, options).context("make a worker")?;
        let shut_down = Box::new(worker.shutdown_handle());
        let (told, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let result = handle.block_on(worker.run()).context("run a worker");
            // What it still holds goes with it, before anybody hears that it ended.
            drop((worker, runtime));
            let _ = told.send(result);
        });
        Ok(Self { shut_down, ended: Some(ended) })
    }

    /// A worker for the workflows and nothing else. `cached` runs stay in memory between their tasks; with 0 every task begins with a replay.
    pub async fn of_workflows(temporal: &Temporal, queue: &str, cached: usize) -> Result<Self> {
        let options = WorkerOptions::new(queue).max_cached_workflows(cached);
        let options = options.register_workflow::<VerificationWorkflow>().context("register the workflow")?;
        let options = options.register_workflow::<DeliveryWorkflow>().context("register the workflow of deliveries")?;
        Self::start(temporal, options.build()).await
    }

    /// Stops it and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        (self.shut_down)();
        match self.ended.take() {
            Some(ended) => ended.await.context("a worker's thread died")?,
            None => Ok(()),
        }
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        (self.shut_down)();
    }
}

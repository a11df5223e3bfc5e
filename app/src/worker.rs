//! A worker: one Temporal worker per pool, each on a thread of its own, rebuilt when it stops by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use activities::{
    DecideActivities, DeliverActivities, FinaliseActivities, PrepareActivities, ReadActivities, ReviewActivities, UnderstandActivities,
};
use anyhow::{Context, Result};
use futures::future::try_join_all;
use temporalio_client::Client;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::runtime::{PollerBehavior, Runtime};
use temporalio_sdk::{Worker, WorkerOptions};
use tokio_util::sync::CancellationToken;
use workflows::delivery::DeliveryWorkflow;
use workflows::pool::Pool;
use workflows::verification::VerificationWorkflow;

use crate::config;

/// Activities in flight get this long to end by themselves at shutdown; the supervisor's patience is longer.
const GRACE: Duration = Duration::from_secs(15);
/// Between two tries to bring a pool back.
const REBUILD_PAUSE: Duration = Duration::from_secs(1);
/// Transactions of milliseconds: many at a time, because they wait for the database more than they work.
const SMALL_SLOTS: usize = 20;

/// Calls to other people's servers: many at a time, because each may be kept waiting for 15 s.
const EXPORT_SLOTS: usize = 100;

/// What the pools of a worker do.
#[derive(Clone)]
pub struct Hands {
    pub prepare: PrepareActivities,
    pub read: ReadActivities,
    pub understand: UnderstandActivities,
    pub decide: DecideActivities,
    pub review: ReviewActivities,
    pub finalise: FinaliseActivities,
    pub deliver: DeliverActivities,
}

/// How many pools poll right now; a worker is ready when all do.
#[derive(Debug, Default)]
pub struct Polling(AtomicUsize);

impl Polling {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Serves the pools until `stop`. Comes back once every activity in flight has ended or the grace period is over.
pub async fn serve(
    config: &config::Worker,
    temporal: &config::Temporal,
    hands: Hands,
    polling: Arc<Polling>,
    stop: CancellationToken,
) -> Result<()> {
    let mut threads = Vec::new();
    for pool in config.pools.iter().copied() {
        let serving = Serving {
            pool,
            config: config.clone(),
            temporal: temporal.clone(),
            hands: hands.clone(),
            polling: Arc::clone(&polling),
            stop: stop.clone(),
        };
        let runtime = tokio::runtime::Handle::current();
        let (ended, end) = tokio::sync::oneshot::channel();
        // A worker's future stays on its thread: the SDK's is not `Send`.
        std::thread::Builder::new()
            .name(format!("pool-{}", pool.as_str()))
            .spawn(move || {
                runtime.block_on(serving.run());
                let _ = ended.send(());
            })
            .with_context(|| format!("start the thread of pool {}", pool.as_str()))?;
        threads.push(end);
    }
    // The first that dies ends the process, which is then started again whole.
    try_join_all(threads).await.context("a pool's thread died")?;
    Ok(())
}

struct Serving {
    pool: Pool,
    config: config::Worker,
    temporal: config::Temporal,
    hands: Hands,
    polling: Arc<Polling>,
    stop: CancellationToken,
}

impl Serving {
    async fn run(self) {
        while !self.stop.is_cancelled() {
            if let Err(error) = self.once().await {
                let pool = self.pool.as_str();
                tracing::warn!(pool, error = format!("{error:#}"), "Pool {pool} stopped; it is built again (runbook WorkerDown)");
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(REBUILD_PAUSE) => {}
            }
        }
    }

    /// One life of the pool's worker.
    async fn once(&self) -> Result<()> {
        let client = crate::temporal::connect(&self.temporal).await?;
        let runtime = Runtime::from_current_tokio(Default::default()).context("make a worker runtime")?;
        let mut worker = self.build(&runtime, client)?;
        let shutdown = worker.shutdown_handle();
        let stop = self.stop.clone();
        let stopper = tokio::spawn(async move {
            stop.cancelled().await;
            shutdown();
        });
        self.polling.0.fetch_add(1, Ordering::Relaxed);
        let pool = self.pool.as_str();
        tracing::info!(pool, task_queue = self.pool.task_queue(), "Pool {pool} polls");
        let ended = worker.run().await;
        self.polling.0.fetch_sub(1, Ordering::Relaxed);
        stopper.abort();
        ended.context("run the worker")
    }

    fn build(&self, runtime: &Runtime, client: Client) -> Result<Worker> {
        let slots = match self.pool {
            Pool::Cpu => self.config.cpu_slots,
            Pool::Ocr => self.config.ocr_threads,
            Pool::Workflow | Pool::Gpu => SMALL_SLOTS,
            Pool::Export => EXPORT_SLOTS,
        };
        let tuner = TunerHolder::builder()
            .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(100))
            .activity_task_slot_supplier(FixedSizeSlotSupplier::new(slots))
            .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(slots))
            .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
            .build();
        let options = WorkerOptions::new(self.pool.task_queue())
            .tuner(tuner)
            .graceful_shutdown_period(GRACE)
            .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(5))
            .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(slots.clamp(1, 5)));
        let hands = &self.hands;
        let options = match self.pool {
            Pool::Workflow => options
                .register_workflow::<VerificationWorkflow>()
                .context("register the workflow")?
                .register_workflow::<DeliveryWorkflow>()
                .context("register the workflow of deliveries")?
                .register_activities(hands.understand.clone())
                .register_activities(hands.decide.clone())
                .register_activities(hands.review.clone())
                .register_activities(hands.finalise.clone())
                .build(),
            Pool::Cpu => options.register_activities(hands.prepare.clone()).build(),
            Pool::Ocr => options.register_activities(hands.read.clone()).build(),
            Pool::Gpu => options.register_activities(hands.understand.clone()).build(),
            Pool::Export => options.register_activities(hands.deliver.clone()).register_activities(hands.finalise.clone()).build(),
        };
        Worker::new(runtime, client, options).with_context(|| format!("make the worker of pool {}", self.pool.as_str()))
    }
}

//! A Temporal server on its own PostgreSQL, and workers that perform scripts on every pool's queue but the workflow's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use app::config::Temporal;
use app::stack::{Stack, StackOptions};
use domain::id::{TenantId, VerificationId};
use domain::policy::Policy;
use domain::priority::Priority;
use tempfile::TempDir;
use temporalio_client::{Client, WorkflowStartOptions};
use temporalio_sdk::WorkerOptions;
use workflows::contract::Work;
use workflows::pool::Pool;
use workflows::verification::{VerificationInput, VerificationWorkflow, workflow_id};

use super::deliveries::{Couriers, ScriptedDeliveries, Sent, Turn};
use super::hands::ScriptedActivities;
use super::play::{Play, Plays, Script};
use super::run::Run;
use super::worker::RunningWorker;

/// Everything but a workflow worker: how that one lives and dies is what the tests are about.
pub struct Engine {
    temporal: Temporal,
    client: Client,
    plays: Plays,
    couriers: Couriers,
    // In this order: workers, then the server, then its files.
    workers: Vec<RunningWorker>,
    _stack: Stack,
    _folder: TempDir,
}

impl Engine {
    /// Starts it in a folder that goes away with it.
    pub async fn start() -> Result<Self> {
        let folder = folder()?;
        let stack = Stack::start(StackOptions { roles: false, ui: false, ..StackOptions::new(folder.path()) }).await?;
        let endpoints = stack.endpoints();
        let temporal = Temporal {
            address: endpoints.temporal_address.clone(),
            namespace: endpoints.temporal_namespace.clone(),
            retention_days: 1,
            ui_url: None,
        };
        app::temporal::prepare(&temporal).await?;
        let client = app::temporal::connect(&temporal).await?;
        let plays = Plays::default();
        let couriers = Couriers::default();
        let mut workers = Vec::new();
        for pool in Pool::ALL {
            let hands = ScriptedActivities::new(plays.clone());
            let options = WorkerOptions::new(pool.task_queue())
                .graceful_shutdown_period(Duration::ZERO)
                .register_activities(hands)
                .register_activities(ScriptedDeliveries::new(couriers.clone()));
            workers.push(RunningWorker::start(&temporal, options.build()).await?);
        }
        Ok(Self { temporal, client, plays, couriers, workers, _stack: stack, _folder: folder })
    }

    /// A worker for workflows that are started on that queue.
    pub async fn workflow_worker(&self, queue: &str, cached: usize) -> Result<RunningWorker> {
        RunningWorker::of_workflows(&self.temporal, queue, cached).await
    }

    /// Starts a verification that goes by a script.
    pub async fn verify(&self, queue: &str, script: Script, policy: &Policy, paced: bool) -> Result<Run> {
        let work = Work { tenant_id: TenantId::new(), verification_id: VerificationId::new() };
        let play = Arc::new(Play::new(script, paced));
        self.plays.add(work.verification_id, &play);
        let input = VerificationInput { work, evidence: play.at_first(), priority: Priority::Normal, policy: policy.clone(), round: 0 };
        let options = WorkflowStartOptions::new(queue, workflow_id(work.verification_id)).build();
        self.client.start_workflow(VerificationWorkflow::run, input, options).await.context("start a workflow")?;
        let handle = self.client.get_workflow_handle::<VerificationWorkflow>(workflow_id(work.verification_id));
        Ok(Run { handle, play })
    }

    /// Starts a delivery that goes by a script.
    pub async fn deliver(&self, queue: &str, turns: &[Turn]) -> Result<Sent> {
        self.couriers.send(&self.client, queue, turns).await
    }

    /// Stops the workers, the server and its database.
    pub async fn stop(mut self) -> Result<()> {
        for worker in self.workers.drain(..) {
            worker.stop().await?;
        }
        tokio::task::spawn_blocking(move || drop(self)).await.context("stop the server")
    }
}

/// A folder that the database's user can enter, so that removing it removes the database too.
fn folder() -> Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("assay-scripted-").permissions(permissions).tempdir().context("make a folder")
}

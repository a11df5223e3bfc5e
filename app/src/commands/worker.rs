//! `assay worker`: serves task queues.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use store::instance::Role;

use crate::config::{self, Database, Objects, Ops, Telemetry, Temporal};
use crate::worker::{self, Polling};
use crate::{build, ops, presence, stop, telemetry};

/// Options of `assay worker`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Pools to serve, separated by commas: workflow, cpu, ocr, gpu, export
    #[arg(long, value_delimiter = ',')]
    pub pool: Vec<String>,
}

/// Serves until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let (worker_config, database, objects, temporal, ops_config, log) = config::read(&config::environment, |reader| {
        (
            config::Worker::read(reader, &arguments.pool),
            Database::read(reader),
            Objects::read(reader),
            Temporal::read(reader),
            Ops::read(reader),
            Telemetry::read(reader),
        )
    })?;
    let guard = telemetry::start(&log, "worker")?;
    keep_to_oneself();
    let stop = stop::on_signal()?;
    let store = build::store(&database)?;
    let hands = build::hands(&worker_config, store.clone(), build::objects(&objects))?;
    let polling = Arc::new(Polling::default());
    let (wanted, now) = (worker_config.pools.len(), Arc::clone(&polling));
    let ready = ops::when(move || {
        let polls = now.count();
        let line = format!("{polls} of {wanted} pools poll Temporal");
        if polls == wanted { Ok(line) } else { Err(line) }
    });
    let ops = ops::serve(ops_config.listen, guard.metrics.clone(), ready, stop.clone()).await?;
    let pools = worker_config.pools.iter().map(|pool| pool.as_str().to_owned()).collect();
    let alive = presence::announce(store, presence::here(&[Role::Worker], pools), stop.clone());
    worker::serve(&worker_config, &temporal, hands, polling, stop).await?;
    alive.await.context("say that the process ends")?;
    ops.await.context("serve health and metrics")?.context("serve health and metrics")?;
    Ok(ExitCode::SUCCESS)
}

/// Decoding children run as the same user. One that its file has taken over shall not read the passwords in this process's environment.
fn keep_to_oneself() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "The environment of this process could not be closed to others of its user"
        );
    }
}

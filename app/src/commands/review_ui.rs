//! `assay review-ui`: serves the review desk.

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::config::{self, Ops, ReviewUi, Telemetry};
use crate::{ops, stop, telemetry};

/// Serves until it is told to stop.
pub async fn run() -> Result<ExitCode> {
    let (desk, ops_config, log) =
        config::read(&config::environment, |reader| (ReviewUi::read(reader), Ops::read(reader), Telemetry::read(reader)))?;
    let guard = telemetry::start(&log, "review-ui")?;
    let stop = stop::on_signal()?;
    let listener = TcpListener::bind(desk.listen).await.with_context(|| format!("ASSAY_REVIEW_UI_LISTEN: listen on {}", desk.listen))?;
    let ops = ops::serve(ops_config.listen, guard.metrics.clone(), ops::when(|| Ok(())), stop.clone()).await?;
    tracing::info!(listen = %desk.listen, "The review desk listens on {}", desk.listen);
    axum::serve(listener, review_ui::router()).with_graceful_shutdown(stop.cancelled_owned()).await.context("serve the review desk")?;
    ops.await.context("serve health and metrics")?.context("serve health and metrics")?;
    Ok(ExitCode::SUCCESS)
}

//! `assay review-ui`: serves the review desk.

use std::process::ExitCode;

use anyhow::{Context, Result};
use review_ui::AppState;
use review_ui::oidc::Provider;
use store::instance::Role;
use tokio::net::TcpListener;

use crate::config::{self, Database, Objects, Ops, ReviewUi, Telemetry, Temporal};
use crate::{build, ops, presence, stop, telemetry};

/// Serves until it is told to stop.
pub async fn run() -> Result<ExitCode> {
    let (desk, database, objects, temporal_ui, webhooks, ops_config, log) = config::read(&config::environment, |reader| {
        (
            ReviewUi::read(reader),
            Database::read(reader),
            Objects::read(reader),
            Temporal::read_ui(reader),
            config::Webhooks::read(reader),
            Ops::read(reader),
            Telemetry::read(reader),
        )
    })?;
    let guard = telemetry::start(&log, "review-ui")?;
    let stop = stop::on_signal()?;
    let listener = TcpListener::bind(desk.listen).await.with_context(|| format!("ASSAY_REVIEW_UI_LISTEN: listen on {}", desk.listen))?;
    let parts = build::desk(&desk, &database, &objects, temporal_ui)?;
    let store = parts.store.clone();
    let alive = presence::announce(store.clone(), presence::here(&[Role::Desk], Vec::new()), stop.clone());
    let ready = ops::when_pinged(move || {
        let store = store.clone();
        async move { store.ping().await.map_err(|error| error.to_string()) }
    });
    let ops = ops::serve(ops_config.listen, guard.metrics.clone(), ready, stop.clone()).await?;
    tracing::info!(listen = %desk.listen, "The review desk listens on {}", desk.listen);
    let notices = build::desk_notices(&database)?;
    let state = AppState::new(parts).with_webhooks(webhooks.rules).with_notices(notices).until(stop.clone());
    let state = match desk.oidc {
        Some(settings) => state.with_provider(Provider::new(settings).context("ASSAY_REVIEW_UI_OIDC_ISSUER")?),
        None => state,
    };
    let router = review_ui::router(state);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.context("serve the review desk")?;
    alive.await.context("say that the process ends")?;
    ops.await.context("serve health and metrics")?.context("serve health and metrics")?;
    Ok(ExitCode::SUCCESS)
}

//! `assay gateway`: serves the public API, and relays to Temporal what a request could not.

use std::process::ExitCode;

use anyhow::{Context, Result};
use gateway::AppState;
use store::instance::Role;
use tokio::net::TcpListener;

use crate::config::{self, Database, Objects, Ops, Telemetry, Temporal};
use crate::{build, ops, presence, stop, telemetry};

/// Serves until it is told to stop.
pub async fn run() -> Result<ExitCode> {
    let (api, database, objects, temporal, webhooks, ops_config, log) = config::read(&config::environment, |reader| {
        (
            config::Gateway::read(reader),
            Database::read(reader),
            Objects::read(reader),
            Temporal::read(reader),
            config::Webhooks::read(reader),
            Ops::read(reader),
            Telemetry::read(reader),
        )
    })?;
    let guard = telemetry::start(&log, "gateway")?;
    let stop = stop::on_signal()?;
    let listener = TcpListener::bind(api.listen).await.with_context(|| format!("ASSAY_GATEWAY_LISTEN: listen on {}", api.listen))?;
    let state = AppState::new(build::gateway(&api, &database, &objects, &temporal, &webhooks)?);
    // Whoever asks here whether the role is ready asks the same as a load balancer does at the API.
    let store = state.store.clone();
    let ready = ops::when_pinged(move || {
        let store = store.clone();
        async move { store.ping().await.map_err(|error| error.to_string()) }
    });
    let ops = ops::serve(ops_config.listen, guard.metrics.clone(), ready, stop.clone()).await?;
    let alive = presence::announce(state.store.clone(), presence::here(&[Role::Gateway, Role::Relay], Vec::new()), stop.clone());
    let relay = tokio::spawn(gateway::relay::run(state.clone(), stop.clone()));
    tracing::info!(listen = %api.listen, "The API listens on {}", api.listen);
    let serving = async { gateway::serve(listener, gateway::router(state.clone()), state, stop).await.context("serve the API") };
    // A relay that dies takes the process with it: it is started again, instead of accepting what nobody hands on.
    let relaying = async { relay.await.context("relay to Temporal") };
    tokio::try_join!(serving, relaying)?;
    alive.await.context("say that the process ends")?;
    ops.await.context("serve health and metrics")?.context("serve health and metrics")?;
    Ok(ExitCode::SUCCESS)
}

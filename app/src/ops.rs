//! Health and metrics of a role that has no API of its own: `/livez`, `/readyz`, `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Tells whether the role can do its work now: how well, or why not, as the page's line.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// The line of a role that has nothing more to say.
const WELL: &str = "ok";

/// A role that is ready when something else answers.
pub fn when_pinged<F: Future<Output = Result<(), String>> + Send + 'static>(ping: impl Fn() -> F + Send + Sync + 'static) -> Ready {
    Arc::new(move || ping().map(|answer| answer.map(|()| WELL.to_owned())).boxed())
}

/// A role that knows by itself.
pub fn when(known: impl Fn() -> Result<String, String> + Send + Sync + 'static) -> Ready {
    Arc::new(move || futures::future::ready(known()).boxed())
}

#[derive(Clone)]
struct Page {
    metrics: PrometheusHandle,
    ready: Ready,
}

/// Serves until `stop`. Bound before it returns, so that a taken port is an error at the start.
pub async fn serve(
    listen: SocketAddr,
    metrics: PrometheusHandle,
    ready: Ready,
    stop: CancellationToken,
) -> Result<tokio::task::JoinHandle<std::io::Result<()>>> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("ASSAY_OPS_LISTEN: listen on {listen}"))?;
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(|State(page): State<Page>| async move { page.metrics.render() }))
        .with_state(Page { metrics, ready });
    Ok(tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await }))
}

async fn readyz(State(page): State<Page>) -> (StatusCode, String) {
    match (page.ready)().await {
        Ok(line) => (StatusCode::OK, format!("{line}\n")),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

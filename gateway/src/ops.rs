//! Whether the gateway lives and can do its work, for load balancers. Metrics are on the role's own listener, away from clients.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// A database that takes longer than this for nothing is as good as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/livez` and `/readyz`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(readyz))
}

/// Ready while the database answers and the server is not draining: everything else has a way around it.
async fn readyz(State(state): State<AppState>) -> Result<&'static str, Problem> {
    if state.stopping.is_cancelled() {
        return Err(Problem::new(Code::Overloaded).detail("the server is stopping"));
    }
    match tokio::time::timeout(PATIENCE, state.store.ping()).await {
        Ok(Ok(())) => Ok("ok\n"),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::new(Code::StoreUnavailable)),
    }
}

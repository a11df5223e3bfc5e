//! The public API: takes claims and evidence, tells what became of them, and lets reviewers decide.
//!
//! [`AppState::new`] makes the state out of its parts, [`router`] the routes around it, [`serve`] answers on a listener, and
//! [`relay::run`] tells the engine what a request could not. A request is durable with one commit; all else may fail and is made up for.

mod answer;
mod auth;
mod edge;
pub mod engine;
mod idempotency;
mod input;
mod metrics;
mod openapi;
mod ops;
mod problem;
pub mod relay;
mod server;
pub mod state;
mod stream;
#[cfg(test)]
mod testing;
mod v1;
mod wait;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

pub use metrics::Metric;
pub use server::serve;
pub use state::{AppState, Limits, Parts};

/// Every route of the API, with what each request gets around it.
pub fn router(state: AppState) -> Router {
    let (routes, description) = openapi::split(v1::routes());
    routes
        .route("/openapi.json", get(move || openapi::document(description.clone())))
        .route("/problems/{code}", get(problem::page))
        .merge(ops::routes())
        .fallback(edge::not_found)
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(from_fn_with_state(state.clone(), edge::deadline))
        .layer(from_fn_with_state(state.clone(), edge::edge))
        .layer(from_fn(edge::linger))
        .with_state(state)
}

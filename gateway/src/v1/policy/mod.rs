//! `/v1/policy`: what the tenant wants people to do. One document, replaced as a whole, every version kept.

pub mod get;
pub mod put;
pub mod versions;
mod view;

use axum::http::HeaderValue;
use domain::policy::Policy;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::input::etag;
use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get::handler, put::handler)).routes(routes!(versions::handler))
}

/// A version is never edited, so its number says it all.
fn tag(policy: &Policy) -> HeaderValue {
    etag(&policy.version.to_string())
}

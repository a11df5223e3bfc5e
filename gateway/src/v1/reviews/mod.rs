//! `/v1/reviews`: what waits for a person, leased to one reviewer at a time.

pub mod ask;
pub mod claim;
pub mod decide;
pub mod error;
pub mod escalate;
pub mod get;
mod lease;
pub mod list;
pub mod next;
pub mod release;
pub mod renew;
pub mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::handler))
        .routes(routes!(next::handler))
        .routes(routes!(get::handler))
        .routes(routes!(claim::handler))
        .routes(routes!(renew::handler))
        .routes(routes!(release::handler))
        .routes(routes!(decide::handler))
        .routes(routes!(ask::handler))
        .routes(routes!(escalate::handler))
}

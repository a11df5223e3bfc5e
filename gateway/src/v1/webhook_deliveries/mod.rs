//! `/v1/webhook_deliveries`: the log of what endpoints were told, and telling them again.

pub mod error;
pub mod get;
pub mod list;
pub mod replay;
pub mod retry;
pub mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::handler))
        .routes(routes!(get::handler))
        .routes(routes!(retry::handler))
        .routes(routes!(replay::handler))
}

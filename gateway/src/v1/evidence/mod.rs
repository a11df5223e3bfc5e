//! `/v1/evidence`: files, told apart by their bytes.

mod announce;
pub mod complete;
pub mod content;
pub mod create;
pub mod get;
pub mod page;
mod upload;
pub mod view;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // The upload counts its bytes itself, and says so in a problem document.
        .routes(routes!(create::handler).layer(DefaultBodyLimit::disable()))
        .routes(routes!(get::handler))
        .routes(routes!(complete::handler))
        .routes(routes!(content::handler))
        .routes(routes!(page::handler))
}

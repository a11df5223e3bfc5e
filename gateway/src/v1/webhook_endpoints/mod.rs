//! `/v1/webhook_endpoints`: addresses at which a tenant wants to be told what happens.

pub mod create;
pub mod delete;
pub mod error;
pub mod get;
pub mod list;
mod precondition;
pub mod rotate;
pub mod switch;
pub mod test;
pub mod update;
pub mod view;
mod wish;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::handler, create::handler))
        .routes(routes!(get::handler, update::patch, update::put, delete::handler))
        .routes(routes!(rotate::handler))
        .routes(routes!(switch::enable))
        .routes(routes!(switch::disable))
        .routes(routes!(test::handler))
}

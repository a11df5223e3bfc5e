//! `/v1/verifications`: a claim held against its evidence.

pub mod add_evidence;
pub mod cancel;
pub mod correct;
pub mod corrections;
pub mod create;
pub mod events;
pub mod get;
pub mod list;
pub mod stream;
pub mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::handler, list::handler))
        .routes(routes!(get::handler))
        .routes(routes!(cancel::handler))
        .routes(routes!(add_evidence::handler))
        .routes(routes!(correct::handler, corrections::handler))
        .routes(routes!(events::handler))
        .routes(routes!(stream::handler))
}

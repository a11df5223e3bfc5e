//! `/v1/reviews`: what waits for a person.

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
}

//! Version 1 of the API: one folder per resource, one file per verb.

pub mod capabilities;
pub mod claim_types;
mod decision;
pub mod evidence;
pub mod policy;
mod read_error;
mod reviewer;
pub mod reviews;
pub mod verifications;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
pub mod webhook_events;

use axum::http::{HeaderName, HeaderValue, header};
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Every route of version 1, with its description.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(evidence::routes())
        .merge(verifications::routes())
        .merge(reviews::routes())
        .merge(policy::routes())
        .merge(webhook_endpoints::routes())
        .merge(webhook_deliveries::routes())
        .merge(webhook_events::routes())
        .merge(claim_types::routes())
        .merge(capabilities::routes())
}

/// `Link: <...>; rel="next"` (RFC 8288): the same list, further on.
fn next_link(path: &str, filters: &[(&'static str, String)], limit: i64, cursor: &str) -> (HeaderName, HeaderValue) {
    let mut query = format!("limit={limit}&cursor={cursor}");
    for (name, value) in filters {
        // The brackets of `created[gte]` and the colons of a time are fine in a query but not a plus sign.
        query.push_str(&format!("&{}={}", name.replace('[', "%5B").replace(']', "%5D"), value.replace('+', "%2B")));
    }
    let value = HeaderValue::try_from(format!("<{path}?{query}>; rel=\"next\"")).unwrap_or_else(|_| HeaderValue::from_static(""));
    (header::LINK, value)
}

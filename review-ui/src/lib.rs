//! The review desk. For now a page that says where reviews are done until the desk has its own: through the API.

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;

const PAGE: &str = include_str!("../templates/home.html");

/// No script, no style from elsewhere, no frame: the page holds nothing but text.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// The desk's routes.
pub fn router() -> Router {
    Router::new().route("/", get(home))
}

async fn home() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY), (header::CACHE_CONTROL, "no-store")], Html(PAGE))
}

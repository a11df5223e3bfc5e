//! The description of the API in OpenAPI 3.1, made from the handlers themselves.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assay",
        version = "1",
        description = "Durable verification of claims against evidence. Every answer that is not a success is a problem document (RFC 9457)."
    ),
    tags(
        (name = "evidence", description = "Files: photos, scans, PDFs, text"),
        (name = "verifications", description = "Claims held against evidence"),
        (name = "reviews", description = "What a person decides"),
        (name = "policy", description = "When a person decides"),
        (name = "webhooks", description = "Being told what happens, and the log of it"),
        (name = "claim_types", description = "Which fields a claim has"),
        (name = "capabilities", description = "What this server does, and its limits")
    )
)]
struct Base;

/// Parts the routes from their description.
pub fn split(routes: OpenApiRouter<AppState>) -> (Router<AppState>, String) {
    let (router, mut api) = OpenApiRouter::with_openapi(Base::openapi()).merge(routes).split_for_parts();
    let bearer =
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key, `assay_live_...`")).build());
    api.components.get_or_insert_default().security_schemes.insert("api_key".to_owned(), bearer);
    api.security = Some(vec![SecurityRequirement::new("api_key", Vec::<String>::new())]);
    // The document is made of types that always have a JSON form.
    (router, serde_json::to_string(&api).unwrap_or_default())
}

/// `GET /openapi.json`
pub async fn document(text: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], text)
}

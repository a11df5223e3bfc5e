//! `GET /v1/webhook_endpoints/{id}`

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::EndpointId;
use store::webhook;

use super::error::Error;
use super::precondition::tag;
use super::view::{EndpointView, shown};
use crate::auth::{Allowed, WebhooksRead};
use crate::input::{Id, Params, matches_etag};
use crate::problem::Document;
use crate::state::AppState;

/// One webhook endpoint, without its secret.
#[utoipa::path(
    get, path = "/v1/webhook_endpoints/{id}", operation_id = "get_webhook_endpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this endpoint"),
    ),
    responses(
        (status = 200, description = "The endpoint; `ETag` is what `If-Match` wants", body = EndpointView),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 403, description = "The key lacks `webhooks:read`", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksRead>,
    Id(id): Id<EndpointId>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Error> {
    params.finish()?;
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = webhook::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let tag = tag(&row);
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(shown(row)?.into_response())
}

//! `GET /v1/webhook_deliveries/{id}`: one delivery with its attempts and what is sent.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::DeliveryId;
use store::webhook::{self, DeliveryRow};

use super::error::Error;
use super::view::{AttemptView, DeliveryView, InFull};
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksRead};
use crate::input::{Id, Params, etag, matches_etag};
use crate::problem::Document;
use crate::state::AppState;

/// One webhook delivery.
#[utoipa::path(
    get, path = "/v1/webhook_deliveries/{id}", operation_id = "get_webhook_delivery", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A delivery"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this delivery"),
    ),
    responses(
        (status = 200, description = "The delivery, its attempts and its body", body = InFull),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 403, description = "The key lacks `webhooks:read`", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such delivery", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksRead>,
    Id(id): Id<DeliveryId>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Error> {
    params.finish()?;
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = webhook::delivery(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let tag = tag(&row);
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let attempts = webhook::attempts(&mut tx, id).await?.into_iter().map(AttemptView::of).collect();
    let event = webhook::event(&mut tx, row.event_id).await?.ok_or(Error::NotFound)?;
    // We wrote it, so it is JSON.
    let body = serde_json::from_slice(&event.body).unwrap_or_default();
    let answer = Answer::json(StatusCode::OK, &InFull { delivery: DeliveryView::of(row), attempts, body })?;
    Ok(answer.header(header::ETAG, tag).into_response())
}

/// An attempt is noted once, and all else that changes is in these.
fn tag(row: &DeliveryRow) -> HeaderValue {
    let next = row.next_at.map_or(0, |at| at.timestamp_micros());
    etag(&format!("{}.{}.{next}", row.status.as_str(), row.attempts))
}

//! `DELETE /v1/webhook_endpoints/{id}`: forgets an endpoint and its secrets. The log of its deliveries stays.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::EndpointId;
use store::webhook;

use super::error::Error;
use crate::auth::{Allowed, WebhooksWrite};
use crate::input::Id;
use crate::problem::Document;
use crate::state::AppState;

/// Delete a webhook endpoint. What is under way to it is called off.
#[utoipa::path(
    delete, path = "/v1/webhook_endpoints/{id}", operation_id = "delete_webhook_endpoint", tag = "webhooks",
    params(("id" = String, Path, description = "A webhook endpoint")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403, description = "The key lacks `webhooks:write`", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such endpoint, or deleted before", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(State(state): State<AppState>, caller: Allowed<WebhooksWrite>, Id(id): Id<EndpointId>) -> Result<StatusCode, Error> {
    let mut tx = state.store.begin(caller.tenant).await?;
    if !webhook::delete(&mut tx, id, &caller.actor()).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

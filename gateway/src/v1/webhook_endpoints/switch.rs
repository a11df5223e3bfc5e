//! `POST /v1/webhook_endpoints/{id}/enable` and `/disable`. Asking for what is so already is harmless.

use axum::extract::State;
use domain::id::EndpointId;
use serde_json::Value;
use store::webhook;

use super::error::Error;
use super::view::{EndpointView, shown};
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, WebhooksWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, OptionalJsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// Switch a webhook endpoint on, as if it had never failed. What it missed is not sent by itself: replay it.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/enable", operation_id = "enable_webhook_endpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("Idempotency-Key" = Option<String>, Header, description = "Optional: asking twice is harmless"),
    ),
    responses(
        (status = 200, description = "It is on", body = EndpointView),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn enable(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    switch(&state, &caller, id, &repeat, &body, true).await
}

/// Switch a webhook endpoint off. What is under way to it is called off.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/disable", operation_id = "disable_webhook_endpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("Idempotency-Key" = Option<String>, Header, description = "Optional: asking twice is harmless"),
    ),
    responses(
        (status = 200, description = "It is off", body = EndpointView),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn disable(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    switch(&state, &caller, id, &repeat, &body, false).await
}

async fn switch(state: &AppState, caller: &Caller, id: EndpointId, repeat: &Idempotency, body: &Value, on: bool) -> Result<Answer, Error> {
    Fields::of(body).finish()?;
    let key = repeat.of_json(body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    if on {
        webhook::enable(&mut tx, id, &caller.actor()).await?;
    } else {
        webhook::disable(&mut tx, id, &caller.actor()).await?;
    }
    // Not there, or as it is wanted now, whether it was so before or not.
    let row = webhook::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let answer = shown(row)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

//! `POST /v1/webhook_deliveries/{id}/retry`: an attempt at once, whatever came of it before.

use axum::extract::State;
use domain::id::DeliveryId;
use store::webhook::{self, RetryOutcome};

use super::error::Error;
use super::view::DeliveryView;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, OptionalJsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// Retry a webhook delivery. One that waits is tried now; one that has ended, delivered or not, begins its schedule anew.
#[utoipa::path(
    post, path = "/v1/webhook_deliveries/{id}/retry", operation_id = "retry_webhook_delivery", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A delivery"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    responses(
        (status = 202, description = "An attempt comes at once, with the same `webhook-id` and bytes", body = DeliveryView),
        (status = 404, description = "No such delivery", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`endpoint_off`: its endpoint is off or deleted", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<DeliveryId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    Fields::of(&body).finish()?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    match webhook::retry(&mut tx, id, &caller.actor()).await? {
        RetryOutcome::Ordered => {}
        RetryOutcome::EndpointOff => return Err(Error::EndpointOff),
        RetryOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = webhook::delivery(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let answer = DeliveryView::ordered(row)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    state.relay_bell.notify_one();
    Ok(answer)
}

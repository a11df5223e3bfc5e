//! `POST /v1/webhook_endpoints/{id}/rotate`: a new secret. The one before signs beside it for a day.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::id::EndpointId;
use serde::Serialize;
use store::webhook::{self, RotateOutcome};
use utoipa::ToSchema;

use super::error::Error;
use super::view::Once;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, OptionalJsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// The new secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotatedWebhookSecret)]
pub struct Rotated {
    #[schema(value_type = String)]
    endpoint_id: EndpointId,
    /// Shown only here: a repeat with the same `Idempotency-Key` comes without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Until then the secret before signs too, so that receivers can change over at their leisure.
    old_until: DateTime<Utc>,
}

/// Rotate the secret of a webhook endpoint.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/rotate", operation_id = "rotate_webhook_secret", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request. The repeat makes no other secret, and gets the same answer without it: it is not kept"),
    ),
    responses(
        (status = 200, description = "Both sign until `old_until`; `secret` is shown only now", body = Rotated),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`rotated_too_often`: five secrets sign already; `Retry-After` says when one of them ends", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    Fields::of(&body).finish()?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let (secret, old_until) = match webhook::rotate(&mut tx, id, state.clock.now(), &caller.actor()).await? {
        RotateOutcome::Rotated { secret, old_until } => (secret, old_until),
        RotateOutcome::TooOften { until } => return Err(Error::TooOften { until }),
        RotateOutcome::NotFound => return Err(Error::NotFound),
    };
    let answer = Once::of(StatusCode::OK, &secret, |secret| Rotated { endpoint_id: id, secret, old_until })?;
    idempotency::keep(&mut tx, key.as_ref(), &answer.kept).await?;
    tx.commit().await?;
    Ok(answer.shown)
}

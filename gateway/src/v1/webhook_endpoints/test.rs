//! `POST /v1/webhook_endpoints/{id}/test`: tells an endpoint of something that did not happen.

use axum::extract::State;
use domain::id::EndpointId;
use domain::webhook::event::EventType;
use store::webhook;
use utoipa::ToSchema;

use super::error::Error;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, OptionalJsonBody};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::webhook_deliveries::view::DeliveryView;

/// Of what to tell.
#[derive(ToSchema)]
#[schema(as = WebhookTest)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// A kind of event; `verification.final` when left out. It need not be one that the endpoint is told of.
    #[schema(example = "verification.final")]
    r#type: Option<String>,
}

/// Send a test event: a real kind with `"test": true` as its data, signed and retried like any other.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/test", operation_id = "test_webhook_endpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 202, description = "It is on its way; `Location` says how it goes", body = DeliveryView),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`endpoint_off`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    let mut fields = Fields::of(&body);
    let kind = fields.optional_word("type", EventType::parse, "a kind of event").unwrap_or(EventType::VerificationFinal);
    fields.finish()?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let Some(delivery) = webhook::emit_test(&mut tx, id, kind, &caller.actor()).await? else {
        return Err(if webhook::get(&mut tx, id).await?.is_some() { Error::Off } else { Error::NotFound });
    };
    let row = webhook::delivery(&mut tx, delivery).await?.ok_or(Error::NotFound)?;
    let answer = DeliveryView::ordered(row)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    state.relay_bell.notify_one();
    Ok(answer)
}

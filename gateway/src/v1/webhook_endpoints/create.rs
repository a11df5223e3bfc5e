//! `POST /v1/webhook_endpoints`: somewhere to tell what happens. The secret is shown in this answer and never again.

use axum::extract::State;
use axum::http::{StatusCode, header};
use store::webhook::{self, Created, NewEndpoint};
use utoipa::ToSchema;

use super::error::Error;
use super::precondition::tag;
use super::view::{EndpointView, Made, Once};
use super::wish::Wish;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, JsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// Where to, and what for.
#[derive(ToSchema)]
#[schema(as = NewWebhookEndpoint)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// A host on the public internet, over https.
    #[schema(max_length = 2048, example = "https://hooks.your-company.com/assay")]
    url: String,
    /// For people.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Kinds of events: `verification.provisional`, `verification.in_review`, `verification.awaiting_evidence`, `verification.final`,
    /// `verification.corrected`, `review.overdue`, `budget.threshold`, `level.changed`. All when left out or empty, later kinds included.
    events: Option<Vec<String>>,
}

/// Add a webhook endpoint.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints", operation_id = "create_webhook_endpoint", tag = "webhooks",
    params((
        "Idempotency-Key" = Option<String>, Header,
        description = "The same value when repeating a request. The repeat gets the same answer without the secret: it is not kept. Rotate the secret if the first answer was lost"
    )),
    request_body = Request,
    responses(
        (status = 201, description = "It is on; `secret` is shown only now", body = Made),
        (status = 403, description = "The key lacks `webhooks:write`", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`too_many_endpoints`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "`url_not_allowed`, or the body is not valid; `errors` lists every fault by JSON Pointer", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let (target, description, filter) = Wish::with_url(Fields::of(&body), &state.webhooks)?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let new = NewEndpoint { target: &target, description: &description, filter, full_data: false };
    let (row, secret) = match webhook::create(&mut tx, &new, &caller.actor()).await? {
        Created::Endpoint { row, secret } => (row, secret),
        Created::TooMany => return Err(Error::TooMany),
    };
    let (tag, location) = (tag(&row), format!("/v1/webhook_endpoints/{}", row.id));
    let answer = Once::of(StatusCode::CREATED, &secret, |secret| Made { endpoint: EndpointView::of(row.clone()), secret })?
        .header(header::ETAG, tag)
        .header(header::LOCATION, location);
    idempotency::keep(&mut tx, key.as_ref(), &answer.kept).await?;
    tx.commit().await?;
    Ok(answer.shown)
}

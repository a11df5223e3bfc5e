//! `PATCH` and `PUT /v1/webhook_endpoints/{id}`: another address, description or choice of events, by somebody who saw what there was.

use axum::extract::State;
use axum::http::HeaderMap;
use domain::id::EndpointId;
use store::webhook::{self, EndpointChange, UpdateOutcome};
use utoipa::ToSchema;

use super::create;
use super::error::Error;
use super::precondition::{holds, tag};
use super::view::{EndpointView, shown};
use super::wish::Wish;
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, WebhooksWrite};
use crate::input::precondition::required;
use crate::input::{Fields, Id, JsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// What to change. What is left out stays.
#[derive(ToSchema)]
#[schema(as = WebhookEndpointChange)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Change {
    /// What is under way goes there too.
    #[schema(max_length = 2048)]
    url: Option<String>,
    #[schema(max_length = 500)]
    description: Option<String>,
    /// An empty list is all kinds of events.
    events: Option<Vec<String>>,
}

/// Change a webhook endpoint; what is left out stays as it is.
#[utoipa::path(
    patch, path = "/v1/webhook_endpoints/{id}", operation_id = "change_webhook_endpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("If-Match" = String, Header, description = "The ETag of the endpoint as you saw it"),
    ),
    request_body = Change,
    responses(
        (status = 200, description = "The endpoint as it is now", body = EndpointView),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
        (status = 412, description = "`precondition_failed`: it was changed since; `ETag` is of what counts now", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "`url_not_allowed`, or the body is not valid", body = Document, content_type = "application/problem+json"),
        (status = 428, description = "`precondition_required`: `If-Match` is missing", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn patch(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    required(&headers)?;
    let wish = Wish::read(Fields::of(&body), &state.webhooks)?;
    change(&state, &caller, id, &headers, wish).await
}

/// Replace what a webhook endpoint is; what is left out gets its usual value, not the one it had.
#[utoipa::path(
    put, path = "/v1/webhook_endpoints/{id}", operation_id = "put_webhook_endpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("If-Match" = String, Header, description = "The ETag of the endpoint as you saw it"),
    ),
    request_body = create::Request,
    responses(
        (status = 200, description = "The endpoint as it is now", body = EndpointView),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
        (status = 412, description = "`precondition_failed`: it was changed since; `ETag` is of what counts now", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "`url_not_allowed`, or the body is not valid", body = Document, content_type = "application/problem+json"),
        (status = 428, description = "`precondition_required`: `If-Match` is missing", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn put(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    required(&headers)?;
    let (target, description, filter) = Wish::with_url(Fields::of(&body), &state.webhooks)?;
    let wish = Wish { target: Some(target), description: Some(description), filter: Some(filter) };
    change(&state, &caller, id, &headers, wish).await
}

async fn change(state: &AppState, caller: &Caller, id: EndpointId, headers: &HeaderMap, wish: Wish) -> Result<Answer, Error> {
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = webhook::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    holds(headers, &row)?;
    if wish.target.is_none() && wish.description.is_none() && wish.filter.is_none() {
        return Ok(shown(row)?);
    }
    let change = EndpointChange {
        target: wish.target.as_ref(),
        description: wish.description.as_deref(),
        filter: wish.filter,
        ..EndpointChange::default()
    };
    let row = match webhook::update(&mut tx, id, row.version, &change, &caller.actor()).await? {
        UpdateOutcome::Updated(row) => row,
        UpdateOutcome::Stale(current) => return Err(Error::Stale(tag(&current))),
        UpdateOutcome::NotFound => return Err(Error::NotFound),
    };
    tx.commit().await?;
    Ok(shown(row)?)
}

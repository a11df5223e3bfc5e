//! `POST /v1/reviews/{id}/release`: gives a review back before its lease runs out.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::ReviewId;
use store::review::{self, RenewOutcome};

use super::error::Error;
use super::lease::{Proof, proof};
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// Release a lease.
#[utoipa::path(
    post, path = "/v1/reviews/{id}/release", operation_id = "release_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Proof,
    responses(
        (status = 200, description = "It is free", body = Review),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`lease_lost`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsWrite>,
    Id(id): Id<ReviewId>,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let mut fields = Fields::of(&body);
    let (token, generation) = proof(&mut fields);
    fields.finish()?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    match review::release(&mut tx, id, review::Proof::Token(&token), generation, &caller.actor()).await? {
        RenewOutcome::Held { .. } => {}
        RenewOutcome::LeaseLost => return Err(Error::LeaseLost),
        RenewOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let answer = Answer::json(StatusCode::OK, &Review::of(row, state.clock.now()))?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

//! `POST /v1/reviews/{id}/escalate`: puts a review before its promised time among the urgent ones.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::ReviewId;
use store::review;
use utoipa::ToSchema;

use super::error::Error;
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::reviewer::holder;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// Why.
#[derive(ToSchema)]
#[schema(as = Escalation)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// Kept in the audit trail: no personal data.
    #[schema(max_length = 500)]
    reason: String,
    /// The reviewer who gives it away, as named when claiming: it is not handed back to them as their next.
    #[schema(max_length = 100)]
    reviewer: Option<String>,
}

/// Escalate a review. One that is escalated stays so.
#[utoipa::path(
    post, path = "/v1/reviews/{id}/escalate", operation_id = "escalate_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 200, description = "It is escalated", body = Review),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`not_pending`", body = Document, content_type = "application/problem+json"),
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
    let reason = fields.note("reason", LONGEST_REASON);
    let holder = holder(&caller, &mut fields);
    fields.finish()?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    review::escalate(&mut tx, id, &holder, &reason).await?;
    let row = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    if !row.status.is_open() {
        return Err(Error::NotPending(row.status));
    }
    let answer = Answer::json(StatusCode::OK, &Review::of(row, state.clock.now()))?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

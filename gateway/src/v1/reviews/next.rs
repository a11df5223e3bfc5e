//! `POST /v1/reviews:next`: takes the most pressing free review, in one step, so that no two reviewers get the same.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use store::review::{self, Reach};

use super::error::Error;
use super::lease::{Wish, change, start_timer, taken, wish};
use super::view::TakenLease;
use crate::auth::{Allowed, ReviewsWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::OptionalJsonBody;
use crate::state::AppState;

/// Claim the next review. Escalated ones are among them, but for those that this reviewer escalated; so are second answers and
/// adjudications, but for rounds in which this reviewer answered.
#[utoipa::path(
    post, path = "/v1/reviews:next", operation_id = "claim_next_review", tag = "reviews",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request, or a lost answer costs a second review")),
    request_body = Option<Wish>,
    responses(
        (status = 200, description = "Leased", body = TakenLease),
        (status = 204, description = "Nothing waits"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsWrite>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Error> {
    let (holder, seconds) = wish(&caller, &body, &state.limits)?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer.into_response());
    }
    // Keys have no roles, so escalated reviews are theirs too: who among the client's people takes them is the client's to say.
    // An empty queue is not an answer worth keeping: the same key may find something later.
    let Some(lease) = review::claim_next(&mut tx, &holder, Reach::All, seconds).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let change = change(&mut tx, lease.review_id, &lease, seconds).await?;
    let answer = taken(&state, &mut tx, lease, &holder).await?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    start_timer(&state, change).await;
    Ok(answer.into_response())
}

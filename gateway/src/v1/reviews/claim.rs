//! `POST /v1/reviews/{id}/claim`: takes a review, or takes it again after a reload.

use axum::extract::State;
use domain::id::ReviewId;
use store::review::{self, ClaimOutcome};

use super::error::Error;
use super::lease::{Wish, change, start_timer, taken, wish};
use super::view::TakenLease;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Id, OptionalJsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// Claim a review.
#[utoipa::path(
    post, path = "/v1/reviews/{id}/claim", operation_id = "claim_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Option<Wish>,
    responses(
        (status = 200, description = "Leased; the holder of a running lease gets a new token for it", body = TakenLease),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`lease_held` by another, `not_pending`, or `four_eyes`: this reviewer answered in the round", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsWrite>,
    Id(id): Id<ReviewId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    let (holder, seconds) = wish(&caller, &body, &state.limits)?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let mut outcome = review::claim(&mut tx, id, &holder, seconds).await?;
    if let ClaimOutcome::Held { by_me: true, .. } = outcome {
        outcome = review::retake(&mut tx, id, &holder, seconds).await?;
    }
    let lease = match outcome {
        ClaimOutcome::Leased(lease) => lease,
        ClaimOutcome::Held { until, .. } => return Err(Error::LeaseHeld { until }),
        ClaimOutcome::NotOpen(status) => return Err(Error::NotPending(status)),
        ClaimOutcome::FourEyes => return Err(Error::FourEyes),
        ClaimOutcome::NotFound => return Err(Error::NotFound),
    };
    let change = change(&mut tx, id, &lease, seconds).await?;
    let answer = taken(&state, &mut tx, lease, &holder).await?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    start_timer(&state, change).await;
    Ok(answer)
}

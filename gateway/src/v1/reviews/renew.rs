//! `POST /v1/reviews/{id}/renew`: the heartbeat of a reviewer who is still at it.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::ReviewId;
use store::review::{self, RenewOutcome};

use super::error::Error;
use super::lease::{Proof, proof, seconds};
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsWrite};
use crate::input::{Fields, Id, JsonBody};
use crate::problem::Document;
use crate::state::AppState;

/// Renew a lease. Repeating it is harmless.
#[utoipa::path(
    post, path = "/v1/reviews/{id}/renew", operation_id = "renew_review", tag = "reviews",
    params(("id" = String, Path, description = "A review")),
    request_body = Proof,
    responses(
        (status = 200, description = "The lease lasts until `lease.expires_at`", body = Review),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`lease_lost`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsWrite>,
    Id(id): Id<ReviewId>,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let mut fields = Fields::of(&body);
    let ((token, generation), seconds) = (proof(&mut fields), seconds(&mut fields, &state.limits));
    fields.finish()?;
    let mut tx = state.store.begin(caller.tenant).await?;
    match review::renew(&mut tx, id, review::Proof::Token(&token), generation, seconds).await? {
        RenewOutcome::Held { .. } => {}
        RenewOutcome::LeaseLost => return Err(Error::LeaseLost),
        RenewOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    // The workflow's timer looks at the row before it gives the lease back, so it need not be told.
    Ok(Answer::json(StatusCode::OK, &Review::of(row, state.clock.now()))?)
}

//! `GET /v1/reviews/{id}`: one task, with the result that the machine proposes.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::ReviewId;
use store::{review, verification};

use super::error::Error;
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsRead};
use crate::input::{Id, etag, matches_etag};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::verifications::view::OutcomeView;

/// One review.
#[utoipa::path(
    get, path = "/v1/reviews/{id}", operation_id = "get_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this review"),
    ),
    responses(
        (status = 200, description = "As it stands, with the machine's result", body = Review),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsRead>,
    Id(id): Id<ReviewId>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let now = state.clock.now();
    let leased = row.lease_expires_at.filter(|until| *until > now).map_or(0, |until| until.timestamp_millis());
    // A lease runs out and is renewed without a new version of the row.
    let tag = etag(&format!("{}.{leased}.{}", row.version, row.due_at <= now));
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let verification = verification::get(&mut tx, row.verification_id).await?.ok_or(Error::NotFound)?;
    let mut shown = Review::of(row, now);
    shown.provisional = verification.provisional.as_ref().map(OutcomeView::of);
    Ok(Answer::json(StatusCode::OK, &shown)?.header(header::ETAG, tag).into_response())
}

//! `GET /v1/reviews/{id}`: one task, with the result that the machine proposes and the answers that may be seen.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::ReviewId;
use store::review;

use super::error::Error;
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsRead};
use crate::input::{Id, etag, matches_etag};
use crate::problem::Document;
use crate::state::AppState;

/// One review.
#[utoipa::path(
    get, path = "/v1/reviews/{id}", operation_id = "get_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this review"),
    ),
    responses(
        (status = 200, description = "As it stands, with the machine's result, and with the answers of a settled round", body = Review),
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
    // A lease runs out and is renewed, and a later part settles the round, without a new version of the row.
    let settled = row.wanted > 1 && review::settled(&mut tx, row.verification_id).await?.is_some();
    let tag = etag(&format!("{}.{leased}.{}.{settled}", row.version, row.due_at <= now));
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let shown = Review::whole(&mut tx, row, now, &caller.actor()).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.header(header::ETAG, tag).into_response())
}

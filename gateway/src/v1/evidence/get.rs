//! `GET /v1/evidence/{id}`: what is known of a file.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::EvidenceId;
use store::evidence::{self, EvidenceRow};

use super::view::{Evidence, status};
use crate::answer::Answer;
use crate::auth::{Allowed, EvidenceRead};
use crate::input::{Id, etag, matches_etag};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::read_error::ReadError;

/// One file.
#[utoipa::path(
    get, path = "/v1/evidence/{id}", operation_id = "get_evidence", tag = "evidence",
    params(
        ("id" = String, Path, description = "As `POST /v1/evidence` returned it"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this file's description"),
    ),
    responses(
        (status = 200, description = "What is known of it", body = Evidence),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such file", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<EvidenceRead>,
    Id(id): Id<EvidenceId>,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = evidence::get(&mut tx, id).await?.ok_or(ReadError::NotFound)?;
    let tag = tag(&row);
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(Answer::json(StatusCode::OK, &Evidence::of(row))?.header(header::ETAG, tag).into_response())
}

/// All that can change about a file: its status and its number of pages.
pub(super) fn tag(row: &EvidenceRow) -> axum::http::HeaderValue {
    etag(&format!("{}.{}", status(row), row.pages.unwrap_or(-1)))
}

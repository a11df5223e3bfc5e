//! `GET /v1/verifications/{id}`: the verification as it stands, or as soon as it changes.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::VerificationId;
use store::verification::VerificationRow;

use super::view::{self, Verification};
use crate::answer::Answer;
use crate::auth::{Allowed, VerificationsRead};
use crate::input::{Id, Params, Waiting, matches_etag};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::read_error::ReadError;
use crate::wait::Watch;

/// One verification.
#[utoipa::path(
    get, path = "/v1/verifications/{id}", operation_id = "get_verification", tag = "verifications",
    params(
        ("id" = String, Path, description = "As `POST /v1/verifications` returned it"),
        ("wait" = Option<u32>, Query, description = "Seconds, 0 to 60: with `If-None-Match` until the verification changes, else until its provisional result is there", minimum = 0, maximum = 60),
        ("Prefer" = Option<String>, Header, description = "`wait=N`, the same wish as a header; `?wait=` goes before it"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this verification"),
    ),
    responses(
        (status = 200, description = "The verification as it stands", body = Verification),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such verification", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsRead>,
    Id(id): Id<VerificationId>,
    mut params: Params,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    let waiting = Waiting::from_query(&mut params).or(Waiting::from_prefer(&headers));
    params.finish()?;
    tracing::Span::current().record("verification.id", tracing::field::display(id));

    let mut watch = Watch::new(&state, caller.tenant, id, waiting.time);
    let (mut tx, first) = watch.look().await?.ok_or(ReadError::NotFound)?;
    let conditional = headers.contains_key(header::IF_NONE_MATCH);
    let may_come = if conditional { !first.status.is_terminal() } else { !is_answered(&first) };
    let version = first.version;
    if conditional || !may_come || waiting.time.is_zero() {
        let (shown, tag) = view::load(&mut tx, first).await?;
        if !may_come || waiting.time.is_zero() || !matches_etag(&headers, &tag) {
            return answer(&headers, &waiting, shown, tag);
        }
    }
    // Nobody waits with a connection in hand.
    drop(tx);
    let changed = move |row: &VerificationRow| if conditional { row.version != version } else { is_answered(row) };
    let (mut tx, row) = watch.until(changed).await?.ok_or(ReadError::NotFound)?;
    let (shown, tag) = view::load(&mut tx, row).await?;
    drop(tx);
    answer(&headers, &waiting, shown, tag)
}

fn answer(headers: &HeaderMap, waiting: &Waiting, shown: Verification, tag: HeaderValue) -> Result<Response, ReadError> {
    let mut response = if matches_etag(headers, &tag) {
        (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
    } else {
        Answer::json(StatusCode::OK, &shown)?.header(header::ETAG, tag).into_response()
    };
    response.headers_mut().extend(waiting.applied());
    Ok(response)
}

fn is_answered(row: &VerificationRow) -> bool {
    row.status.has_provisional() || row.status.is_terminal()
}

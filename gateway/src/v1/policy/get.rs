//! `GET /v1/policy`: the policy that counts for what is accepted now.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::tenant;

use super::tag;
use super::view::PolicyView;
use crate::answer::Answer;
use crate::auth::{Allowed, PolicyRead};
use crate::input::{Params, matches_etag};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::read_error::ReadError;

/// The policy that counts now.
#[utoipa::path(
    get, path = "/v1/policy", operation_id = "get_policy", tag = "policy",
    params(("If-None-Match" = Option<String>, Header, description = "An ETag of the policy")),
    responses(
        (status = 200, description = "The policy; `ETag` is what `If-Match` wants", body = PolicyView),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 403, description = "The key lacks `policy:read`", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<PolicyRead>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    params.finish()?;
    let mut tx = state.store.begin(caller.tenant).await?;
    let policy = tenant::policy(&mut tx).await?;
    let tag = tag(&policy);
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(Answer::json(StatusCode::OK, &PolicyView::from(policy))?.header(header::ETAG, tag).into_response())
}

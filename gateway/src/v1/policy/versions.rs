//! `GET /v1/policy/versions`: every policy that counted, and who made it, newest first.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use store::policy;
use utoipa::ToSchema;

use super::view::VersionView;
use crate::answer::Answer;
use crate::auth::{Allowed, PolicyRead};
use crate::input::Params;
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::next_link;
use crate::v1::read_error::ReadError;

const PATH: &str = "/v1/policy/versions";

/// A page of versions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyVersionPage)]
pub struct Page {
    pub data: Vec<VersionView>,
    pub has_more: bool,
    /// For `cursor`, while there is more.
    pub next_cursor: Option<String>,
}

/// The versions of the policy, newest first.
#[utoipa::path(
    get, path = "/v1/policy/versions", operation_id = "list_policy_versions", tag = "policy",
    params(
        ("limit" = Option<u32>, Query, description = "Page size, 20 when left out", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page; `Link` leads to the next", body = Page),
        (status = 400, description = "An unknown parameter or a cursor from elsewhere", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks `policy:read`", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(State(state): State<AppState>, caller: Allowed<PolicyRead>, mut params: Params) -> Result<Answer, ReadError> {
    let limit = params.limit();
    let cursor = params.text("cursor");
    params.finish()?;
    let page = state.cursors.page(caller.tenant, PATH, ());
    let before = cursor.map(|cursor| page.position::<u32>(&cursor)).transpose()?;

    let mut tx = state.store.begin(caller.tenant).await?;
    // One more than shown tells whether there is more.
    let mut versions = policy::history(&mut tx, before, limit + 1).await?;
    let has_more = versions.len() as i64 > limit;
    versions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = versions.last().filter(|_| has_more).map(|last| page.cursor(&last.policy.version));
    let link = next_cursor.as_deref().map(|cursor| next_link(PATH, &[], limit, cursor));
    let data = versions.into_iter().map(VersionView::from).collect();
    Ok(Answer::json(StatusCode::OK, &Page { data, has_more, next_cursor })?.headers(link))
}

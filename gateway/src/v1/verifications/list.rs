//! `GET /v1/verifications`: the tenant's verifications, newest first, a page at a time.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::id::VerificationId;
use domain::verdict::Verdict;
use domain::verification::Status;
use serde::Serialize;
use store::StoreError;
use store::verification::{self, ListFilter};
use utoipa::ToSchema;

use super::view::VerificationSummary;
use crate::answer::Answer;
use crate::auth::{Allowed, VerificationsRead};
use crate::input::Params;
use crate::problem::{Document, Problem, answers_with_problem};
use crate::state::AppState;
use crate::v1::next_link;

/// A page of verifications.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerificationPage)]
pub struct Page {
    pub data: Vec<VerificationSummary>,
    pub has_more: bool,
    /// For `cursor`, while there is more.
    pub next_cursor: Option<String>,
}

/// Why there is no page.
#[derive(Debug)]
pub enum Error {
    /// A filter or the cursor.
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

/// Verifications, newest first.
#[utoipa::path(
    get, path = "/v1/verifications", operation_id = "list_verifications", tag = "verifications",
    params(
        ("status" = Option<String>, Query, description = "A status"),
        ("verdict" = Option<String>, Query, description = "A verdict"),
        ("claim_type" = Option<String>, Query, description = "Name of a claim type"),
        ("created[gte]" = Option<DateTime<Utc>>, Query, description = "Accepted at this time or later"),
        ("created[lt]" = Option<DateTime<Utc>>, Query, description = "Accepted before this time"),
        ("limit" = Option<u32>, Query, description = "Page size, 20 when left out", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters"),
    ),
    responses(
        (status = 200, description = "A page; `Link` leads to the next", body = Page),
        (status = 400, description = "An unknown filter or a cursor from elsewhere", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(State(state): State<AppState>, caller: Allowed<VerificationsRead>, mut params: Params) -> Result<Answer, Error> {
    let mut filter = ListFilter {
        status: params.word("status", Status::parse),
        verdict: params.word("verdict", Verdict::parse),
        claim_type: params.word("claim_type", known_claim_type),
        created_gte: params.time("created[gte]"),
        created_lt: params.time("created[lt]"),
        before: None,
        limit: params.limit(),
    };
    let cursor = params.text("cursor");
    params.finish()?;
    let filters = spelt(&filter);
    let page = state.cursors.page(caller.tenant, "/v1/verifications", &filters);
    if let Some(cursor) = cursor {
        filter.before = Some(page.position::<(DateTime<Utc>, VerificationId)>(&cursor)?);
    }

    let limit = filter.limit;
    let mut tx = state.store.begin(caller.tenant).await?;
    // One more than shown tells whether there is more.
    filter.limit += 1;
    let mut rows = verification::list(&mut tx, &filter).await?;
    let has_more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| has_more).map(|row| page.cursor(&(row.created_at, row.id)));
    let link = next_cursor.as_deref().map(|cursor| next_link("/v1/verifications", &filters, limit, cursor));
    let data = rows.into_iter().map(VerificationSummary::of).collect();
    Ok(Answer::json(StatusCode::OK, &Page { data, has_more, next_cursor })?.headers(link))
}

/// The filters in one spelling, for the cursor to be bound to and the link to repeat.
fn spelt(filter: &ListFilter) -> Vec<(&'static str, String)> {
    let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    [
        filter.status.map(|status| ("status", status.as_str().to_owned())),
        filter.verdict.map(|verdict| ("verdict", verdict.as_str().to_owned())),
        filter.claim_type.clone().map(|name| ("claim_type", name)),
        filter.created_gte.as_ref().map(|at| ("created[gte]", time(at))),
        filter.created_lt.as_ref().map(|at| ("created[lt]", time(at))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn known_claim_type(name: &str) -> Option<String> {
    domain::claim_type::find(name).map(|claim_type| claim_type.name)
}

//! `GET /v1/reviews`: the queue, the most pressing first.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::id::ReviewId;
use domain::review::ReviewStatus;
use serde::Serialize;
use store::review::{self, ReviewFilter};
use utoipa::ToSchema;

use super::error::Error;
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsRead};
use crate::input::Params;
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::next_link;

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewPage)]
pub struct Page {
    pub data: Vec<Review>,
    pub has_more: bool,
    /// For `cursor`, while there is more.
    pub next_cursor: Option<String>,
}

/// Reviews, the most pressing first: by promised time, then by age. What a lead boosted at the desk counts as due since then.
#[utoipa::path(
    get, path = "/v1/reviews", operation_id = "list_reviews", tag = "reviews",
    params(
        ("status" = Option<String>, Query, description = "A status, or `open` for those that still want a decision"),
        ("limit" = Option<u32>, Query, description = "Page size, 20 when left out", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters"),
    ),
    responses(
        (status = 200, description = "A page; `Link` leads to the next", body = Page),
        (status = 400, description = "An unknown filter or a cursor from elsewhere", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(State(state): State<AppState>, caller: Allowed<ReviewsRead>, mut params: Params) -> Result<Answer, Error> {
    let status = params.word("status", Wanted::parse);
    let limit = params.limit();
    let cursor = params.text("cursor");
    params.finish()?;
    let filters: Vec<(&'static str, String)> = status.map(|status| ("status", status.as_str().to_owned())).into_iter().collect();
    let page = state.cursors.page(caller.tenant, "/v1/reviews", &filters);
    let after = cursor.map(|cursor| page.position::<(DateTime<Utc>, ReviewId)>(&cursor)).transpose()?;
    let filter = ReviewFilter {
        status: status.and_then(Wanted::status),
        open: status == Some(Wanted::Open),
        after,
        // One more than shown tells whether there is more.
        limit: limit + 1,
    };

    let mut tx = state.store.begin(caller.tenant).await?;
    let mut rows = review::list(&mut tx, &filter).await?;
    let has_more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| has_more).map(|row| page.cursor(&(row.place(), row.id)));
    let link = next_cursor.as_deref().map(|cursor| next_link("/v1/reviews", &filters, limit, cursor));
    let now = state.clock.now();
    let data = rows.into_iter().map(|row| Review::of(row, now)).collect();
    Ok(Answer::json(StatusCode::OK, &Page { data, has_more, next_cursor })?.headers(link))
}

/// A status, or any that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Open,
    Status(ReviewStatus),
}

impl Wanted {
    fn parse(word: &str) -> Option<Self> {
        if word == "open" { Some(Self::Open) } else { ReviewStatus::parse(word).map(Self::Status) }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Status(status) => status.as_str(),
        }
    }

    fn status(self) -> Option<ReviewStatus> {
        match self {
            Self::Open => None,
            Self::Status(status) => Some(status),
        }
    }
}

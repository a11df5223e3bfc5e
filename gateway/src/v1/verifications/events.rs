//! `GET /v1/verifications/{id}/events`: everything that happened to it, in order.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::id::VerificationId;
use serde::Serialize;
use serde_json::Value;
use store::event::{self, EventRow};
use store::verification;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::auth::{Allowed, VerificationsRead};
use crate::input::{Id, Params};
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::next_link;
use crate::v1::read_error::ReadError;

/// One step of the timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// From 1, without gaps.
    pub sequence: i64,
    /// As in `verification.accepted`; the set grows.
    #[serde(rename = "type")]
    pub kind: String,
    pub at: DateTime<Utc>,
    /// Who did it: `key:<id>`, `system`, `operator:<name>`.
    pub actor: String,
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A page of the timeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventPage)]
pub struct Page {
    pub data: Vec<Event>,
    pub has_more: bool,
    /// For `cursor`, while there is more.
    pub next_cursor: Option<String>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self { sequence: row.sequence, kind: row.kind, at: row.at, actor: row.actor, data: row.data }
    }
}

/// The timeline of a verification, oldest first.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/events", operation_id = "list_verification_events", tag = "verifications",
    params(
        ("id" = String, Path, description = "A verification"),
        ("after" = Option<u64>, Query, description = "Only steps with a higher sequence number", minimum = 0),
        ("limit" = Option<u32>, Query, description = "Page size, 20 when left out", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page; `Link` leads to the next", body = Page),
        (status = 404, description = "No such verification", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsRead>,
    Id(id): Id<VerificationId>,
    mut params: Params,
) -> Result<Answer, ReadError> {
    let limit = params.limit();
    let after = params.integer("after", 0, i64::MAX);
    let cursor = params.text("cursor");
    params.finish()?;
    let path = format!("/v1/verifications/{id}/events");
    let filters: Vec<(&'static str, String)> = after.map(|after| ("after", after.to_string())).into_iter().collect();
    let page = state.cursors.page(caller.tenant, &path, &filters);
    let start = match cursor {
        Some(cursor) => page.position::<i64>(&cursor)?,
        None => after.unwrap_or(0),
    };

    let mut tx = state.store.begin(caller.tenant).await?;
    let mut rows = event::list(&mut tx, id, start, limit + 1).await?;
    // No events at all may mean no verification.
    if rows.is_empty() && verification::get(&mut tx, id).await?.is_none() {
        return Err(ReadError::NotFound);
    }
    let has_more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| has_more).map(|row| page.cursor(&row.sequence));
    let link = next_cursor.as_deref().map(|cursor| next_link(&path, &filters, limit, cursor));
    let data = rows.into_iter().map(Event::from).collect();
    Ok(Answer::json(StatusCode::OK, &Page { data, has_more, next_cursor })?.headers(link))
}

//! `GET /v1/verifications/{id}/stream`: its steps as they happen, as Server-Sent Events.
//!
//! The rows are the truth and notices only wake: a client that comes back to any gateway with the number of the last step it saw is sent
//! what it missed.

use std::collections::VecDeque;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::id::VerificationId;
use serde::Serialize;
use store::StoreError;
use store::event::{self, EventRow};
use store::verification::{Progress, VerificationRow};
use utoipa::ToSchema;

use crate::auth::{Allowed, VerificationsRead};
use crate::input::{Id, Params};
use crate::problem::Document;
use crate::state::AppState;
use crate::stream::{LONGEST, Place, last_seen, respond};
use crate::v1::read_error::ReadError;
use crate::wait::Watch;

/// Steps read at a time.
const BATCH: i64 = 100;

/// The data of one message, named `verification.updated`. A step has its number as the message's id; a change of progress alone has none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerificationUpdate)]
struct Update<'a> {
    sequence: i64,
    /// The step, as in the timeline.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    /// When the step was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    /// As the verification stands when the message is sent.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    progress: Option<&'a Progress>,
}

impl Update<'_> {
    fn message(&self) -> Event {
        let message = Event::default().event("verification.updated");
        let message = if self.kind.is_some() { message.id(self.sequence.to_string()) } else { message };
        // Plain data always has a JSON form; without one the client still hears that something changed.
        message.json_data(self).unwrap_or_default()
    }
}

/// The steps of a verification as they happen, until it has ended.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/stream", operation_id = "stream_verification", tag = "verifications",
    params(
        ("id" = String, Path, description = "A verification"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last step seen; the stream goes on after it"),
    ),
    responses(
        (status = 200, description = "Messages named `verification.updated`, missed ones first. Ends with the verification, or after a quarter of an hour", body = Update<'static>, content_type = "text/event-stream"),
        (status = 204, description = "It has ended and nothing was missed: do not come back"),
        (status = 400, description = "`Last-Event-ID` is not a number", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such verification", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "The key holds too many streams", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsRead>,
    Id(id): Id<VerificationId>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    params.finish()?;
    let after = last_seen(&headers)?.unwrap_or_default();
    tracing::Span::current().record("verification.id", tracing::field::display(id));

    let watch = Watch::new(&state, caller.tenant, id, LONGEST);
    let (tx, row) = watch.look().await?.ok_or(ReadError::NotFound)?;
    // Nobody streams with a connection in hand.
    drop(tx);
    if row.status.is_terminal() && row.sequence <= after {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.streams.take(caller.key_id)?;
    let feed = Feed { watch, after, version: None, ready: VecDeque::new(), over: false, _place: place };
    Ok(respond(None, futures::stream::unfold(feed, async |mut feed| feed.next().await.map(|message| (message, feed)))))
}

/// What one client is still to be sent.
struct Feed {
    watch: Watch,
    /// The last step that was sent.
    after: i64,
    /// Of the row that was last sent; none while steps wait in the store.
    version: Option<i64>,
    ready: VecDeque<Event>,
    /// The verification has ended and all of it was sent.
    over: bool,
    _place: Place,
}

impl Feed {
    /// The next message. None at the end, whether of the verification, of the time, or of the server; and when the store is away: the
    /// client comes back for the rest.
    async fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() && !self.over {
            if let Err(error) = self.gather().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "A stream ends because the store is away");
                return None;
            }
        }
        self.ready.pop_front()
    }

    async fn gather(&mut self) -> Result<(), StoreError> {
        let seen = match self.version {
            None => self.watch.look().await?,
            Some(version) => self.watch.until(|row| row.version != version).await?,
        };
        let Some((mut tx, row)) = seen.filter(|(_, row)| self.version != Some(row.version)) else {
            self.over = true;
            return Ok(());
        };
        let steps = event::list(&mut tx, self.watch.id, self.after, BATCH).await?;
        drop(tx);
        if steps.is_empty() && self.version.is_some() {
            self.ready.push_back(update(&row, None).message());
        }
        self.ready.extend(steps.iter().map(|step| update(&row, Some(step)).message()));
        self.after = steps.last().map_or(self.after, |step| step.sequence);
        let all = (steps.len() as i64) < BATCH;
        self.version = all.then_some(row.version);
        self.over = all && row.status.is_terminal();
        Ok(())
    }
}

fn update<'a>(row: &'a VerificationRow, step: Option<&'a EventRow>) -> Update<'a> {
    Update {
        sequence: step.map_or(row.sequence, |step| step.sequence),
        kind: step.map(|step| step.kind.as_str()),
        at: step.map(|step| step.at),
        status: row.status.as_str(),
        verdict: row.verdict.map(|verdict| verdict.as_str()),
        progress: row.progress.as_ref(),
    }
}

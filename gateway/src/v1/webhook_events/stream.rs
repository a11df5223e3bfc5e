//! `GET /v1/webhook_events/stream`: every event of the tenant as it happens, as Server-Sent Events.
//!
//! The rows are the truth and notices only wake: a client that comes back to any gateway with the number of the last message it saw is sent
//! what it missed, once and in order.

use std::collections::VecDeque;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use domain::id::{EventId, TenantId};
use domain::webhook::event::EventFilter;
use serde::Serialize;
use serde_json::value::RawValue;
use store::StoreError;
use store::webhook::{self, FeedRow};
use utoipa::ToSchema;

use crate::auth::{Allowed, WebhooksRead};
use crate::input::Params;
use crate::problem::Document;
use crate::state::AppState;
use crate::stream::{LONGEST, Place, last_seen, respond};
use crate::v1::read_error::ReadError;
use crate::wait::Ear;

/// Events read at a time.
const BATCH: i64 = 100;

/// The data of one message, named `webhook`. Its number is the message's id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEvent)]
struct Message<'a> {
    /// What an endpoint gets as `webhook-id`.
    #[schema(value_type = String)]
    event_id: EventId,
    /// What an endpoint gets as its body, byte for byte: `type`, `timestamp`, `data`.
    #[schema(value_type = Object)]
    body: &'a RawValue,
}

impl Message<'_> {
    /// None for a body that is not the JSON which every writer of events writes.
    fn of(row: &FeedRow) -> Option<Event> {
        let body = serde_json::from_slice::<&RawValue>(&row.body).ok()?;
        let message = Event::default().event("webhook").id(row.number.to_string());
        message.json_data(Message { event_id: row.id, body }).ok()
    }
}

/// Events of the tenant as they happen, whether or not it has webhook endpoints.
#[utoipa::path(
    get, path = "/v1/webhook_events/stream", operation_id = "stream_webhook_events", tag = "webhooks",
    params(
        ("events" = Option<String>, Query, description = "Types separated by commas; all when left out, later ones included"),
        ("since" = Option<String>, Query, description = "Begin with what happened since then (RFC 3339), as far as it is kept: 30 days, and longer what was sent to an endpoint. Left out, begin now"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last message seen; the stream goes on after it, whatever `since` says. 0 for all that is kept"),
    ),
    responses(
        (status = 200, description = "Messages named `webhook`, missed ones first, in the order in which they happened and each once. Ends after a quarter of an hour: come back with `Last-Event-ID`", body = Message<'static>, content_type = "text/event-stream"),
        (status = 400, description = "An unknown type, or `since` or `Last-Event-ID` cannot be read", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks `webhooks:read`", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "The key holds too many streams", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksRead>,
    mut params: Params,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    let filter = params.word("events", |words| EventFilter::parse(words.split(',').map(str::trim)).ok()).unwrap_or_default();
    let since = params.time("since");
    params.finish()?;
    let seen = last_seen(&headers)?;

    // Before the first look, so that nothing falls between the two.
    let changes = state.changes.as_ref().map(|changes| changes.subscribe_tenant(caller.tenant));
    let mut tx = state.store.begin(caller.tenant).await?;
    let end = webhook::feed_end(&mut tx).await?;
    let after = match (seen, since) {
        // A number from before the database was put back must not hide what comes now.
        (Some(seen), _) => seen.min(end),
        (None, Some(since)) => webhook::feed_since(&mut tx, since).await?,
        (None, None) => end,
    };
    // Nobody streams with a connection in hand.
    drop(tx);
    let place = state.streams.take(caller.key_id)?;
    let ear = Ear::new(&state, changes, LONGEST);
    let feed = Feed { state, tenant: caller.tenant, filter, ear, after, goes_on: true, ready: VecDeque::new(), _place: place };
    Ok(respond(Some(after), futures::stream::unfold(feed, async |mut feed| feed.next().await.map(|message| (message, feed)))))
}

/// What one client is still to be sent.
struct Feed {
    state: AppState,
    tenant: TenantId,
    filter: EventFilter,
    ear: Ear,
    /// The last event that was looked at.
    after: i64,
    /// Neither is the time up nor does the server drain.
    goes_on: bool,
    ready: VecDeque<Event>,
    _place: Place,
}

impl Feed {
    /// The next message. None when the time is up, the server drains, or the store is away: the client comes back for the rest.
    async fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() && self.goes_on {
            match self.gather().await {
                Ok(true) => {}
                Ok(false) => self.goes_on = self.ear.change().await,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "A stream of events ends because the store is away");
                    return None;
                }
            }
        }
        self.ready.pop_front()
    }

    /// Reads on. False when there was nothing.
    async fn gather(&mut self) -> Result<bool, StoreError> {
        let mut tx = self.state.store.begin(self.tenant).await?;
        let rows = webhook::feed(&mut tx, self.after, BATCH).await?;
        drop(tx);
        let Some(last) = rows.last() else { return Ok(false) };
        self.after = last.number;
        for row in rows.iter().filter(|row| self.filter.wants_word(&row.kind)) {
            match Message::of(row) {
                Some(message) => self.ready.push_back(message),
                None => tracing::warn!(event.id = %row.id, "Event {} is not JSON and is left out of a stream", row.id),
            }
        }
        Ok(true)
    }
}

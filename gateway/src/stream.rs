//! Server-Sent Events: how a stream begins, how a client says where it left off, and how many streams a key may hold.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::id::KeyId;
use futures::{Stream, StreamExt};

use crate::metrics::{Gauge, Metric};
use crate::problem::{Code, InvalidField, Problem};

/// A comment this often keeps proxies from taking a quiet stream for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a client is told to wait before it comes back.
const COME_BACK: Duration = Duration::from_secs(2);
/// A stream ends after this long and its client comes back, so that a key that was revoked does not go on reading.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Streams of one key at one gateway.
const PER_KEY: usize = 20;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Answers with messages as they come. `begin` is where the stream begins, for a client that goes before the first message comes.
pub fn respond(begin: Option<i64>, messages: impl Stream<Item = Event> + Send + 'static) -> Response {
    let hello = Event::default().retry(COME_BACK);
    let hello = begin.into_iter().fold(hello, |hello, number| hello.id(number.to_string()));
    let messages = futures::stream::iter([hello]).chain(messages).map(Ok::<_, Infallible>);
    let sse = Sse::new(messages).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    // nginx and its kin would gather messages before they pass them on.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), unbuffered], sse).into_response()
}

/// The number of the last message that the client saw, if it says one.
pub fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let seen = value.to_str().ok().and_then(|text| text.parse::<i64>().ok()).filter(|seen| *seen >= 0);
    seen.map(Some).ok_or_else(|| {
        let error = InvalidField::parameter("Last-Event-ID", "not_a_sequence", "expected the number of a message, 0 or more");
        Problem::new(Code::InvalidParameter).errors(vec![error])
    })
}

/// The streams that are open here, by key.
#[derive(Debug, Default)]
pub struct Streams(Mutex<HashMap<KeyId, usize>>);

impl Streams {
    /// A place for one more, unless the key has as many as it may.
    pub fn take(self: &Arc<Self>, key: KeyId) -> Result<Place, Problem> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.entry(key).or_default();
        if *held >= PER_KEY {
            return Err(Problem::new(Code::TooManyStreams));
        }
        *held += 1;
        Ok(Place { key, streams: Arc::clone(self), _counted: Gauge::raise(Metric::HttpStreams) })
    }
}

/// Given back when dropped.
pub struct Place {
    key: KeyId,
    streams: Arc<Streams>,
    _counted: Gauge,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = open.get_mut(&self.key) {
            *held -= 1;
            if *held == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_places_and_gets_them_back() {
        let streams = Arc::new(Streams::default());
        let key = KeyId::new();
        let places: Vec<Option<Place>> = (0..=PER_KEY).map(|_| streams.take(key).ok()).collect();
        assert_eq!(places.iter().flatten().count(), PER_KEY);
        assert!(streams.take(KeyId::new()).is_ok(), "another key has its own");
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty());
    }

    #[test]
    fn only_numbers_of_messages_are_taken() {
        let seen = |text: &'static str| last_seen(&HeaderMap::from_iter([(LAST_EVENT_ID, HeaderValue::from_static(text))])).ok();
        assert_eq!((seen("0"), seen("7"), seen("-1"), seen("x"), seen("")), (Some(Some(0)), Some(Some(7)), None, None, None));
        assert_eq!(last_seen(&HeaderMap::new()).ok(), Some(None));
    }
}

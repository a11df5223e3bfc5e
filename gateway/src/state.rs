//! What every handler can reach: stores, engine, clock, limits, and what the process keeps in memory.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use domain::webhook::address::Rules;
use store::Store;
use store::listen::VerificationChanges;
use store::objects::Objects;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::auth::KeyCache;
use crate::engine::Engine;
use crate::input::CursorKey;
use crate::stream::Streams;

/// What `AppState` is made of.
pub struct Parts {
    pub store: Store,
    pub objects: Arc<dyn Objects>,
    pub engine: Arc<dyn Engine>,
    /// Wakes long polls at once; without it they look every quarter of a second.
    pub changes: Option<VerificationChanges>,
    /// Under which clients reach the API, without a slash at the end.
    pub public_url: String,
    /// Signs cursors. All gateways behind one address share it.
    pub cursor_secret: Vec<u8>,
    /// The version under which the prepare stage keeps page images.
    pub page_version: String,
    pub limits: Limits,
    /// Where tenants may have webhooks sent.
    pub webhooks: Rules,
}

/// The state of the gateway. Cheap to clone; nothing in it that another gateway could not rebuild.
#[derive(Clone)]
pub struct AppState {
    pub store: Store,
    pub objects: Arc<dyn Objects>,
    pub engine: Arc<dyn Engine>,
    pub clock: Arc<dyn Clock>,
    pub changes: Option<VerificationChanges>,
    pub public_url: Arc<str>,
    pub page_version: Arc<str>,
    pub limits: Limits,
    pub webhooks: Arc<Rules>,
    pub cursors: CursorKey,
    pub keys: Arc<KeyCache>,
    /// Streams that are open here.
    pub streams: Arc<Streams>,
    /// Rung when something for the relay was committed here.
    pub relay_bell: Arc<Notify>,
    /// Set when the server drains: who waits for something answers with what there is.
    pub stopping: CancellationToken,
}

/// What a request may cost. `GET /v1/capabilities` publishes the first five.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One file.
    pub evidence_bytes: u64,
    /// A JSON body.
    pub json_bytes: usize,
    /// Files of one verification.
    pub evidence_per_verification: usize,
    /// `metadata` of a verification, as JSON text.
    pub metadata_bytes: usize,
    /// A lease may be asked for up to this long, in seconds.
    pub lease_seconds: u64,
    /// A body that brings nothing for this long is given up.
    pub body_idle: Duration,
    /// Nothing but an upload takes longer; above the longest wait, so that a wait ends by itself.
    pub request: Duration,
    /// How long a request waits for the engine after its own commit; the relay does the rest.
    pub engine: Duration,
    /// How long a signed upload URL works.
    pub presigned: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            evidence_bytes: 100_000_000,
            json_bytes: 1_000_000,
            evidence_per_verification: 20,
            metadata_bytes: 16_384,
            lease_seconds: 3_600,
            body_idle: Duration::from_secs(30),
            request: Duration::from_secs(90),
            engine: Duration::from_secs(2),
            presigned: Duration::from_secs(15 * 60),
        }
    }
}

impl AppState {
    /// The state on the machine's clock.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, objects, engine, changes, public_url, cursor_secret, page_version, limits, webhooks } = parts;
        Self {
            store,
            objects,
            engine,
            clock: Arc::new(SystemClock),
            changes,
            public_url: public_url.trim_end_matches('/').into(),
            page_version: page_version.into(),
            limits,
            webhooks: Arc::new(webhooks),
            cursors: CursorKey::new(&cursor_secret),
            keys: Arc::new(KeyCache::default()),
            streams: Arc::new(Streams::default()),
            relay_bell: Arc::new(Notify::new()),
            stopping: CancellationToken::new(),
        }
    }
}

//! What every page can reach.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::clock::{Clock, SystemClock};
use domain::webhook::address::Rules;
use moka::sync::Cache;
use store::Store;
use store::desk_notices::DeskNotices;
use store::objects::Objects;
use store::session::Lifetime;
use tokio_util::sync::CancellationToken;

use crate::live::Hub;

use crate::oidc::Provider;

/// Bytes of scaled page images that an instance remembers.
const IMAGES: u64 = 64 << 20;

/// What the desk is made of.
pub struct Parts {
    pub store: Store,
    pub objects: Arc<dyn Objects>,
    /// Whether browsers reach the desk over TLS; then its cookies travel over nothing else.
    pub secure: bool,
    /// Where the engine's own pages list workflows, without a slash at the end.
    pub temporal_ui: Option<String>,
    /// The renderer's version; page images are kept under it.
    pub page_version: String,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secure: bool,
    pub(crate) temporal_ui: Option<String>,
    pub(crate) page_version: String,
    pub(crate) lifetime: Lifetime,
    /// Where tenants may have webhooks sent.
    pub(crate) webhooks: Arc<Rules>,
    /// The organisation's own way to sign in, where there is one.
    pub(crate) provider: Option<Arc<Provider>>,
    pub(crate) images: Cache<String, Bytes>,
    /// Hashing a password takes a fifth of a second of one core and 19 MiB; a crowd at the door must not take the machine.
    pub(crate) hashing: Arc<tokio::sync::Semaphore>,
    /// What open pages are told.
    pub(crate) live: Arc<Hub>,
    /// Wakes them at once; without it they look every second.
    pub(crate) notices: Option<DeskNotices>,
    /// Set when the server drains: open pages are let go.
    pub(crate) stopping: CancellationToken,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        let weigh = |_: &String, image: &Bytes| u32::try_from(image.len()).unwrap_or(u32::MAX);
        Self {
            store: parts.store,
            objects: parts.objects,
            clock: Arc::new(SystemClock),
            secure: parts.secure,
            temporal_ui: parts.temporal_ui,
            page_version: parts.page_version,
            lifetime: Lifetime { idle: Duration::from_secs(3_600), total: Duration::from_secs(12 * 3_600) },
            webhooks: Arc::new(Rules::default()),
            provider: None,
            images: Cache::builder().max_capacity(IMAGES).weigher(weigh).build(),
            hashing: Arc::new(tokio::sync::Semaphore::new(2)),
            live: Arc::default(),
            notices: None,
            stopping: CancellationToken::new(),
        }
    }

    /// The same desk, where webhooks may go elsewhere than the strict rules say.
    #[must_use]
    pub fn with_webhooks(self, rules: Rules) -> Self {
        Self { webhooks: Arc::new(rules), ..self }
    }

    /// The same desk, where people also sign in through a provider.
    #[must_use]
    pub fn with_provider(self, provider: Provider) -> Self {
        Self { provider: Some(Arc::new(provider)), ..self }
    }

    /// The same desk, whose open pages hear of changes as they are committed.
    #[must_use]
    pub fn with_notices(self, notices: DeskNotices) -> Self {
        Self { notices: Some(notices), ..self }
    }

    /// The same desk, whose open pages are let go when the token is cancelled, so that the server can end.
    #[must_use]
    pub fn until(self, stopping: CancellationToken) -> Self {
        Self { stopping, ..self }
    }

    /// The name of the session's cookie. Over TLS no other host or path can set one of that name.
    pub(crate) fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-assay" } else { "assay" }
    }
}

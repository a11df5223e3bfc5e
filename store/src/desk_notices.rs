//! Hears what the desk's open pages should look at again: reviews that changed hands, and people whose access changed.
//!
//! The notices are sent by triggers, within the transaction that makes the change. They carry ids and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::{ReviewId, TenantId};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::error::StoreError;
use crate::listen::{Hears, keep_listening};
use crate::pool::DatabaseConfig;

/// The channel of the triggers.
const CHANNEL: &str = "assay_desk";
/// Notices that wait for a slow receiver; one that falls behind is told that it missed some.
const WAITING: usize = 256;

/// What may have changed for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskNotice {
    /// A review was opened, ended, or changed hands.
    Review(ReviewId),
    /// A session ended or went to another tenant, or somebody's roles changed.
    Access,
    /// Notices may have been lost: anything.
    Anything,
}

/// Notices by tenant. Cheap to clone; the connection closes with the last clone and receiver.
#[derive(Clone)]
pub struct DeskNotices {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    tenants: Mutex<HashMap<Uuid, broadcast::Sender<DeskNotice>>>,
}

/// The notices of one tenant, from when it was made.
pub struct DeskReceiver {
    tenant: Uuid,
    /// Until dropped.
    notices: Option<broadcast::Receiver<DeskNotice>>,
    shared: Arc<Shared>,
}

impl DeskNotices {
    /// Starts listening in the background. Never blocks on the database.
    pub fn spawn(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let driver = config.driver()?;
        let shared = Arc::new(Shared::default());
        tokio::spawn(keep_listening(driver, CHANNEL, Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// What is told to a tenant from now on. Subscribe first, then read the rows, then wait: nothing is missed in between.
    pub fn subscribe(&self, tenant: TenantId) -> DeskReceiver {
        let mut tenants = self.shared.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let notices = tenants.entry(tenant.0).or_insert_with(|| broadcast::Sender::new(WAITING)).subscribe();
        DeskReceiver { tenant: tenant.0, notices: Some(notices), shared: Arc::clone(&self.shared) }
    }
}

impl DeskReceiver {
    /// Waits for the next notice.
    pub async fn next(&mut self) -> DeskNotice {
        let Some(notices) = &mut self.notices else { return std::future::pending().await };
        match notices.recv().await {
            Ok(notice) => notice,
            Err(RecvError::Lagged(_)) => DeskNotice::Anything,
            // The senders live as long as `shared`, which we hold.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    /// A notice that has come already.
    pub fn waiting(&mut self) -> Option<DeskNotice> {
        match self.notices.as_mut()?.try_recv() {
            Ok(notice) => Some(notice),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(DeskNotice::Anything),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}

impl Drop for DeskReceiver {
    fn drop(&mut self) {
        let mut tenants = self.shared.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours goes first and under the lock, so that of two that end together the second finds nobody left.
        self.notices.take();
        if tenants.get(&self.tenant).is_some_and(|sender| sender.receiver_count() == 0) {
            tenants.remove(&self.tenant);
        }
    }
}

impl Hears for Shared {
    fn tell(&self, payload: &str) {
        let Some((tenant, about)) = payload.split_once(':') else { return };
        let Ok(tenant) = tenant.parse::<Uuid>() else { return };
        let notice = match (about, about.parse::<Uuid>()) {
            (_, Ok(review)) => DeskNotice::Review(ReviewId(review)),
            ("access", Err(_)) => DeskNotice::Access,
            // A later release tells of something that we do not know.
            (_, Err(_)) => return,
        };
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = tenants.get(&tenant) {
            // Nobody is left to hear it only between the last receiver's end and its clearing up.
            let _ = sender.send(notice);
        }
    }

    fn wake_all(&self) {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in tenants.values() {
            let _ = sender.send(DeskNotice::Anything);
        }
    }
}

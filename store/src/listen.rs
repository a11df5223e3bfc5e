//! Hears of changes as they are committed, over one connection that is opened again whenever it breaks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use domain::id::{TenantId, VerificationId};
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

use crate::error::{StoreError, no_connection};
use crate::pool::DatabaseConfig;
use crate::tx::CHANNEL;

/// The first and the longest wait before the connection is opened again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Changes of verifications, for those who wait for one. Cheap to clone; the connection closes with the last clone and receiver.
///
/// Notices can be lost (a broken connection, a crash right after a commit), so a waiter also looks by itself now and then.
#[derive(Clone)]
pub struct VerificationChanges {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// By the id of a verification, or of a tenant; the two never meet.
    waiters: Mutex<HashMap<Uuid, watch::Sender<i64>>>,
}

/// Resolves when what it waits for may have changed.
pub struct Receiver {
    id: Uuid,
    /// Until dropped.
    changes: Option<watch::Receiver<i64>>,
    shared: Arc<Shared>,
}

impl VerificationChanges {
    /// Starts listening in the background. Never blocks on the database.
    pub fn spawn(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let driver = config.driver()?;
        let shared = Arc::new(Shared::default());
        tokio::spawn(keep_listening(driver, CHANNEL, Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// Changes of one verification from now on. Subscribe first, then read the row, then wait: nothing is missed in between.
    pub fn subscribe(&self, id: VerificationId) -> Receiver {
        self.wait_for(id.0)
    }

    /// Whatever happens to any verification of a tenant from now on; the number that comes with it says nothing.
    pub fn subscribe_tenant(&self, id: TenantId) -> Receiver {
        self.wait_for(id.0)
    }

    fn wait_for(&self, id: Uuid) -> Receiver {
        let mut waiters = self.shared.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = waiters.entry(id).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Receiver { id, changes: Some(changes), shared: Arc::clone(&self.shared) }
    }
}

impl Receiver {
    /// Waits for the next change and returns the sequence number that came with it. Also resolves when the connection was
    /// opened again, since a notice may have been lost.
    pub async fn changed(&mut self) -> i64 {
        // The receiver is there until it is dropped, and the senders live as long as `shared`, which we hold.
        let Some(changes) = &mut self.changes else { return std::future::pending().await };
        match changes.changed().await {
            Ok(()) => *changes.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut waiters = self.shared.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours goes first and under the lock, so that of two that end together the second finds nobody left.
        self.changes.take();
        if waiters.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            waiters.remove(&self.id);
        }
    }
}

/// Who is told what comes over a channel.
pub(crate) trait Hears: Send + Sync + 'static {
    /// A notice with this text.
    fn tell(&self, payload: &str);
    /// The connection was opened anew, so that notices may have been lost.
    fn wake_all(&self);
}

impl Hears for Shared {
    fn tell(&self, payload: &str) {
        let mut parts = payload.split(':');
        let (Some(tenant), Some(id), Some(sequence)) = (parts.next(), parts.next(), parts.next()) else { return };
        let (Ok(tenant), Ok(id), Ok(sequence)) = (tenant.parse::<Uuid>(), id.parse::<Uuid>(), sequence.parse()) else { return };
        let waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        for concerned in [id, tenant] {
            if let Some(sender) = waiters.get(&concerned) {
                sender.send_replace(sequence);
            }
        }
    }

    fn wake_all(&self) {
        let waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in waiters.values() {
            sender.send_modify(|_| {});
        }
    }
}

/// Listens to a channel until nobody holds `shared` any more.
pub(crate) async fn keep_listening(driver: tokio_postgres::Config, channel: &'static str, shared: Weak<impl Hears>) {
    let mut wait = BACKOFF.0;
    while shared.strong_count() > 0 {
        match listen_once(&driver, channel, &shared).await {
            Ok(()) => wait = BACKOFF.0,
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "Listening for changes was interrupted"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(BACKOFF.1);
    }
}

/// Listens until the connection ends. An error means that it never came to listening.
async fn listen_once(driver: &tokio_postgres::Config, channel: &str, shared: &Weak<impl Hears>) -> Result<(), StoreError> {
    let (client, mut connection) = driver.connect(NoTls).await.map_err(no_connection)?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context)).boxed();
    let listen = format!("listen {channel}");
    {
        // The connection makes progress only while its messages are read.
        let listening = client.batch_execute(&listen);
        tokio::pin!(listening);
        loop {
            tokio::select! {
                done = &mut listening => {
                    done.map_err(no_connection)?;
                    break;
                }
                message = messages.try_next() => if message.map_err(no_connection)?.is_none() { return Ok(()) },
            }
        }
    }
    if let Some(shared) = shared.upgrade() {
        shared.wake_all();
    }
    // The last handle may go while nothing is said, so look for it from time to time.
    let mut look = tokio::time::interval(Duration::from_secs(1));
    loop {
        let message = tokio::select! {
            message = messages.try_next() => message,
            _ = look.tick() => {
                if shared.strong_count() == 0 {
                    return Ok(());
                }
                continue;
            }
        };
        match message {
            Ok(Some(AsyncMessage::Notification(notification))) => match shared.upgrade() {
                Some(shared) => shared.tell(notification.payload()),
                None => return Ok(()),
            },
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Ok(()),
        }
    }
}

//! What open pages are told as it happens: one room for each tenant whose pages are open here, in which the queue is counted once for all.
//!
//! The rows are the truth. A notice only says when to look, and a room looks by itself now and then, so one that is lost costs seconds.

mod places;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::{ReviewId, TenantId};
use store::desk_notices::{DeskNotice, DeskNotices};
use store::review::{self, Tally};
use store::{Store, StoreError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

pub use places::{Full, Place, Places};

/// Between two counts for a tenant: changes that come faster are told together.
const PACE: Duration = Duration::from_millis(250);
/// How long a room waits for a notice. What only time changes, such as being overdue, is seen this late.
const LOOK_WHEN_TOLD: Duration = Duration::from_secs(15);
/// The same where no notices come.
const LOOK_UNTOLD: Duration = Duration::from_secs(1);
/// After the database did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Rounds of news that a slow page may fall behind; after more it looks at everything.
const WAITING: usize = 16;

/// The rooms of this instance.
#[derive(Default)]
pub struct Hub {
    rooms: Mutex<HashMap<TenantId, Arc<Room>>>,
    pub places: Arc<Places>,
}

/// What was found by the last count, and who waits for the next.
struct Room {
    latest: Mutex<Option<Arc<Tally>>>,
    news: broadcast::Sender<Arc<News>>,
}

/// The numbers of a queue, and what to look at again.
pub struct News {
    pub tally: Arc<Tally>,
    touched: Touched,
}

/// What notices named since the last count.
#[derive(Default)]
struct Touched {
    anything: bool,
    access: bool,
    reviews: HashSet<ReviewId>,
}

/// A page that listens. The room ends some time after the last of them.
pub struct Listener {
    room: Arc<Room>,
    news: broadcast::Receiver<Arc<News>>,
}

impl Hub {
    /// Listens to a tenant's news from now on.
    pub fn join(
        self: &Arc<Self>,
        store: &Store,
        notices: Option<&DeskNotices>,
        stopping: &CancellationToken,
        tenant: TenantId,
    ) -> Listener {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(tenant).or_insert_with(|| {
            let room = Arc::new(Room { latest: Mutex::new(None), news: broadcast::Sender::new(WAITING) });
            tokio::spawn(keep_counting(Arc::clone(self), Arc::clone(&room), store.clone(), notices.cloned(), stopping.clone(), tenant));
            room
        });
        // Under the lock: a room that is about to end sees us, or we do not see it.
        Listener { news: room.news.subscribe(), room: Arc::clone(room) }
    }

    /// Takes a room away in which nobody is left.
    fn close_if_empty(&self, tenant: TenantId, room: &Room) -> bool {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = room.news.receiver_count() == 0;
        if empty {
            rooms.remove(&tenant);
        }
        empty
    }
}

impl Listener {
    /// The last count, if there was one.
    pub fn latest(&self) -> Option<Arc<Tally>> {
        self.room.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for news. None when some were missed: look at everything.
    pub async fn next(&mut self) -> Option<Arc<News>> {
        match self.news.recv().await {
            Ok(news) => Some(news),
            Err(RecvError::Lagged(_)) => None,
            // We hold the room and so its sender.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl News {
    /// Whether this review may have changed.
    pub fn is_about(&self, id: ReviewId) -> bool {
        self.touched.anything || self.touched.reviews.contains(&id)
    }

    /// Whether somebody's session or roles may have changed.
    pub fn is_of_access(&self) -> bool {
        self.touched.anything || self.touched.access
    }
}

impl Touched {
    fn add(&mut self, notice: DeskNotice) {
        match notice {
            DeskNotice::Review(id) => {
                self.reviews.insert(id);
            }
            DeskNotice::Access => self.access = true,
            DeskNotice::Anything => self.anything = true,
        }
    }
}

/// Counts whenever something changed, at most once a [`PACE`], until nobody listens.
async fn keep_counting(
    hub: Arc<Hub>,
    room: Arc<Room>,
    store: Store,
    notices: Option<DeskNotices>,
    stopping: CancellationToken,
    tenant: TenantId,
) {
    // Before the first count, so that nothing falls between.
    let mut receiver = notices.map(|notices| notices.subscribe(tenant));
    let mut touched = Touched::default();
    loop {
        let look = match count(&store, tenant).await {
            Ok(tally) => {
                let tally = Arc::new(tally);
                *room.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tally));
                // Whoever listens is told; nobody may.
                let _ = room.news.send(Arc::new(News { tally, touched: std::mem::take(&mut touched) }));
                if receiver.is_some() { LOOK_WHEN_TOLD } else { LOOK_UNTOLD }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "The queue could not be counted for open pages");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            () = stopping.cancelled() => return,
        }
        if hub.close_if_empty(tenant, &room) {
            return;
        }
        let told = async {
            match &mut receiver {
                Some(receiver) => receiver.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            notice = told => touched.add(notice),
            () = tokio::time::sleep(look) => touched.anything = true,
            () = stopping.cancelled() => return,
        }
        while let Some(notice) = receiver.as_mut().and_then(store::desk_notices::DeskReceiver::waiting) {
            touched.add(notice);
        }
    }
}

async fn count(store: &Store, tenant: TenantId) -> Result<Tally, StoreError> {
    let mut tx = store.begin(tenant).await?;
    metrics::counter!(crate::metric::QUEUE_COUNTS).increment(1);
    review::tally(&mut tx).await
}

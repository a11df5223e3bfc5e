//! Waiting for a change, of a verification as a rule, without holding a connection meanwhile.

use std::time::Duration;

use domain::id::{TenantId, VerificationId};
use store::listen::Receiver;
use store::verification::{self, VerificationRow};
use store::{StoreError, TenantTx};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// Notices can be lost; this bounds what that costs.
const LOOK_WHEN_TOLD: Duration = Duration::from_secs(2);
/// Without notices.
const LOOK_UNTOLD: Duration = Duration::from_millis(250);

/// A row, and the transaction that saw it, for what else is to be read as of then.
type Seen = Option<(TenantTx, VerificationRow)>;

/// Reads a verification until it satisfies `done`, the time is up, or the server drains. `None` when there is no such verification.
pub async fn until(
    state: &AppState,
    tenant: TenantId,
    id: VerificationId,
    time: Duration,
    done: impl Fn(&VerificationRow) -> bool,
) -> Result<Seen, StoreError> {
    let mut watch = Watch::new(state, tenant, id, time);
    match watch.look().await? {
        Some((tx, row)) if !done(&row) && !time.is_zero() => {
            drop(tx);
            watch.until(done).await
        }
        seen => Ok(seen),
    }
}

/// Somebody who waits for one verification.
pub struct Watch {
    state: AppState,
    tenant: TenantId,
    pub id: VerificationId,
    ear: Ear,
}

impl Watch {
    /// Listens from now on, so that no change falls between a look and the wait after it.
    pub fn new(state: &AppState, tenant: TenantId, id: VerificationId, time: Duration) -> Self {
        let changes = state.changes.as_ref().filter(|_| !time.is_zero()).map(|changes| changes.subscribe(id));
        Self { state: state.clone(), tenant, id, ear: Ear::new(state, changes, time) }
    }

    /// The row as it stands.
    pub async fn look(&self) -> Result<Seen, StoreError> {
        let mut tx = self.state.store.begin(self.tenant).await?;
        let row = verification::get(&mut tx, self.id).await?;
        Ok(row.map(|row| (tx, row)))
    }

    /// The row as soon as it satisfies `done`, or as it stands when the time is up or the server drains. Looks only after a change: call
    /// [`Self::look`] first.
    pub async fn until(&mut self, done: impl Fn(&VerificationRow) -> bool) -> Result<Seen, StoreError> {
        loop {
            let goes_on = self.ear.change().await;
            match self.look().await? {
                Some((tx, row)) if goes_on && !done(&row) => drop(tx),
                seen => return Ok(seen),
            }
        }
    }
}

/// Hears of changes, for a time.
pub struct Ear {
    changes: Option<Receiver>,
    deadline: Instant,
    stopping: CancellationToken,
}

impl Ear {
    /// For changes of whatever was subscribed to; without notices it wakes more often by itself.
    pub fn new(state: &AppState, changes: Option<Receiver>, time: Duration) -> Self {
        Self { changes, deadline: Instant::now() + time, stopping: state.stopping.clone() }
    }

    /// Returns when something may have changed. False when the time is up or the server drains.
    pub async fn change(&mut self) -> bool {
        let look = self.deadline.min(Instant::now() + if self.changes.is_some() { LOOK_WHEN_TOLD } else { LOOK_UNTOLD });
        let told = async {
            match &mut self.changes {
                Some(changes) => {
                    changes.changed().await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep_until(look) => {}
            () = self.stopping.cancelled() => {}
        }
        Instant::now() < self.deadline && !self.stopping.is_cancelled()
    }
}

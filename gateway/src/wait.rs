//! Waiting for a verification to change, without holding a connection meanwhile.

use std::time::Duration;

use domain::id::{TenantId, VerificationId};
use store::verification::{self, VerificationRow};
use store::{StoreError, TenantTx};
use tokio::time::Instant;

use crate::state::AppState;

/// Notices can be lost; this bounds what that costs.
const LOOK_WHEN_TOLD: Duration = Duration::from_secs(2);
/// Without notices.
const LOOK_UNTOLD: Duration = Duration::from_millis(250);

/// Reads a verification until it satisfies `done`, the time is up, or the server drains. `None` when there is no such verification. The
/// transaction that saw the row comes along, for what else is to be read as of then.
pub async fn until(
    state: &AppState,
    tenant: TenantId,
    id: VerificationId,
    time: Duration,
    done: impl Fn(&VerificationRow) -> bool,
) -> Result<Option<(TenantTx, VerificationRow)>, StoreError> {
    let deadline = Instant::now() + time;
    // Subscribed before the first look, so that no change falls between the two.
    let mut changes = state.changes.as_ref().filter(|_| !time.is_zero()).map(|changes| changes.subscribe(id));
    loop {
        let mut tx = state.store.begin(tenant).await?;
        let row = verification::get(&mut tx, id).await?;
        let Some(row) = row else { return Ok(None) };
        let now = Instant::now();
        if done(&row) || now >= deadline || state.stopping.is_cancelled() {
            return Ok(Some((tx, row)));
        }
        drop(tx);
        let look = deadline.min(now + if changes.is_some() { LOOK_WHEN_TOLD } else { LOOK_UNTOLD });
        let told = async {
            match &mut changes {
                Some(changes) => {
                    changes.changed().await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep_until(look) => {}
            () = state.stopping.cancelled() => {}
        }
    }
}

//! What must happen now and then and to nobody in particular: month partitions ahead of time, old idempotency keys, sessions, sign-ins and
//! processes forgotten, webhooks that the engine forgot ordered anew, events that nobody was sent forgotten after a month.

use std::time::{Duration, Instant};

use store::chore::{self, Chore};
use store::{StoreError, idempotency, instance, partition, session, sign_in, tenant, webhook};

use crate::state::AppState;

/// Between two rounds. Partitions reach months ahead, so a missed round is no harm.
const EVERY: Duration = Duration::from_secs(3_600);
/// Keys, and events of a tenant, forgotten per round; the rest waits for the next.
const SWEEP: i64 = 10_000;

/// Deliveries ordered anew per round and tenant.
const OVERDUE: i64 = 1_000;

/// After a round that failed: a database that is busy or away is not helped by asking at once.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// When the chores are due.
#[derive(Default)]
pub struct Chores {
    due: Option<Instant>,
}

impl Chores {
    /// Does them when they are due. Repeating them is harmless, so every gateway does.
    pub async fn due(&mut self, state: &AppState) {
        if self.due.is_some_and(|due| Instant::now() < due) {
            return;
        }
        let pause = match chores(state).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "Housekeeping failed and is tried again; runbook PostgresDown.md");
                AFTER_FAILURE
            }
        };
        self.due = Some(Instant::now() + pause);
    }
}

async fn chores(state: &AppState) -> Result<(), StoreError> {
    let mut tx = state.store.begin_relay().await?;
    let made = partition::ensure(&mut tx, partition::MONTHS_AHEAD).await?;
    if made > 0 {
        // At once: a new partition keeps its whole table locked until the commit.
        tx.commit().await?;
        tx = state.store.begin_relay().await?;
    }
    let forgotten = idempotency::sweep(&mut tx, SWEEP).await?;
    let ended = session::sweep(&mut tx).await? + sign_in::sweep(&mut tx).await?;
    if forgotten > 0 || ended > 0 {
        tx.commit().await?;
    }
    order_overdue(state).await?;
    forget_events(state).await?;
    let mut tx = state.store.begin_relay().await?;
    instance::sweep(&mut tx).await?;
    chore::ended(&mut tx, Chore::Housekeeping, made).await?;
    tx.commit_soon().await?;
    if made > 0 || forgotten > 0 {
        tracing::info!(made, forgotten, "Made {made} month partitions, forgot {forgotten} idempotency keys");
    }
    Ok(())
}

/// An engine that was started empty, or an operator who ended a workflow, leaves deliveries behind that nobody carries.
async fn order_overdue(state: &AppState) -> Result<(), StoreError> {
    let mut tx = state.store.begin_relay().await?;
    let tenants = tenant::list(&mut tx).await?;
    drop(tx);
    for tenant in tenants {
        let mut tx = state.store.begin(tenant.id).await?;
        let ordered = webhook::order_overdue(&mut tx, OVERDUE).await?;
        if ordered > 0 {
            tx.commit().await?;
            tracing::info!(tenant.id = %tenant.id, ordered, "Ordered {ordered} overdue deliveries anew");
        }
    }
    Ok(())
}

/// Webhook events are kept for a while only, unless the log of deliveries needs them.
async fn forget_events(state: &AppState) -> Result<(), StoreError> {
    let mut tx = state.store.begin_relay().await?;
    let tenants = tenant::list(&mut tx).await?;
    drop(tx);
    for tenant in tenants {
        let mut tx = state.store.begin_relay().await?;
        if webhook::forget(&mut tx, tenant.id, SWEEP).await? > 0 {
            tx.commit().await?;
        }
    }
    Ok(())
}

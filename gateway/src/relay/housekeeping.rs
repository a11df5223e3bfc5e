//! What must happen now and then and to nobody in particular: month partitions ahead of time, old idempotency keys forgotten.

use std::time::{Duration, Instant};

use store::{StoreError, idempotency, partition};

use crate::state::AppState;

/// Between two rounds. Partitions reach months ahead, so a missed round is no harm.
const EVERY: Duration = Duration::from_secs(3_600);
/// Keys forgotten per round; the rest waits for the next.
const SWEEP: i64 = 10_000;

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
    if forgotten > 0 {
        tx.commit().await?;
    }
    if made > 0 || forgotten > 0 {
        tracing::info!(made, forgotten, "Made {made} month partitions, forgot {forgotten} idempotency keys");
    }
    Ok(())
}

//! What must happen now and then and to nobody in particular: month partitions ahead of time, old idempotency keys forgotten.

use std::time::{Duration, Instant};

use store::{StoreError, idempotency, partition};

use crate::state::AppState;

/// Between two rounds. Partitions reach months ahead, so a missed round is no harm.
const EVERY: Duration = Duration::from_secs(3_600);
/// Keys forgotten per round; the rest waits for the next.
const SWEEP: i64 = 10_000;

/// When the chores were last done.
#[derive(Default)]
pub struct Chores {
    done: Option<Instant>,
}

impl Chores {
    /// Does them when they are due. Repeating them is harmless, so every gateway does.
    pub async fn due(&mut self, state: &AppState) {
        if self.done.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        match chores(state).await {
            Ok(()) => self.done = Some(Instant::now()),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "Housekeeping failed and is tried again; runbook PostgresDown.md")
            }
        }
    }
}

async fn chores(state: &AppState) -> Result<(), StoreError> {
    let mut tx = state.store.begin_relay().await?;
    let made = partition::ensure(&mut tx, partition::MONTHS_AHEAD).await?;
    let forgotten = idempotency::sweep(&mut tx, SWEEP).await?;
    if made > 0 || forgotten > 0 {
        tx.commit().await?;
        tracing::info!(made, forgotten, "Made {made} month partitions, forgot {forgotten} idempotency keys");
    }
    Ok(())
}

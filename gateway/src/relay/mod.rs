//! Tells the engine what is committed and not yet told: at once after the commit when the engine answers, later from the outbox when not.

mod deliver;
mod housekeeping;
mod measure;
mod reconcile;

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use store::StoreError;
use store::outbox::{self, OutboxRow};
use tokio_util::sync::CancellationToken;

use crate::engine::EngineError;
use crate::metrics::Metric;
use crate::state::AppState;
use deliver::Delivery;

/// How often the outbox is looked at when nobody rings.
const LOOK: Duration = Duration::from_secs(1);
/// Rows taken in one look.
const BATCH: i64 = 50;
/// Calls to the engine at a time.
const AT_A_TIME: usize = 8;
/// The longest pause between two tries of the same row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One call to the engine, within the time a request may wait for it, counted.
pub async fn call<T>(state: &AppState, name: &'static str, told: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
    let result = tokio::time::timeout(state.limits.engine, told).await.unwrap_or_else(|elapsed| Err(EngineError::unavailable(elapsed)));
    let outcome = result.as_ref().err().map_or("ok", EngineError::outcome);
    metrics::counter!(Metric::EngineCallsTotal.as_str(), "call" => name, "outcome" => outcome).increment(1);
    result
}

/// Like [`call`], for what the outbox repeats anyway: a failure only rings for the relay. Tells whether the engine took it.
pub async fn try_now<T>(state: &AppState, name: &'static str, told: impl Future<Output = Result<T, EngineError>>) -> bool {
    match call(state, name, told).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                call = name,
                "The engine was not told; the relay tells it (runbook TemporalDown)"
            );
            state.relay_bell.notify_one();
            false
        }
    }
}

/// Delivers until `stop`. Any number of relays may run; each row is with one at a time.
pub async fn run(state: AppState, stop: CancellationToken) {
    let mut gauges = measure::Gauges::default();
    let mut chores = housekeeping::Chores::default();
    let mut patrol = reconcile::Patrol::default();
    while !stop.is_cancelled() {
        let more = match round(&state).await {
            Ok(taken) => taken as i64 == BATCH,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "The outbox could not be read; runbook PostgresDown.md");
                false
            }
        };
        gauges.due(&state).await;
        chores.due(&state).await;
        patrol.due(&state).await;
        // A full batch says that there is more. The rest is seen to all the same, because a long outage is when it is needed.
        if more {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = state.relay_bell.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Takes what is due and tells it; returns how many rows there were.
async fn round(state: &AppState) -> Result<usize, StoreError> {
    let mut tx = state.store.begin_relay().await?;
    let rows = outbox::claim_due(&mut tx, BATCH).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    tx.commit().await?;
    let told: Vec<(OutboxRow, Delivery)> = futures::stream::iter(rows)
        .map(|row| async move {
            let delivery = deliver::deliver(state, &row).await;
            (row, delivery)
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    let mut tx = state.store.begin_relay().await?;
    for (row, delivery) in &told {
        metrics::counter!(Metric::OutboxDeliveriesTotal.as_str(), "kind" => row.kind.as_str(), "outcome" => delivery.as_str()).increment(1);
        match delivery {
            Delivery::Done => outbox::done(&mut tx, row).await?,
            Delivery::Later => outbox::failed(&mut tx, row, pause(row.attempts)).await?,
        }
    }
    tx.commit().await?;
    Ok(told.len())
}

/// Doubles from one second. An engine that comes back is found within half a minute by every row.
fn pause(attempts: i32) -> Duration {
    let doublings = attempts.saturating_sub(1).clamp(0, 6).unsigned_abs();
    Duration::from_secs(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 5, 6, 7, i32::MAX].map(|attempts| pause(attempts).as_secs()).to_vec();
        assert_eq!(seconds, [1, 1, 2, 4, 16, 30, 30, 30]);
    }
}

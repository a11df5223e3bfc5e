//! What waits, here and in the engine: measured now and then, for dashboards and alerts, and written down for the pages of operators, who ask
//! no engine themselves.

use std::time::{Duration, Instant};

use store::task_queue::{self, Sight};
use store::{StoreError, outbox};

use super::call;
use crate::engine::Queue;
use crate::metrics::Metric;
use crate::state::AppState;

/// Between two measurements.
const EVERY: Duration = Duration::from_secs(10);

/// When it is time to measure again.
#[derive(Default)]
pub struct Gauges {
    measured: Option<Instant>,
}

impl Gauges {
    /// Measures when it is time. What cannot be measured keeps its last value, and its time says how old that is.
    pub async fn due(&mut self, state: &AppState) {
        if self.measured.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.measured = Some(Instant::now());
        let queues = match call(state, "queues", state.engine.queues()).await {
            Ok(queues) => queues,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "The queues could not be measured");
                Vec::new()
            }
        };
        for queue in &queues {
            metrics::gauge!(Metric::QueueBacklog.as_str(), "pool" => queue.pool).set(queue.backlog as f64);
            metrics::gauge!(Metric::QueueAgeSeconds.as_str(), "pool" => queue.pool).set(queue.oldest_seconds);
            metrics::gauge!(Metric::QueuePollers.as_str(), "pool" => queue.pool).set(queue.pollers as f64);
        }
        match note(state, &queues).await {
            Ok(depth) => {
                metrics::gauge!(Metric::OutboxDepth.as_str()).set(depth.count as f64);
                metrics::gauge!(Metric::OutboxAgeSeconds.as_str()).set(depth.oldest_seconds.unwrap_or(0.0));
            }
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "The outbox could not be measured"),
        }
    }
}

/// Measures the outbox, and writes down what was seen of the queues.
async fn note(state: &AppState, queues: &[Queue]) -> Result<outbox::Depth, StoreError> {
    let mut tx = state.store.begin_relay().await?;
    let depth = outbox::depth(&mut tx).await?;
    if !queues.is_empty() {
        let seen: Vec<Sight> = queues.iter().map(sight).collect();
        task_queue::saw(&mut tx, &seen).await?;
        tx.commit_soon().await?;
    }
    Ok(depth)
}

fn sight(queue: &Queue) -> Sight {
    Sight {
        pool: queue.pool.to_owned(),
        backlog: queue.backlog.max(0),
        oldest_seconds: queue.oldest_seconds,
        pollers: i32::try_from(queue.pollers).unwrap_or(i32::MAX),
    }
}

//! How quick a model has been of late, for guesses about what comes.

use std::time::Duration;

/// Share of the newest batch in the figure: a handful of batches forget what was.
const NEWEST: f64 = 0.2;

/// Cost per second, filling not counted. Knows nothing before the first batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    per_second: Option<f64>,
}

impl Pace {
    pub fn note(&mut self, cost: usize, took: Duration) {
        // A clock too coarse to see a batch must not make the model infinitely quick.
        let rate = cost as f64 / took.as_secs_f64().max(1e-6);
        self.per_second = Some(self.per_second.map_or(rate, |before| before + NEWEST * (rate - before)));
    }

    /// How long this much takes.
    pub fn time_for(&self, cost: usize) -> Option<Duration> {
        Duration::try_from_secs_f64(cost as f64 / self.per_second?).ok()
    }

    /// How much is done in this time.
    pub fn cost_within(&self, time: Duration) -> Option<usize> {
        Some((time.as_secs_f64() * self.per_second?) as usize)
    }
}

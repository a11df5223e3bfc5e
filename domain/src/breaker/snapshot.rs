//! A breaker in numbers, in the shape of Resilience4j's metrics (2.4.0, `CircuitBreakerMetricNames`).

use std::time::Instant;

use super::state::State;

/// What a rate is while too few calls are known to tell it.
pub const UNKNOWN_RATE: f64 = -1.0;

/// A breaker at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    pub state: State,
    /// Changes with every change of state, and tells two stays in one state apart.
    pub epoch: u64,
    /// When an open breaker begins to probe, or when a half-open one stops at the latest.
    pub until: Option<Instant>,
    /// Openings since it was last closed.
    pub attempts: u32,
    /// Half-open: calls that may still pass. 0 elsewhere.
    pub free_permits: u32,
    /// Percent, or [`UNKNOWN_RATE`].
    pub failure_rate: f64,
    /// Percent, or [`UNKNOWN_RATE`].
    pub slow_call_rate: f64,
    /// Calls in the window: of the flowing calls, or of the probes when half-open. An open breaker shows the window that opened it.
    pub buffered: u32,
    pub buffered_failed: u32,
    pub buffered_slow: u32,
    pub buffered_slow_failed: u32,
    pub totals: Totals,
}

impl Snapshot {
    pub fn buffered_successful(&self) -> u32 {
        self.buffered.saturating_sub(self.buffered_failed)
    }
}

/// Counters since the breaker was made; they never go down. Calls through a disabled breaker are in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub succeeded: u64,
    pub failed: u64,
    /// Of the succeeded and the failed.
    pub slow: u64,
    pub ignored: u64,
    pub not_permitted: u64,
    /// Permits dropped without a vote.
    pub abandoned: u64,
    /// Votes and drops that came too late to count.
    pub stale: u64,
}

//! How a breaker judges and waits. A value of this type is in range: it is made by [`super::Settings::check`] or is the default.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// No wait is longer, whoever asks for it: 24 hours, the longest `Retry-After` that Assay follows.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Which calls are judged together while calls flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSize {
    /// The last so many calls.
    Count(u32),
    /// The calls of the last so many seconds, the current one among them.
    Seconds(u32),
}

/// When a call is slow, and when too many are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slow {
    /// A call is slow when it took longer than this per unit of its work, succeeded or not.
    pub after: Duration,
    /// Trips when this many percent of the calls are slow, or more.
    pub rate: f64,
}

/// How long the breaker stays open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenWait {
    pub first: Duration,
    /// Each opening since it was last closed lasts this many times as long as the one before.
    pub factor: f64,
    pub longest: Duration,
}

impl OpenWait {
    /// The wait of the `attempt`-th opening in a row, from 1: `min(first × factor^(attempt - 1), longest)`.
    ///
    /// Resilience4j 2.4.0, `IntervalFunction.ofExponentialBackoff`, to which `waitIntervalFunctionInOpenState` hands the same number.
    pub fn of(&self, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        if seconds < self.longest.as_secs_f64() { Duration::from_secs_f64(seconds) } else { self.longest }
    }
}

/// Where a half-open breaker goes that could not make up its mind in time (`transitionToStateAfterWaitDuration`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterHalfOpen {
    #[default]
    Open,
    Closed,
}

/// Whether the breaker acts on what it sees (`initialState`, of which these two make sense for us).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Enforce,
    MetricsOnly,
}

/// Everything that one breaker is told. The default is Resilience4j's (2.4.0, `CircuitBreakerConfig`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    pub(super) window: WindowSize,
    pub(super) minimum_calls: u32,
    pub(super) failure_rate: f64,
    pub(super) slow: Slow,
    pub(super) open: OpenWait,
    pub(super) half_open_permits: u32,
    /// `None` is for ever.
    pub(super) half_open_max_wait: Option<Duration>,
    pub(super) after_half_open: AfterHalfOpen,
    pub(super) auto_half_open: bool,
    pub(super) mode: Mode,
}

impl Default for Config {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            window: WindowSize::Count(100),
            minimum_calls: 100,
            failure_rate: 50.0,
            slow: Slow { after: minute, rate: 100.0 },
            open: OpenWait { first: minute, factor: 1.0, longest: minute },
            half_open_permits: 10,
            half_open_max_wait: None,
            after_half_open: AfterHalfOpen::Open,
            auto_half_open: false,
            mode: Mode::Enforce,
        }
    }
}

impl Config {
    /// Calls below which the rates of the flowing calls are unknown. A window of calls can never hold more than its size and so needs no
    /// more; a window of time promises no number of calls, and is not clamped.
    pub(super) fn minimum_of_calls(&self) -> u32 {
        match self.window {
            WindowSize::Count(size) => self.minimum_calls.min(size),
            WindowSize::Seconds(_) => self.minimum_calls,
        }
    }

    /// Probes below which a half-open breaker decides nothing: `min(minimumNumberOfCalls, permittedNumberOfCallsInHalfOpenState)`.
    pub(super) fn minimum_of_probes(&self) -> u32 {
        self.minimum_calls.min(self.half_open_permits)
    }

    pub(super) fn is_slow(&self, elapsed: Duration, units: u32) -> bool {
        elapsed > self.slow.after.saturating_mul(units)
    }

    /// When a half-open stay that begins now has lasted too long.
    pub(super) fn half_open_deadline(&self, now: Instant) -> Option<Instant> {
        self.half_open_max_wait.map(|wait| now + wait)
    }
}

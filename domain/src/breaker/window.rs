//! What is known of the last calls: their sums, and the two kinds of window that keep them.

use super::config::{Config, WindowSize};
use super::window_count::CountWindow;
use super::window_time::TimeWindow;

/// What one call came to. All that a window remembers of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Call {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// Sums over calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
    /// Both slow and failed.
    pub(super) slow_failed: u32,
}

impl Tally {
    pub(super) fn add(&mut self, call: Call) {
        self.plus(Self::of(call));
    }

    pub(super) fn remove(&mut self, call: Call) {
        self.minus(Self::of(call));
    }

    fn of(call: Call) -> Self {
        Self { calls: 1, failed: call.failed.into(), slow: call.slow.into(), slow_failed: (call.failed && call.slow).into() }
    }

    fn plus(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failed = self.failed.saturating_add(other.failed);
        self.slow = self.slow.saturating_add(other.slow);
        self.slow_failed = self.slow_failed.saturating_add(other.slow_failed);
    }

    pub(super) fn minus(&mut self, other: Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.failed = self.failed.saturating_sub(other.failed);
        self.slow = self.slow.saturating_sub(other.slow);
        self.slow_failed = self.slow_failed.saturating_sub(other.slow_failed);
    }

    /// The rates, once there are `minimum` calls and at least one.
    pub(super) fn rates(&self, minimum: u32) -> Option<Rates> {
        let is_known = self.calls > 0 && self.calls >= minimum;
        is_known.then(|| Rates { failure: self.percent(self.failed), slow: self.percent(self.slow) })
    }

    fn percent(&self, part: u32) -> f64 {
        f64::from(part) * 100.0 / f64::from(self.calls)
    }
}

/// Parts of all calls, in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    pub(super) failure: f64,
    pub(super) slow: f64,
}

/// The calls that are judged together. The second is the number of whole seconds since the breaker was made; it never goes back.
#[derive(Debug)]
pub(super) enum Window {
    Count(CountWindow),
    Time(TimeWindow),
}

impl Window {
    pub(super) fn new(size: WindowSize) -> Self {
        match size {
            WindowSize::Count(size) => Self::Count(CountWindow::new(size)),
            WindowSize::Seconds(size) => Self::Time(TimeWindow::new(size)),
        }
    }

    /// Takes a call in and says what the window holds now.
    pub(super) fn record(&mut self, second: u64, call: Call) -> Tally {
        match self {
            Self::Count(window) => window.record(call),
            Self::Time(window) => window.record(second, call),
        }
    }

    pub(super) fn tally(&mut self, second: u64) -> Tally {
        match self {
            Self::Count(window) => window.tally(),
            Self::Time(window) => window.tally(second),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Count(window) => window.clear(),
            Self::Time(window) => window.clear(),
        }
    }
}

/// The two windows of a breaker. Made apart from the rules, so that a change of configuration allocates and frees outside the lock.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) calls: Window,
    /// Always of calls, as many as there are permits.
    pub(super) probes: Window,
}

impl Windows {
    pub(super) fn of(config: &Config) -> Self {
        let probes = WindowSize::Count(config.half_open_permits);
        Self { calls: Window::new(config.window), probes: Window::new(probes) }
    }
}

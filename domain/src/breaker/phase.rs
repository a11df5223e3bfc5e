//! A state together with what has to be remembered in it.

use std::time::Instant;

use super::config::Mode;
use super::state::{Override, State};

/// A state with what only it knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { free: u32, deadline: Option<Instant> },
    Disabled,
    ForcedOpen,
    MetricsOnly { told_failure: bool, told_slow: bool },
}

impl Phase {
    const METRICS_ONLY: Self = Self::MetricsOnly { told_failure: false, told_slow: false };

    /// Where a breaker begins, and returns to when nothing is imposed any more.
    pub(super) fn home(mode: Mode) -> Self {
        match mode {
            Mode::Enforce => Self::Closed,
            Mode::MetricsOnly => Self::METRICS_ONLY,
        }
    }

    pub(super) fn imposed(by: Override) -> Self {
        match by {
            Override::Disabled => Self::Disabled,
            Override::ForcedOpen => Self::ForcedOpen,
            Override::MetricsOnly => Self::METRICS_ONLY,
        }
    }

    pub(super) fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Disabled => State::Disabled,
            Self::ForcedOpen => State::ForcedOpen,
            Self::MetricsOnly { .. } => State::MetricsOnly,
        }
    }
}

//! The six states by name and number, and the three that an operator can impose.

use serde::{Deserialize, Serialize};

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Closed,
    Open,
    HalfOpen,
    Disabled,
    ForcedOpen,
    MetricsOnly,
}

impl State {
    /// In the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Closed, Self::Open, Self::HalfOpen, Self::Disabled, Self::ForcedOpen, Self::MetricsOnly];

    /// The number that Resilience4j gives it (`CircuitBreaker.State`, "order"), for metrics; it never changes.
    pub fn code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::HalfOpen => 2,
            Self::Disabled => 3,
            Self::ForcedOpen => 4,
            Self::MetricsOnly => 5,
        }
    }

    /// The stable word for JSON, SQL, labels and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Disabled => "disabled",
            Self::ForcedOpen => "forced_open",
            Self::MetricsOnly => "metrics_only",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether every call passes, however the calls before it went.
    pub(super) fn admits_all(self) -> bool {
        match self {
            Self::Closed | Self::Disabled | Self::MetricsOnly => true,
            Self::Open | Self::HalfOpen | Self::ForcedOpen => false,
        }
    }

    /// Whether single calls are events here. Changes of state always are (Resilience4j: "allowPublish" and "forcePublish").
    pub(super) fn tells_calls(self) -> bool {
        !matches!(self, Self::Disabled | Self::ForcedOpen)
    }
}

/// A state that an operator imposes; it stays until it is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Override {
    /// Every call passes and nothing is counted.
    Disabled,
    /// Every call is refused.
    ForcedOpen,
    /// Every call passes and is counted; a breaker on trial.
    MetricsOnly,
}

impl From<Override> for State {
    fn from(imposed: Override) -> Self {
        match imposed {
            Override::Disabled => Self::Disabled,
            Override::ForcedOpen => Self::ForcedOpen,
            Override::MetricsOnly => Self::MetricsOnly,
        }
    }
}

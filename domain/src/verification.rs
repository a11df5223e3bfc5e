//! A verification: its status, and a result as it is stored and served.

use serde::{Deserialize, Serialize};

use crate::blocker::Blocker;
use crate::check::Check;
use crate::level::Level;
use crate::route::Route;
use crate::verdict::Verdict;

/// Where the work stands. Never mixed with the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    AwaitingEvidence,
    Queued,
    Processing,
    Provisional,
    InReview,
    Final,
    Canceled,
    Expired,
    Failed,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::AwaitingEvidence,
        Self::Queued,
        Self::Processing,
        Self::Provisional,
        Self::InReview,
        Self::Final,
        Self::Canceled,
        Self::Expired,
        Self::Failed,
    ];

    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingEvidence => "awaiting_evidence",
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Provisional => "provisional",
            Self::InReview => "in_review",
            Self::Final => "final",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Nothing follows any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Final | Self::Canceled | Self::Expired | Self::Failed)
    }

    /// The machine's result is there.
    pub fn has_provisional(self) -> bool {
        matches!(self, Self::Provisional | Self::InReview | Self::Final | Self::Expired)
    }
}

/// Who settled a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// Rules over what was read.
    Rule,
    Model,
    Human,
    /// Nobody: the review expired.
    Expiry,
}

/// A result, provisional or final. Both are kept; nothing is edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// 0..=1; the lowest of the deciding checks.
    pub confidence: f64,
    pub decided_by: DecidedBy,
    pub checks: Vec<Check>,
    /// Blockers of the verification as a whole; those of a field stand in its check.
    pub blockers: Vec<Blocker>,
    pub route: Route,
    pub level: Level,
}

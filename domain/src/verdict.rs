//! What the evidence says about a claim. Never mixed with the status of the work.

use serde::{Deserialize, Serialize};

/// The answer on one field, or on the claim as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The evidence shows what was claimed.
    Supported,
    /// The evidence shows something else, read with confidence at a place that can be shown.
    Refuted,
    /// Neither; the blockers say why.
    Insufficient,
}

impl Verdict {
    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Insufficient => "insufficient",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Supported, Self::Refuted, Self::Insufficient].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

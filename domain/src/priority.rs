//! How urgent a verification is; orders the backlog, drops nothing.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Urgent,
    High,
    #[default]
    Normal,
    Batch,
}

impl Priority {
    /// Temporal's priority key: lower runs first, 3 is its default.
    pub fn key(self) -> u32 {
        match self {
            Self::Urgent => 1,
            Self::High => 2,
            Self::Normal => 3,
            Self::Batch => 4,
        }
    }

    /// The stable word for JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Batch => "batch",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Urgent, Self::High, Self::Normal, Self::Batch].into_iter().find(|priority| priority.as_str() == word)
    }
}

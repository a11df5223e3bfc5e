//! A review: a task for a person, and what the person decided.

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    Pending,
    Escalated,
    Decided,
    /// The person asked for more evidence; another round follows when it comes.
    Asked,
    Expired,
    Canceled,
}

impl ReviewStatus {
    const ALL: [Self; 6] = [Self::Pending, Self::Escalated, Self::Decided, Self::Asked, Self::Expired, Self::Canceled];

    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Escalated => "escalated",
            Self::Decided => "decided",
            Self::Asked => "asked",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether a decision is still wanted.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Escalated)
    }
}

/// What a person wants to see before they decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// For whoever sent the claim, in a person's words.
    pub text: String,
    /// Fields that the evidence so far does not settle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A person's word on one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDecision {
    pub field: String,
    pub verdict: Verdict,
    /// The value that the person read, in the shape of the claim's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A person's word on the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// Fields left out keep the machine's check.
    #[serde(default)]
    pub checks: Vec<FieldDecision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

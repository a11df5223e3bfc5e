//! What a tenant wants people to do. The version used is recorded with each verification.

use serde::{Deserialize, Serialize};

/// When a verification goes to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRule {
    /// The machine's answer is final, `insufficient` included.
    Never,
    /// Insufficient answers that a person could settle.
    #[default]
    WhenUnsure,
    Always,
}

/// A tenant's policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub version: u32,
    pub review: ReviewRule,
    /// A review not decided after this many seconds is escalated.
    pub review_sla_seconds: u64,
    /// A review not decided after this many seconds ends as `insufficient`.
    pub review_expiry_seconds: u64,
    /// A lease not renewed for this many seconds is given back.
    pub lease_seconds: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 1,
            review: ReviewRule::WhenUnsure,
            review_sla_seconds: 4 * 3600,
            review_expiry_seconds: 7 * 24 * 3600,
            lease_seconds: 300,
        }
    }
}

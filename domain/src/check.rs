//! The verdict on one field, with what was found and where.

use serde::{Deserialize, Serialize};

use crate::block::{BBox, Source};
use crate::blocker::Blocker;
use crate::id::EvidenceId;
use crate::verdict::Verdict;

/// A place in the evidence that can be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// The file.
    pub evidence_id: EvidenceId,
    /// Page number, from 1.
    pub page: u32,
    /// The box on that page.
    pub bbox: BBox,
    /// The words in it, as read.
    pub text: String,
}

/// The verdict on one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Name of the field in the claim type.
    pub field: String,
    /// The claimed value, as the claim spells it.
    pub claimed: serde_json::Value,
    /// The value found, in the same shape as `claimed`; absent when nothing was found.
    pub found: Option<serde_json::Value>,
    pub verdict: Verdict,
    /// How sure the verdict is, 0..=1. `route` says whether the number is calibrated.
    pub confidence: f64,
    /// Where it shows, best first.
    pub regions: Vec<Region>,
    /// Which readings carry it.
    pub sources: Vec<Source>,
    /// Why it is insufficient; may also hold warnings beside another verdict.
    pub blockers: Vec<Blocker>,
}

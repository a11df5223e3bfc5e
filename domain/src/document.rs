//! What classify and extract hand to judge: the kind of each document and the values found for each field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::block::Source;
use crate::check::Region;
use crate::claim::FieldValue;
use crate::id::EvidenceId;

/// What kind of document a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    Receipt,
    Invoice,
    Contract,
    Form,
    Letter,
    /// Read, but like nothing we know.
    Other,
    /// No text on it.
    Blank,
}

impl DocumentKind {
    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Invoice => "invoice",
            Self::Contract => "contract",
            Self::Form => "form",
            Self::Letter => "letter",
            Self::Other => "other",
            Self::Blank => "blank",
        }
    }
}

/// The classifier's answer on one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    pub evidence_id: EvidenceId,
    pub kind: DocumentKind,
    /// 0..=1, not calibrated unless the route says so.
    pub score: f64,
}

/// One value that the evidence gives for a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub value: FieldValue,
    /// How likely this is the field's value, 0..=1, not calibrated unless the route says so.
    pub score: f64,
    pub region: Region,
    pub source: Source,
}

/// All findings of a verification: field name to findings, best first. A field that was looked for in vain has an empty list.
pub type Findings = BTreeMap<String, Vec<Finding>>;

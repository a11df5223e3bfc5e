//! A fitted calibration as it is kept and shipped: the calibrators by field and verdict, what they were made from, and a version that is their hash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Calibrator;
use crate::verdict::Verdict;

/// Changes with the meaning of the file.
pub const FORMAT: u32 = 1;
/// Letters of the hash that make a version.
const VERSION_LETTERS: usize = 12;

/// Calibrators by field name.
pub type Fields = BTreeMap<String, FieldCalibration>;

/// The calibration of one claim type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    pub format: u32,
    /// Name of the claim type whose fields these are.
    pub claim_type: String,
    /// The start of the SHA-256 of claim type, extractor and calibrators.
    pub version: String,
    /// The extractor whose scores these are, with its version. The scores of another are not touched.
    pub extractor: String,
    /// By field name.
    pub fields: Fields,
    pub origin: Origin,
}

/// The calibrators of one field. A verdict without one keeps its score.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FieldCalibration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported: Option<Calibrator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuted: Option<Calibrator>,
}

impl FieldCalibration {
    /// What turns the score of this verdict into a probability. What is not settled needs a right reading as much as what is refuted does.
    pub fn of(&self, verdict: Verdict) -> Option<&Calibrator> {
        match verdict {
            Verdict::Supported => self.supported.as_ref(),
            Verdict::Refuted | Verdict::Insufficient => self.refuted.as_ref(),
        }
    }

    /// Whether every verdict has one.
    pub fn is_whole(&self) -> bool {
        self.supported.is_some() && self.refuted.is_some()
    }
}

/// What a calibration was made from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// What makes it again, without the paths of a machine.
    pub command: String,
    /// The day it was made, ISO 8601.
    pub date: String,
    /// SHA-256 over the names and bytes of the files it was made from.
    pub data_sha256: String,
    pub documents: usize,
    pub issuers: usize,
    /// The reader whose words were extracted from.
    pub reader: String,
    pub seed: u64,
    pub folds: usize,
    /// Figures out of fold, by name; for people.
    pub figures: Value,
}

/// Why a calibration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("a calibration is JSON")]
    Json(#[from] serde_json::Error),
    #[error("a calibration of format {found}, this program reads {FORMAT}")]
    Format { found: u32 },
    #[error("the calibrator of {field} is no rising function into 0 to 1")]
    Unsound { field: String },
    #[error("the calibration says that it is version {says}, but is {is}")]
    Version { says: String, is: String },
}

impl Release {
    /// Names what was fitted by its hash.
    pub fn sealed(claim_type: &str, extractor: &str, fields: Fields, origin: Origin) -> Self {
        let mut release = Self {
            format: FORMAT,
            claim_type: claim_type.to_owned(),
            version: String::new(),
            extractor: extractor.to_owned(),
            fields,
            origin,
        };
        release.version = release.hash();
        release
    }

    /// Reads what `to_json` wrote, and refuses what somebody changed since.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let release: Self = serde_json::from_str(text)?;
        if release.format != FORMAT {
            return Err(ReleaseError::Format { found: release.format });
        }
        let unsound = release.fields.iter().find(|(_, field)| {
            let calibrators = [&field.supported, &field.refuted];
            !calibrators.into_iter().flatten().all(Calibrator::is_sound)
        });
        if let Some((field, _)) = unsound {
            return Err(ReleaseError::Unsound { field: field.clone() });
        }
        match release.hash() {
            is if is == release.version => Ok(release),
            is => Err(ReleaseError::Version { says: release.version, is }),
        }
    }

    /// The file, for people and for `parse`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Its name in a route.
    pub fn name(&self) -> String {
        format!("calibration:{}@{}", self.claim_type, self.version)
    }

    /// The calibrators of a claim type, where the scores are those of the extractor that they were fitted to.
    pub fn fields_for(&self, claim_type: &str, extractor: &str) -> Option<&Fields> {
        (self.claim_type == claim_type && self.extractor == extractor).then_some(&self.fields)
    }

    fn hash(&self) -> String {
        let what = serde_json::json!([self.format, self.claim_type, self.extractor, self.fields]);
        let mut hash = hex::encode(Sha256::digest(what.to_string()));
        hash.truncate(VERSION_LETTERS);
        hash
    }
}

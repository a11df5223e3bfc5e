//! Why a check or a verification could not be settled by machine. The set grows; clients must tolerate new kinds.

use serde::{Deserialize, Serialize};

/// One machine-readable reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Blocker {
    /// A value was read, but not surely enough to decide on it. Both numbers are in 0..=1.
    LowConfidence { score: f64, threshold: f64 },
    /// The evidence was read and holds no value for the field.
    NotFound,
    /// The evidence gives several values that exclude each other.
    ConflictingValues { values: Vec<String> },
    /// The value found is close to the claim, yet neither the same nor clearly another.
    Ambiguous { reason: String },
    /// A page could not be read.
    UnreadablePage { page: u32 },
    /// The whole file could not be decoded. `reason` is a stable word: `corrupt`, `too_large`, `too_many_pages`, `unsupported`, `timed_out`, `empty`.
    UnreadableEvidence { reason: String },
    /// The file needs a password.
    EncryptedEvidence,
    /// The evidence is another kind of document than the claim needs.
    WrongDocumentType { expected: String, found: String },
    /// A text layer says something that its page does not show.
    HiddenTextDisagrees { page: u32 },
    /// The engine or model that the field needs is not there.
    ModelUnavailable { model: String },
    /// The tenant's policy asks for a person here.
    PolicyReview,
    /// Drawn for the sample of decided results that the tenant's policy shows to a person.
    PolicySample,
    /// Nobody decided before the review expired.
    ReviewExpired,
}

impl Blocker {
    /// The kinds for which a review can be opened, by their stable words: all but the one that its expiry leaves.
    pub const REASONS: [&str; 12] = [
        "low_confidence",
        "not_found",
        "conflicting_values",
        "ambiguous",
        "unreadable_page",
        "unreadable_evidence",
        "encrypted_evidence",
        "wrong_document_type",
        "hidden_text_disagrees",
        "model_unavailable",
        "policy_review",
        "policy_sample",
    ];

    /// The stable word that JSON carries as `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LowConfidence { .. } => "low_confidence",
            Self::NotFound => "not_found",
            Self::ConflictingValues { .. } => "conflicting_values",
            Self::Ambiguous { .. } => "ambiguous",
            Self::UnreadablePage { .. } => "unreadable_page",
            Self::UnreadableEvidence { .. } => "unreadable_evidence",
            Self::EncryptedEvidence => "encrypted_evidence",
            Self::WrongDocumentType { .. } => "wrong_document_type",
            Self::HiddenTextDisagrees { .. } => "hidden_text_disagrees",
            Self::ModelUnavailable { .. } => "model_unavailable",
            Self::PolicyReview => "policy_review",
            Self::PolicySample => "policy_sample",
            Self::ReviewExpired => "review_expired",
        }
    }

    /// Whether a person who sees the evidence could settle what the machine could not.
    pub fn a_person_can_help(&self) -> bool {
        match self {
            Self::EncryptedEvidence | Self::UnreadableEvidence { .. } | Self::ReviewExpired => false,
            Self::LowConfidence { .. }
            | Self::NotFound
            | Self::ConflictingValues { .. }
            | Self::Ambiguous { .. }
            | Self::UnreadablePage { .. }
            | Self::WrongDocumentType { .. }
            | Self::HiddenTextDisagrees { .. }
            | Self::ModelUnavailable { .. }
            | Self::PolicyReview
            | Self::PolicySample => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_but_the_expiry_can_be_a_reason() {
        let text = String::new;
        let all = [
            Blocker::LowConfidence { score: 0.1, threshold: 0.2 },
            Blocker::NotFound,
            Blocker::ConflictingValues { values: vec![] },
            Blocker::Ambiguous { reason: text() },
            Blocker::UnreadablePage { page: 1 },
            Blocker::UnreadableEvidence { reason: text() },
            Blocker::EncryptedEvidence,
            Blocker::WrongDocumentType { expected: text(), found: text() },
            Blocker::HiddenTextDisagrees { page: 1 },
            Blocker::ModelUnavailable { model: text() },
            Blocker::PolicyReview,
            Blocker::PolicySample,
        ];
        assert_eq!(all.map(|blocker| blocker.kind()), Blocker::REASONS);
        assert!(!Blocker::REASONS.contains(&Blocker::ReviewExpired.kind()));
    }
}

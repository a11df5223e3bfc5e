//! What an API key may do.

pub const EVIDENCE_READ: &str = "evidence:read";
pub const EVIDENCE_WRITE: &str = "evidence:write";
pub const VERIFICATIONS_READ: &str = "verifications:read";
pub const VERIFICATIONS_WRITE: &str = "verifications:write";
pub const REVIEWS_READ: &str = "reviews:read";
pub const REVIEWS_WRITE: &str = "reviews:write";
/// To overturn what was settled, which at the desk only leads may.
pub const REVIEWS_CORRECT: &str = "reviews:correct";
pub const POLICY_READ: &str = "policy:read";
pub const POLICY_WRITE: &str = "policy:write";
pub const WEBHOOKS_READ: &str = "webhooks:read";
pub const WEBHOOKS_WRITE: &str = "webhooks:write";

/// Every scope, for keys that may do everything and for checking what somebody typed.
pub const ALL: [&str; 11] = [
    EVIDENCE_READ,
    EVIDENCE_WRITE,
    VERIFICATIONS_READ,
    VERIFICATIONS_WRITE,
    REVIEWS_READ,
    REVIEWS_WRITE,
    REVIEWS_CORRECT,
    POLICY_READ,
    POLICY_WRITE,
    WEBHOOKS_READ,
    WEBHOOKS_WRITE,
];

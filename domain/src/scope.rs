//! What an API key may do.

pub const EVIDENCE_READ: &str = "evidence:read";
pub const EVIDENCE_WRITE: &str = "evidence:write";
pub const VERIFICATIONS_READ: &str = "verifications:read";
pub const VERIFICATIONS_WRITE: &str = "verifications:write";
pub const REVIEWS_READ: &str = "reviews:read";
pub const REVIEWS_WRITE: &str = "reviews:write";

/// Every scope, for keys that may do everything and for checking what somebody typed.
pub const ALL: [&str; 6] = [EVIDENCE_READ, EVIDENCE_WRITE, VERIFICATIONS_READ, VERIFICATIONS_WRITE, REVIEWS_READ, REVIEWS_WRITE];

//! The names of everything that the desk counts, in one place. Dashboards and alerts read them, so they do not change.

/// Seconds of a request; labels `route` and `status`.
pub(crate) const REQUEST_SECONDS: &str = "assay_desk_request_seconds";
/// Tries to sign in; label `outcome` (`ok`, `refused`).
pub(crate) const SIGN_INS: &str = "assay_desk_sign_ins_total";
/// Decisions recorded at the desk; label `verdict`.
pub(crate) const DECISIONS: &str = "assay_desk_decisions_total";

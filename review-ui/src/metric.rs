//! The names of everything that the desk counts, in one place. Dashboards and alerts read them, so they do not change.

/// Seconds of a request; labels `route` and `status`.
pub(crate) const REQUEST_SECONDS: &str = "assay_desk_request_seconds";
/// Tries to sign in; label `outcome`: `ok`, or `refused` for a password, or through a provider `stale`, `denied`, `provider_away`,
/// `provider_error`, `untrusted`, `no_role`, `disabled`.
pub(crate) const SIGN_INS: &str = "assay_desk_sign_ins_total";
/// Decisions recorded at the desk; label `verdict`.
pub(crate) const DECISIONS: &str = "assay_desk_decisions_total";
/// Settled verdicts corrected at the desk; labels `from` and `to`.
pub(crate) const CORRECTIONS: &str = "assay_desk_corrections_total";
/// Streams of open pages.
pub(crate) const STREAMS: &str = "assay_desk_streams";
/// Counts of a queue for open pages.
pub(crate) const QUEUE_COUNTS: &str = "assay_desk_queue_counts_total";

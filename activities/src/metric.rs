//! The names of everything that activities count, in one place. Dashboards and alerts read them, so they do not change.

/// Seconds that a stage took, its waiting for the stores included; label `stage`.
pub(crate) const STAGE_SECONDS: &str = "assay_stage_seconds";
/// Attempts that failed; labels `type` (see `domain::failure`) and `retry` (`yes` when another attempt follows).
pub(crate) const ACTIVITY_FAILURES: &str = "assay_activity_failures_total";
/// Files that cannot be decoded; label `kind`.
pub(crate) const POISON: &str = "assay_poison_total";
/// Reasons met why a field or a file could not be settled; label `kind`.
pub(crate) const BLOCKERS: &str = "assay_blockers_total";
/// Provisional results; labels `verdict` and `review` (`yes` when a person decides).
pub(crate) const VERDICTS: &str = "assay_verdicts_total";
/// Verifications that ended; labels `status` and `verdict`.
pub(crate) const ENDED: &str = "assay_verifications_ended_total";
/// Reviews that passed their promised time.
pub(crate) const ESCALATED: &str = "assay_reviews_escalated_total";
/// Attempts to tell an endpoint something; label `outcome`: `delivered`, or why not.
pub(crate) const WEBHOOK_ATTEMPTS: &str = "assay_webhook_attempts_total";
/// Endpoints that were switched off because of how they answer; label `reason`.
pub(crate) const WEBHOOK_ENDPOINTS_DISABLED: &str = "assay_webhook_endpoints_disabled_total";

//! Stable type names of activity failures. Histories, alerts and retry policies name them, so they never change.

/// A file that cannot be decoded whatever we try; becomes the blocker `unreadable_evidence`.
pub const POISON_DOCUMENT: &str = "PoisonDocument";
/// A row or object that must be there is not: a bug or a deleted tenant, not bad luck.
pub const MISSING_RECORD: &str = "MissingRecord";
/// A newer attempt has already written: this one's result is dropped.
pub const FENCED: &str = "Fenced";
/// The database or the object store did not answer; trying again can help.
pub const STORE_UNAVAILABLE: &str = "StoreUnavailable";
/// An engine failed in a way that another try may cure.
pub const ENGINE_FAILED: &str = "EngineFailed";
/// Input that our own code should never have sent.
pub const INVALID_INPUT: &str = "InvalidInput";

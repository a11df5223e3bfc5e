//! How an activity fails: whether another try can help is decided where the failure happens, under a type name that never changes.

use std::error::Error;
use std::time::Duration;

use domain::failure::{INVALID_INPUT, MISSING_RECORD, STORE_UNAVAILABLE};
use store::StoreError;
use store::objects::ObjectError;
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;

use crate::metric;

type Cause = Box<dyn Error + Send + Sync>;

/// Another try may help.
pub(crate) fn retry(type_name: &'static str, cause: impl Into<Cause>) -> ActivityError {
    count(type_name, "yes");
    ApplicationFailure::builder(cause).type_name(type_name.to_owned()).build().into()
}

/// Another try may help, though not at once.
pub(crate) fn retry_after(wait: Duration, type_name: &'static str, cause: impl Into<Cause>) -> ActivityError {
    count(type_name, "yes");
    ApplicationFailure::builder(cause).type_name(type_name.to_owned()).next_retry_delay(wait).build().into()
}

/// No other try can help.
pub(crate) fn reject(type_name: &'static str, cause: impl Into<Cause>) -> ActivityError {
    count(type_name, "no");
    ApplicationFailure::builder(cause).type_name(type_name.to_owned()).non_retryable(true).build().into()
}

fn count(type_name: &'static str, retry: &'static str) {
    metrics::counter!(metric::ACTIVITY_FAILURES, "type" => type_name, "retry" => retry).increment(1);
}

/// A row or object that must be there is not.
pub(crate) fn missing(what: impl std::fmt::Display) -> ActivityError {
    reject(MISSING_RECORD, format!("{what} is not there"))
}

/// The database said no, or nothing. Only what it says of our own rows is final: a query that failed for another reason may work once the
/// server has what it lacks, be it memory, disk or a grant.
pub(crate) fn database(error: StoreError) -> ActivityError {
    match error {
        StoreError::Unavailable { .. } => retry(STORE_UNAVAILABLE, error),
        StoreError::Query { .. } | StoreError::Config { .. } => retry(INVALID_INPUT, error),
        StoreError::Conflict { .. } | StoreError::Missing { .. } | StoreError::Corrupt { .. } => reject(INVALID_INPUT, error),
    }
}

/// The database said no to writing down how a verification ended. The work is done, so this is tried until it succeeds: what no other try
/// cures is a fault of ours, and the release that mends it finds the verification still waiting.
pub(crate) fn until_written(error: StoreError) -> ActivityError {
    retry(if error.is_retryable() { STORE_UNAVAILABLE } else { INVALID_INPUT }, error)
}

/// The object store said no, or nothing. Its faults pass.
pub(crate) fn objects(error: ObjectError) -> ActivityError {
    retry(STORE_UNAVAILABLE, error)
}

/// What we stored ourselves cannot be read back: a bug, which no other try cures.
pub(crate) fn unreadable(error: serde_json::Error) -> ActivityError {
    reject(INVALID_INPUT, error)
}

//! What can go wrong with a database, sorted by what the caller can do about it.

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};

/// The cause underneath, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failed piece of work. `doing` says what we were at; the cause stays in `source`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer, is starting or stopping, or asked for another try. The same call may work later.
    #[error("the database is not available to {doing}")]
    Unavailable {
        doing: &'static str,
        #[source]
        source: Cause,
    },
    /// A constraint refused a row that the caller should not have sent.
    #[error("the database refused to {doing}: constraint {constraint}")]
    Conflict { doing: &'static str, constraint: String },
    /// A row that must be there is not.
    #[error("nothing there to {doing}: {what}")]
    Missing { doing: &'static str, what: String },
    /// A row that this version cannot read.
    #[error("{what} holds something this version cannot read")]
    Corrupt {
        what: String,
        #[source]
        source: Option<Cause>,
    },
    /// A configuration that no connection can be made with.
    #[error("the database configuration is wrong")]
    Config {
        #[source]
        source: Cause,
    },
    /// A query failed in a way that trying again does not cure.
    #[error("could not {doing}")]
    Query {
        doing: &'static str,
        #[source]
        source: Cause,
    },
}

impl StoreError {
    /// Whether the same call may work later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn missing(doing: &'static str, what: impl std::fmt::Display) -> Self {
        Self::Missing { doing, what: what.to_string() }
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display, source: impl Into<Cause>) -> Self {
        Self::Corrupt { what: what.to_string(), source: Some(source.into()) }
    }
}

/// Sorts the error of a query: `.map_err(failed_to("read a review"))`.
pub(crate) fn failed_to(doing: &'static str) -> impl FnOnce(DieselError) -> StoreError {
    move |error| sort(doing, error)
}

/// A connection could not be had, for whatever reason: time cures most of them.
pub(crate) fn no_connection(source: impl Into<Cause>) -> StoreError {
    StoreError::Unavailable { doing: "open a connection", source: source.into() }
}

pub(crate) fn from_connection(error: ConnectionError) -> StoreError {
    match error {
        ConnectionError::InvalidConnectionUrl(_) => StoreError::Config { source: Box::new(error) },
        other => no_connection(other),
    }
}

fn sort(doing: &'static str, error: DieselError) -> StoreError {
    let DieselError::DatabaseError(kind, information) = &error else {
        return StoreError::Query { doing, source: Box::new(error) };
    };
    match kind {
        DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::SerializationFailure => {
            StoreError::Unavailable { doing, source: Box::new(error) }
        }
        // A month that nobody has made yet: it is made within the hour.
        DatabaseErrorKind::CheckViolation if information.message().starts_with("no partition of relation") => {
            StoreError::Unavailable { doing, source: Box::new(error) }
        }
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => {
            let constraint = information.constraint_name().or(information.column_name()).unwrap_or("unnamed").to_owned();
            StoreError::Conflict { doing, constraint }
        }
        // A server that was promoted or demoted under us.
        DatabaseErrorKind::ReadOnlyTransaction => StoreError::Unavailable { doing, source: Box::new(error) },
        _ if is_passing(information.message()) => StoreError::Unavailable { doing, source: Box::new(error) },
        _ => StoreError::Query { doing, source: Box::new(error) },
    }
}

/// Diesel hides the SQLSTATE of these errors, so their English text has to do. A server with other messages makes them
/// `Query`, which stops a blind retry but loses nothing.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 9] = [
        "terminating connection",
        "the database system is",
        "deadlock detected",
        "canceling statement due to",
        "could not obtain lock",
        "too many connections",
        "remaining connection slots",
        "out of shared memory",
        "No space left on device",
    ];
    PASSING.iter().any(|text| message.contains(text))
}

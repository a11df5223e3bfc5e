//! Why a review is not shown, leased or decided. One list for all verbs, because a review refuses them for the same few reasons.

use chrono::{DateTime, Utc};
use domain::review::ReviewStatus;
use store::StoreError;

use crate::problem::{Code, InvalidField, Problem, answers_with_problem};

/// Why not.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// Somebody else has it until then.
    LeaseHeld {
        until: DateTime<Utc>,
    },
    /// The token is not, or no longer, the one of the lease.
    LeaseLost,
    /// It wants no decision any more.
    NotPending(ReviewStatus),
    /// Another decision came first.
    AlreadyDecided,
    /// This reviewer answered in the round before.
    FourEyes,
    InvalidDecision(Vec<InvalidField>),
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::LeaseHeld { until } => {
                let seconds = (until - Utc::now()).num_seconds().clamp(1, 3_600);
                Self::new(Code::LeaseHeld).retry_after(u32::try_from(seconds).unwrap_or(1))
            }
            Error::LeaseLost => Self::new(Code::LeaseLost),
            Error::NotPending(status) => Self::new(Code::NotPending).detail(format!("its status is `{}`", status.as_str())),
            Error::AlreadyDecided => Self::new(Code::AlreadyDecided),
            Error::FourEyes => Self::new(Code::FourEyes),
            Error::InvalidDecision(errors) => Self::new(Code::InvalidDecision).errors(errors),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

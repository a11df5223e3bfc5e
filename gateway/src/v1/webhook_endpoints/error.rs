//! Why an endpoint is not shown, made, changed or told. One list for all verbs, because they refuse for the same few reasons.

use axum::http::{HeaderValue, header};
use chrono::{DateTime, Utc};
use store::StoreError;
use store::webhook::MAX_ENDPOINTS;

use crate::problem::{Code, InvalidField, Problem, answers_with_problem};

/// Why not.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// It is switched off.
    Off,
    /// The tenant has as many as it may.
    TooMany,
    /// As many secrets sign as may, the oldest of them until then.
    TooOften {
        until: DateTime<Utc>,
    },
    UrlNotAllowed(InvalidField),
    /// Somebody changed it since; this is the tag that counts.
    Stale(HeaderValue),
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Off => Self::new(Code::EndpointOff),
            Error::TooMany => Self::new(Code::TooManyEndpoints).detail(format!("a tenant has at most {MAX_ENDPOINTS} webhook endpoints")),
            Error::TooOften { until } => {
                let seconds = (until - Utc::now()).num_seconds().clamp(1, 86_400);
                Self::new(Code::RotatedTooOften).retry_after(u32::try_from(seconds).unwrap_or(1))
            }
            Error::UrlNotAllowed(fault) => Self::new(Code::UrlNotAllowed).detail(fault.detail.clone()).errors(vec![fault]),
            Error::Stale(current) => Self::new(Code::PreconditionFailed).header(header::ETAG, current),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

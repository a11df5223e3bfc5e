//! Why a delivery is not shown or not repeated.

use store::StoreError;

use crate::problem::{Code, Problem, answers_with_problem};

/// Why not.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// Its endpoint is off or deleted.
    EndpointOff,
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::EndpointOff => Self::new(Code::EndpointOff),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

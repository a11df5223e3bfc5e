//! Why a resource is not shown: the same few reasons whatever it is.

use store::StoreError;
use store::objects::ObjectError;

use crate::problem::{Code, Problem, answers_with_problem};

/// Why not.
#[derive(Debug)]
pub enum ReadError {
    /// It is not there, or another tenant's.
    NotFound,
    /// It will be there later; which kind of thing.
    NotReady(Code),
    Request(Problem),
    Store(StoreError),
    Objects(ObjectError),
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::new(Code::NotFound),
            ReadError::NotReady(code) => Self::new(code),
            ReadError::Request(problem) => problem,
            ReadError::Store(error) => error.into(),
            ReadError::Objects(error) => error.into(),
        }
    }
}
answers_with_problem!(ReadError);

impl From<ObjectError> for ReadError {
    fn from(error: ObjectError) -> Self {
        Self::Objects(error)
    }
}

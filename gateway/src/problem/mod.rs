//! Problem documents (RFC 9457): the one shape of every error that leaves the gateway.
//!
//! A handler says what is wrong; the request id, the instance and the bytes are added by `edge`, so that errors made by the router,
//! the limits and a panic look the same.

mod code;
mod page;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::claim::FieldError;
use rand::Rng;
use serde::Serialize;
use store::StoreError;
use store::objects::ObjectError;
use utoipa::ToSchema;

pub use code::Code;
pub(crate) use page::page;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, before it is written down.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    pub detail: Option<String>,
    pub errors: Vec<InvalidField>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One thing wrong with the request, at a place in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvalidField {
    /// JSON Pointer (RFC 6901) into the request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/claim/total/amount")]
    pub pointer: Option<String>,
    /// Name of the query parameter or header, where the body is not to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// A stable word.
    #[schema(example = "not_money")]
    pub code: String,
    pub detail: String,
}

/// The body of every error, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// Resolves to a page about this kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The path that was called.
    pub instance: String,
    /// A stable word; the set grows.
    pub code: String,
    pub request_id: String,
    /// True only when the same request may work later.
    pub retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InvalidField>,
}

impl Problem {
    /// A problem of that kind; `Retry-After` is set where its kind is worth repeating.
    pub fn new(code: Code) -> Self {
        let problem = Self { code, detail: None, errors: Vec::new(), headers: Vec::new() };
        // Jittered, so that clients turned away together do not come back together.
        if code.retryable() { problem.retry_after(rand::rng().random_range(1..=3)) } else { problem }
    }

    /// Says it in a sentence. Never with document text, claim values or secrets in it.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what is wrong in detail.
    pub fn errors(mut self, errors: Vec<InvalidField>) -> Self {
        let count = errors.len();
        self.detail.get_or_insert_with(|| format!("{count} {} invalid", if count == 1 { "member is" } else { "members are" }));
        self.errors = errors;
        self
    }

    /// Sets when the same request may work, in whole seconds.
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Sets a header of the response.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    /// The document for one request.
    pub fn document(self, public_url: &str, instance: &str, request_id: &str) -> Document {
        Document {
            kind: format!("{public_url}/problems/{}", self.code.slug()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: Some(self.detail.unwrap_or_else(|| self.code.explanation().to_owned())),
            instance: instance.to_owned(),
            code: self.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            retryable: self.code.retryable(),
            errors: self.errors,
        }
    }
}

impl InvalidField {
    /// A fault in the body.
    pub fn at(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, code: code.to_owned(), detail: detail.into() }
    }

    /// A fault in a query parameter or header.
    pub fn parameter(name: &str, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.to_owned()), code: code.to_owned(), detail: detail.into() }
    }

    /// A fault in a claim that stands at `prefix` in the body.
    pub fn of_claim(prefix: &str, error: FieldError) -> Self {
        Self { pointer: Some(format!("{prefix}{}", error.pointer)), parameter: None, code: error.code, detail: error.detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut response = self.code.status().into_response();
        for (name, value) in std::mem::take(&mut self.headers) {
            response.headers_mut().insert(name, value);
        }
        // `edge` turns it into bytes.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_retryable() {
            tracing::warn!(error = &error as &dyn std::error::Error, "The database did not answer; runbook PostgresDown.md");
            return Self::new(Code::StoreUnavailable);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "The database refused a query of ours; runbook StuckVerification.md");
        Self::new(Code::Internal)
    }
}

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        if error.is_retryable() {
            tracing::warn!(error = &error as &dyn std::error::Error, "The object store did not answer; runbook DiskFull.md");
            return Self::new(Code::StoreUnavailable);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "The object store refused a request of ours; runbook DiskFull.md");
        Self::new(Code::Internal)
    }
}

/// Makes an endpoint's `Error` a response by way of its problem, and what handlers call with `?` one of its variants:
/// `Request` for what is wrong with the request as such, `Store` for the database.
macro_rules! answers_with_problem {
    ($error:ty) => {
        impl axum::response::IntoResponse for $error {
            fn into_response(self) -> axum::response::Response {
                $crate::problem::Problem::from(self).into_response()
            }
        }

        impl From<$crate::problem::Problem> for $error {
            fn from(problem: $crate::problem::Problem) -> Self {
                Self::Request(problem)
            }
        }

        impl From<store::StoreError> for $error {
            fn from(error: store::StoreError) -> Self {
                Self::Store(error)
            }
        }
    };
}
pub(crate) use answers_with_problem;

//! A successful answer that can be kept and given again: status, headers, bytes.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::idempotency::StoredResponse;

use crate::input::etag;
use crate::problem::{Code, Problem};

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "An answer could not be written; runbook StuckVerification.md");
            Problem::new(Code::Internal)
        })?;
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok(Self { status, headers, body: body.into() })
    }

    /// A tag of the very bytes.
    pub fn etag(&self) -> HeaderValue {
        etag(&hex::encode(&Sha256::digest(&self.body)[..16]))
    }

    /// Adds a header. Values that cannot be one are left out.
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// Adds headers.
    pub fn headers(mut self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// As it is kept.
    pub fn stored(&self) -> StoredResponse {
        let headers = self.headers.iter().filter_map(|(name, value)| Some((name.to_string(), Value::from(value.to_str().ok()?))));
        StoredResponse { status: self.status.as_u16(), headers: Value::Object(headers.collect()), body: self.body.to_vec() }
    }

    /// Given again.
    pub fn replayed(stored: StoredResponse) -> Self {
        let object = match stored.headers {
            Value::Object(object) => object,
            _ => serde_json::Map::new(),
        };
        let headers = object
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.as_str()?).ok()?)));
        let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
        Self { status, headers: headers.collect(), body: stored.body.into() }
            .header(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

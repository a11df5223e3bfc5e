//! Bodies: refused by their declared length before a byte is read, cut off while they stream, given up when nothing arrives.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures::{Stream, StreamExt};
use serde_json::Value;

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// A body that is JSON, at most the configured megabyte of it. Its shape is for the endpoint to check.
pub struct JsonBody(pub Value);

impl FromRequest<AppState> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let limit = state.limits.json_bytes;
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::UnsupportedContentType).detail("expected Content-Type: application/json"));
        }
        refuse_by_length(request.headers(), limit as u64)?;
        let mut stream = std::pin::pin!(chunks(request.into_body(), state.limits.body_idle));
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large(limit as u64));
            }
            bytes.extend_from_slice(&chunk);
        }
        // serde_json stops at 128 levels; its message tells a place, not the text.
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::new(Code::MalformedJson).detail(syntax(&error)))
    }
}

/// A body that may be left out; an empty one counts as `{}`.
pub struct OptionalJsonBody(pub Value);

impl FromRequest<AppState> for OptionalJsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let empty = !chunked && declared_length(request.headers()).is_none_or(|length| length == 0);
        if empty && !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(Self(Value::Object(serde_json::Map::new())));
        }
        JsonBody::from_request(request, state).await.map(|body| Self(body.0))
    }
}

/// The body's pieces. Ends with 408 when nothing arrives for `idle`, with 400 when the client goes away midway.
pub fn chunks(body: Body, idle: Duration) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'static {
    let pieces = body.into_data_stream();
    futures::stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        match tokio::time::timeout(idle, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(_))) => Some((Err(Problem::new(Code::BadRequest).detail("the body ended early")), None)),
            Ok(None) => None,
            Err(_) => Some((Err(Problem::new(Code::RequestTimeout)), None)),
        }
    })
}

/// `Content-Length`, where there is one that can be read.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses before the body is polled, so that a client that asked with `Expect: 100-continue` never sends it.
pub fn refuse_by_length(headers: &HeaderMap, limit: u64) -> Result<(), Problem> {
    if declared_length(headers).is_some_and(|length| length > limit) { Err(too_large(limit)) } else { Ok(()) }
}

pub fn too_large(limit: u64) -> Problem {
    Problem::new(Code::TooLarge).detail(format!("at most {limit} bytes are taken here"))
}

/// The type without its parameters, in small letters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|name| name.trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|name| name == "application/json" || (name.starts_with("application/") && name.ends_with("+json")))
}

fn syntax(error: &serde_json::Error) -> String {
    format!("not JSON at line {}, column {}", error.line(), error.column())
}

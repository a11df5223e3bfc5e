//! Bodies: refused by their coding or declared length before a byte is read, cut off while they stream, given up when nothing arrives.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use futures::{Stream, StreamExt};
use serde_json::Value;

use super::numbers::changed_numbers;
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
        if !is_utf8(request.headers()) {
            return Err(Problem::new(Code::UnsupportedContentType).detail("JSON is read in UTF-8 only, as RFC 8259 wants it"));
        }
        refuse_encoded(request.headers())?;
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
        let body = serde_json::from_slice(&bytes).map_err(|error| Problem::new(Code::MalformedJson).detail(syntax(&error)))?;
        let faults = changed_numbers(&bytes);
        if faults.is_empty() { Ok(Self(body)) } else { Err(Problem::new(Code::InvalidBody).errors(faults)) }
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

/// Refuses compressed bodies: read as they are they would be garbage, and unpacked they could be of any size.
pub fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = |line: &HeaderValue| line.to_str().is_ok_and(|coding| coding.trim().eq_ignore_ascii_case("identity"));
    if headers.get_all(header::CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    let problem = Problem::new(Code::UnsupportedContentType).detail("bodies are read without Content-Encoding only");
    // RFC 9110, 12.5.3: tells that the coding was to blame, not the type.
    Err(problem.header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
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

/// Whether the type names no character set, or the only one that JSON has.
fn is_utf8(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sets = value
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    sets.map(|(_, set)| set.trim().trim_matches('"'))
        .all(|set| ["utf-8", "utf8", "us-ascii"].iter().any(|known| set.eq_ignore_ascii_case(known)))
}

fn syntax(error: &serde_json::Error) -> String {
    format!("not JSON at line {}, column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn compressed_bodies_are_refused() {
        for coding in ["gzip", "br", "identity, gzip", ""] {
            let problem = refuse_encoded(&headers(header::CONTENT_ENCODING, coding)).expect_err(coding);
            assert_eq!(problem.code, Code::UnsupportedContentType, "{coding}");
        }
        assert!(refuse_encoded(&headers(header::CONTENT_ENCODING, "Identity")).is_ok());
        assert!(refuse_encoded(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn json_is_in_utf8_whatever_the_type_says() {
        for (kind, expected) in [
            ("application/json", true),
            ("application/json; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"; x=y", true),
            ("application/json; charset=iso-8859-1", false),
            ("application/json; Charset=utf-16", false),
        ] {
            assert_eq!(is_utf8(&headers(header::CONTENT_TYPE, kind)), expected, "{kind}");
        }
    }
}

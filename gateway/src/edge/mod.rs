//! What every request and response gets, whoever answers: an id, a span, a trace, a deadline, a count, and a body for what went wrong.

mod linger;
mod trace;

use std::any::Any;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use crate::metrics::{Gauge, Metric};
use crate::problem::{Code, MEDIA_TYPE, Problem};
use crate::state::AppState;

pub use linger::linger;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// The only dated behaviour so far.
pub const VERSION: &str = "2026-11-20";

/// What a handler may know of its own request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub request_id: String,
    /// W3C `traceparent` of this request's span, for work that outlives it.
    pub trace_parent: String,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // `edge` is around every route; a route without it is our mistake.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(Code::Internal))
    }
}

/// Around every route and every other layer that answers.
pub async fn edge(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = Gauge::raise(Metric::HttpRequestsInFlight);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let instance = request.uri().path().to_owned();
    let request_id = format!("req_{}", Uuid::now_v7().simple());

    let span = tracing::info_span!(
        "http.request",
        otel.kind = "server",
        otel.name = format!("{method} {route}"),
        http.request.method = %method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        request.id = request_id,
        tenant.id = tracing::field::Empty,
        verification.id = tracing::field::Empty,
    );
    let trace_parent = trace::join(&span, request.headers());
    let context = RequestContext { request_id, trace_parent };
    request.extensions_mut().insert(context.clone());

    let response = async {
        match refuse_version(request.headers().get(API_VERSION)) {
            Some(problem) => problem.into_response(),
            None => next.run(request).await,
        }
    };
    let mut response = finish(response.instrument(span.clone()).await, &state, &instance, &context);

    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    add_headers(&mut response, &context);
    let labels = [("route", route.clone()), ("method", label(&method)), ("status", status.as_str().to_owned())];
    metrics::histogram!(Metric::HttpRequestSeconds.as_str(), &labels).record(started.elapsed().as_secs_f64());
    let milliseconds = started.elapsed().as_millis();
    span.in_scope(|| {
        tracing::info!(milliseconds, "Answered {method} {route} with {status} in {milliseconds} ms", status = status.as_u16())
    });
    response
}

/// Turns whatever went wrong, in a handler, in the router or in a library, into a problem document.
fn finish(mut response: Response, state: &AppState, instance: &str, context: &RequestContext) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if response.status().is_client_error() || response.status().is_server_error() => {
            Problem::new(Code::of_status(response.status()))
        }
        None => return response,
    };
    metrics::counter!(Metric::HttpProblemsTotal.as_str(), "code" => problem.code.as_str()).increment(1);
    *response.status_mut() = problem.code.status();
    let document = problem.document(&state.public_url, instance, &context.request_id);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = Body::from(body);
    response
}

fn add_headers(response: &mut Response, context: &RequestContext) {
    let headers = response.headers_mut();
    for (name, value) in [(REQUEST_ID, &context.request_id), (TRACEPARENT, &context.trace_parent)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(API_VERSION, HeaderValue::from_static(VERSION));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
}

fn refuse_version(asked: Option<&HeaderValue>) -> Option<Problem> {
    asked.filter(|asked| *asked != VERSION).map(|_| Problem::new(Code::UnknownVersion))
}

/// Ends what takes too long. Uploads are watched piece by piece instead.
pub async fn deadline(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_upload = request.method() == Method::POST && request.uri().path() == "/v1/evidence";
    if is_upload {
        return next.run(request).await;
    }
    match tokio::time::timeout(state.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::Overloaded).detail("the request took too long").into_response(),
    }
}

/// A handler panicked: a bug, told to nobody but the log.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "A request handler panicked; runbook StuckVerification.md");
    Problem::new(Code::Internal).into_response()
}

/// No such address.
pub async fn not_found() -> Problem {
    Problem::new(Code::NotFound)
}

/// Clients can invent methods; metrics keep to the known ones.
fn label(method: &Method) -> String {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
    if known.contains(method) { method.as_str().to_owned() } else { "other".to_owned() }
}

//! What holds for every answer of the desk: security headers, counted requests, a way on from every message, and a page even for a panic.

use std::any::Any;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::layout::{Layout, Place};
use crate::metric;
use crate::person::Person;
use crate::problem::{Message, Problem};
use crate::state::AppState;

/// Nothing but what the desk itself serves, no inline code or style, no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds what every answer must carry.
pub async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    // Pages show documents of a tenant: no cache on the way may keep one.
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if state.secure {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Puts the frame of who is signed in around a message, so that it is no dead end. What a script asked for, and what went wrong on our side, stays
/// as it is: the one replaces a part of a page, and for the other the frame may be what cannot be made.
pub async fn framed(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let mut response = next.run(request).await;
    let message = response.extensions_mut().remove::<Message>();
    let status = response.status();
    let Some(message) = message.filter(|_| !status.is_server_error() && !headers.contains_key("hx-request")) else { return response };
    match frame(&state, &headers, message).await {
        Ok(Some(page)) => {
            *response.body_mut() = Body::from(page);
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "A message stays without a frame"),
    }
    response
}

async fn frame(state: &AppState, headers: &HeaderMap, message: Message) -> Result<Option<String>, Problem> {
    let Some(person) = Person::signed_in(state, headers, false).await? else { return Ok(None) };
    let layout = Layout::of(state, &person, Place::Elsewhere, message.title).await?;
    Ok(Some(message.framed(layout)?))
}

/// Counts a request and writes its line.
pub async fn counted(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    metrics::histogram!(metric::REQUEST_SECONDS, "route" => route.clone(), "status" => status.to_string()).record(seconds);
    tracing::info!(http.method = %method, http.route = route, http.response.status_code = status, seconds, "{method} {route} answered {status}");
    response
}

/// The page for a bug.
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let told = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = told.as_deref().unwrap_or("no message"), "A page of the desk panicked");
    Problem::Template(askama::Error::Fmt).into_response()
}

//! W3C trace context: joins the caller's trace, and hands ours to work that outlives the request.

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes the span a child of the caller's and returns the `traceparent` for what comes after it.
/// Where traces are not exported the caller's own is passed on, or a new one begun, so that log lines of one job still share an id.
pub fn join(span: &Span, headers: &HeaderMap) -> String {
    let caller = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse);
    if let Some(caller) = &caller {
        // Without an exporter there is nobody to tell, and nothing is lost.
        let _ = span.set_parent(Context::new().with_remote_span_context(caller.clone()));
    }
    let own = span.context().span().span_context().clone();
    let chosen = if own.is_valid() { own } else { caller.unwrap_or_else(begin) };
    format!("00-{}-{}-{:02x}", chosen.trace_id(), chosen.span_id(), chosen.trace_flags().to_u8())
}

fn begin() -> SpanContext {
    let trace_id = TraceId::from_bytes(rand::random());
    SpanContext::new(trace_id, SpanId::from_bytes(rand::random()), TraceFlags::default(), false, TraceState::default())
}

/// Versions above 00 may carry more fields behind the four that are known; ff is forbidden.
fn parse(line: &str) -> Option<SpanContext> {
    let mut parts = line.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hexadecimal =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let shaped = hexadecimal(version, 2) && hexadecimal(trace, 32) && hexadecimal(parent, 16) && hexadecimal(flags, 2);
    if !shaped || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let context = SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(parent).ok()?, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const LINE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_well_formed_parents_are_joined() {
        assert!(parse(LINE).is_some());
        assert!(parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
        for line in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn without_an_exporter_the_callers_trace_is_passed_on() {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("traceparent"), HeaderValue::from_static(LINE))]);
        assert_eq!(join(&Span::none(), &headers), LINE);
        assert!(parse(&join(&Span::none(), &HeaderMap::new())).is_some());
    }
}

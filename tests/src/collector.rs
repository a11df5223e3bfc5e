//! A collector of traces for tests: takes spans over OTLP with HTTP and keeps them.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use prost::Message;

/// A span, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub service: String,
    pub name: String,
    /// Hexadecimal, as in `traceparent`.
    pub trace_id: String,
    pub span_id: String,
    /// Empty at the top.
    pub parent_id: String,
}

/// What has arrived so far.
#[derive(Clone, Default)]
pub struct Collected {
    spans: Arc<Mutex<Vec<Span>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Collected {
    /// The spans of one trace.
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().filter(|span| span.trace_id == trace_id).cloned().collect()
    }

    /// Every byte that was sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, body: &[u8]) -> Result<(), prost::DecodeError> {
        let request = ExportTraceServiceRequest::decode(body)?;
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(body);
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.resource_spans {
            let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            let service = attributes.into_iter().find(|attribute| attribute.key == "service.name").and_then(|attribute| {
                match attribute.value?.value? {
                    any_value::Value::StringValue(name) => Some(name),
                    _ => None,
                }
            });
            let service = service.unwrap_or_default();
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                spans.push(Span {
                    service: service.clone(),
                    name: span.name,
                    trace_id: hex::encode(span.trace_id),
                    span_id: hex::encode(span.span_id),
                    parent_id: hex::encode(span.parent_span_id),
                });
            }
        }
        Ok(())
    }
}

/// A collector whose address is taken, so that others can be told of it before it serves.
pub struct Collector {
    listener: TcpListener,
}

impl Collector {
    pub fn bind() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("bind a collector")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// For `ASSAY_OTLP_ENDPOINT`.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Collects for as long as the runtime lives.
    pub fn serve(self) -> Result<Collected> {
        let collected = Collected::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(collected.clone());
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(collected)
    }
}

async fn take(State(collected): State<Collected>, body: Bytes) -> StatusCode {
    match collected.keep(&body) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

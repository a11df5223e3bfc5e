//! Log lines to standard error, traces over OTLP, metrics on the role's own page.

mod lines;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use temporalio_sdk::opentelemetry::WorkflowIdGenerator;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, Telemetry};

use lines::JsonLines;

/// Buckets of every `_seconds` histogram: from a cached read to a long scan.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What must live as long as the role: dropping it sends what is left.
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    pub metrics: PrometheusHandle,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            // Nobody is left to tell when the last spans do not reach their collector.
            let _ = traces.shutdown();
        }
    }
}

/// Starts logs, traces and metrics of one role.
pub fn start(config: &Telemetry, role: &'static str) -> Result<Guard> {
    let filter = EnvFilter::try_new(&config.filter).with_context(|| format!("ASSAY_LOG: `{}` is not a filter", config.filter))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Json => lines.json().event_format(JsonLines).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let traces = config.otlp_endpoint.as_deref().map(|endpoint| traces(endpoint, role)).transpose()?;
    let spans = traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("assay")));
    tracing_subscriber::registry().with(filter).with(lines).with(spans).try_init().context("start logging")?;
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .context("set the histogram buckets")?
        .install_recorder()
        .context("start metrics")?;
    Ok(Guard { traces, metrics })
}

fn traces(endpoint: &str, role: &'static str) -> Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .with_context(|| format!("ASSAY_OTLP_ENDPOINT: cannot send traces to {endpoint}"))?;
    let resource = Resource::builder().with_service_name(format!("assay-{role}")).build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        // Gives workflow spans the same ids on every replay.
        .with_id_generator(WorkflowIdGenerator::default())
        .build();
    opentelemetry::global::set_tracer_provider(provider.clone());
    Ok(provider)
}

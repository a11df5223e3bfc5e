//! One trace from the HTTP request through workflow and activities.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::json;
use tests::collector::{Collector, Span};
use tests::receipt::Receipt;
use tests::{machine, tenant, wait};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const NAME: &str = "order-of-somebody.txt";
/// Spans are sent in batches, the last ones a moment after the end.
const ARRIVAL: Duration = Duration::from_secs(30);
/// What every verification goes through, by role and span.
const STATIONS: [(&str, &str); 11] = [
    ("assay-gateway", "POST /v1/verifications"),
    ("assay-gateway", "StartWorkflow:verification.v1"),
    ("assay-worker", "RunWorkflow:verification.v1"),
    ("assay-worker", "StartActivity:prepare.pages"),
    ("assay-worker", "RunActivity:prepare.pages"),
    ("assay-worker", "RunActivity:ocr.read_pages"),
    ("assay-worker", "RunActivity:classify.documents"),
    ("assay-worker", "RunActivity:extract.fields"),
    ("assay-worker", "RunActivity:judge.claim"),
    ("assay-worker", "RunActivity:publish.provisional"),
    ("assay-worker", "RunActivity:finalise.verification"),
];

#[test]
fn one_trace_goes_from_the_request_through_workflow_and_activities() {
    let collector = Collector::bind().expect("a collector");
    let url = collector.url().expect("its address");
    let variables = vec![("ASSAY_OTLP_ENDPOINT".to_owned(), url), ("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "200".to_owned())];
    machine::on_own_stack(variables, async |stack| {
        let collected = collector.serve()?;
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(900);
        let evidence = api.evidence(NAME, receipt.text()).await?;
        let body = json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [evidence] });

        let request = api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", "trace");
        let answer = api.send(request.header("traceparent", format!("00-{TRACE}-{CALLER}-01")).json(&body)).await?.expect(202)?;

        ensure!(answer.header("traceparent").starts_with(&format!("00-{TRACE}-")), "{}", answer.header("traceparent"));
        let id = answer.json()["id"].as_str().context("an id")?.to_owned();
        api.ended(&id).await?;
        let spans = wait::until("the whole trace", ARRIVAL, async || Ok(Some(collected.trace(TRACE)).filter(|spans| is_whole(spans))));
        let spans = spans.await.with_context(|| format!("{:#?}", collected.trace(TRACE)))?;

        // Every span hangs on another of this trace, the request's own on the caller.
        let ids: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).chain([CALLER]).collect();
        let loose: Vec<&Span> = spans.iter().filter(|span| !ids.contains(span.parent_id.as_str())).collect();
        ensure!(loose.is_empty(), "{loose:#?}");
        let request = spans.iter().find(|span| span.name == "POST /v1/verifications").context("the request's span")?;
        ensure!(request.parent_id == CALLER, "{request:?}");
        let starts = spans.iter().filter(|span| span.name.starts_with("StartWorkflow")).count();
        ensure!(starts == 1, "the workflow was started {starts} times: the engine was not ready for the first");
        // Values of the claim have no business in a trace.
        let sent = collected.bytes();
        for value in [receipt.claim()["merchant"].as_str(), receipt.claim()["total"]["amount"].as_str(), Some(NAME)] {
            let value = value.context("a value")?.as_bytes();
            ensure!(!sent.windows(value.len()).any(|window| window == value), "{} was sent", String::from_utf8_lossy(value));
        }
        Ok(())
    });
}

fn is_whole(spans: &[Span]) -> bool {
    let arrived = |service: &str, name: &str| spans.iter().any(|span| span.service == service && span.name == name);
    STATIONS.iter().all(|(service, name)| arrived(service, name))
}

//! What evidence and claims say, and what people write, stays in the database and the object store: not in histories, logs or metrics.

use anyhow::{Context, Result, ensure};
use app::commands::demo::samples::{self, Sample};
use app::stack::Stack;
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use tests::receipt::Receipt;
use tests::tenant::Tenant;
use tests::{api, engine, machine, metrics, tenant};

use crate::review;

/// Samples that take every way through the pipeline, the unreadable ones too.
const SAMPLES: [&str; 11] = [
    "receipt-all-fields",
    "receipt-wrong-total",
    "receipt-text",
    "receipt-and-card-slip",
    "receipt-wrong-document",
    "receipt-corrupt",
    "receipt-unreadable",
    "invoice-text-pdf",
    "invoice-corrupt",
    "invoice-encrypted",
    "invoice-hidden-text-claimed",
];
/// Written by people into a decision.
const NOTE: &str = "the clerk's own handwriting";
const CORRECTED: &str = "77.31";
/// Sent where it does not belong.
const MISPLACED: &str = "Ottoline Quarrel of Eastbrook";
/// Shorter words stand in any log.
const SHORTEST: usize = 5;

#[test]
fn nothing_personal_leaves_the_stores() {
    machine::together(async |stack| {
        let tenant = tenant::under(stack, &review::always()).await?;
        let all = samples::read(&api::samples(), None)?;
        let ids = work(&tenant, &all).await?;
        let secrets = secrets(&tenant, &all);
        ensure!(secrets.len() > 60, "only {} values to look for", secrets.len());

        let client = engine::client(stack).await?;
        for id in &ids {
            for event in engine::history(&client, id).await? {
                let what = || format!("event {} of the history of {id}", event.event_id);
                look(&event.encode_to_vec(), &secrets).with_context(what)?;
            }
        }
        look(metrics::pages(stack).await?.as_bytes(), &secrets).context("the metrics")?;
        look_into_logs(stack, &secrets)
    });
}

/// Verifications of all kinds, a decision, and requests that are refused.
async fn work(tenant: &Tenant, all: &[Sample]) -> Result<Vec<String>> {
    let api = &tenant.api;
    let mut ids = Vec::new();
    for sample in all.iter().filter(|sample| SAMPLES.contains(&sample.name.as_str())) {
        let mut evidence = Vec::new();
        for file in &sample.files {
            evidence.push(api.sample(&file.file_name().unwrap_or_default().to_string_lossy()).await?);
        }
        ids.push(api.start(&sample.claim_type, &sample.claim, &evidence).await?);
    }
    ensure!(ids.len() == SAMPLES.len(), "the manifest has other samples");
    for id in &ids {
        api.until(id, "judged", |seen| !seen["provisional"].is_null()).await?;
    }
    let receipt = Receipt::numbered(800);
    let (id, review) = review::waiting(api, receipt, &receipt.claim()).await?;
    let lease = review::claim(api, &review, "r1", 60).await?;
    let decision = json!({
        "token": lease["token"], "generation": lease["generation"], "reviewer": "r1", "verdict": "refuted", "note": NOTE,
        "checks": [{ "field": "total", "verdict": "refuted", "found": { "amount": CORRECTED, "currency": "GBP" }, "reason": NOTE }]
    });
    api.post(&format!("/v1/reviews/{review}/decide"), &decision).await?.expect(200)?;
    api.ended(&id).await?;
    ids.push(id);
    refused(api).await?;
    Ok(ids)
}

async fn refused(api: &api::Api) -> Result<()> {
    let evidence = api.evidence(&format!("{MISPLACED}.txt"), Receipt::numbered(801).text()).await?;
    let claim = json!({ "merchant": MISPLACED, "date": MISPLACED, "total": { "amount": MISPLACED, "currency": "GBP" } });
    let body = json!({ "claim_type": "expense_receipt", "claim": claim, "evidence": [evidence] });
    api.post("/v1/verifications", &body).await?.problem(422, "invalid_claim")?;
    let broken = format!("{{\"claim\": \"{MISPLACED}");
    let request = api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", MISPLACED);
    api.send(request.header("content-type", "application/json").body(broken)).await?.problem(400, "malformed_json")?;
    api.get("/v1/verifications?status=Ottoline").await?.problem(400, "invalid_parameter")?;
    api.upload(&format!("{MISPLACED}.jpg"), Vec::new()).await?.problem(422, "empty_evidence")?;
    Ok(())
}

/// Everything that must not be met: claimed values, file names, what was written, the key itself.
fn secrets(tenant: &Tenant, all: &[Sample]) -> Vec<String> {
    let mut secrets: Vec<String> = [NOTE, CORRECTED, MISPLACED, "Ottoline", "Tannery Yard", "GB 000 7712 06"].map(str::to_owned).to_vec();
    secrets.push(tenant.key.clone());
    for sample in all {
        collect(&sample.claim, &mut secrets);
        let names = sample.files.iter().filter_map(|file| file.file_name());
        secrets.extend(names.map(|name| name.to_string_lossy().into_owned()));
    }
    collect(&Receipt::numbered(800).claim(), &mut secrets);
    secrets.sort();
    secrets.dedup();
    secrets.retain(|secret| secret.len() >= SHORTEST);
    secrets
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(members) => members.values().for_each(|member| collect(member, into)),
        _ => {}
    }
}

/// Fails at the first secret that stands in there by itself, not as part of a longer word or number.
fn look(bytes: &[u8], secrets: &[String]) -> Result<()> {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    for secret in secrets {
        let needle = secret.as_bytes();
        let found = bytes.windows(needle.len()).enumerate().find(|(at, window)| {
            *window == needle && !word(at.checked_sub(1).and_then(|before| bytes.get(before))) && !word(bytes.get(at + needle.len()))
        });
        if let Some((at, _)) = found {
            let around = &bytes[at.saturating_sub(80)..bytes.len().min(at + needle.len() + 80)];
            anyhow::bail!("`{secret}` stands in it: ...{}...", String::from_utf8_lossy(around));
        }
    }
    Ok(())
}

fn look_into_logs(stack: &Stack, secrets: &[String]) -> Result<()> {
    let mut logs = 0;
    for entry in std::fs::read_dir(stack.folder().logs())? {
        let path = entry?.path();
        look(&std::fs::read(&path)?, secrets).with_context(|| format!("{}", path.display()))?;
        logs += 1;
    }
    ensure!(logs >= 6, "only {logs} logs");
    Ok(())
}

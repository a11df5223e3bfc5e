//! The bundled samples give what their manifest says, and a verification stays cheap.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use app::client::{Client, Refused};
use app::commands::demo::samples::{self, Expected, Sample};
use app::commands::demo::table::{self, Row};
use futures::{StreamExt, TryStreamExt};
use tests::api::Api;
use tests::receipt::Receipt;
use tests::tenant::Tenant;
use tests::{api, engine, machine, metrics, tenant, wait};

/// Samples in flight.
const AT_A_TIME: usize = 2;
/// Samples with one page each, all of other files.
const ONE_PAGE: [&str; 4] = ["receipt-right-png", "receipt-dollars", "receipt-decimal-comma", "receipt-webp"];
/// Events of a history with one page: what keeps a million verifications affordable.
const EVENTS: usize = 60;
/// The relay looks every second.
const SETTLE: Duration = Duration::from_secs(20);
/// Own commits from the acceptance to the end.
const COMMITS: f64 = 8.0;

#[test]
fn every_sample_gives_what_its_manifest_says() {
    machine::together(async |stack| {
        let tenant = tenant::without_review(stack).await?;
        let files = Client::new(&stack.endpoints().gateway_url, &tenant.key)?;
        let samples = samples::read(&api::samples(), None)?;
        let rows: Vec<Row> =
            futures::stream::iter(&samples).map(|sample| async { row(&files, &tenant, sample).await }).buffered(AT_A_TIME).collect().await;
        ensure!(rows.iter().all(|row| row.surprises.is_empty()), "some samples came out otherwise:\n{}", table::render(&rows));
        Ok(())
    });
}

async fn row(files: &Client, tenant: &Tenant, sample: &Sample) -> Row {
    let began = Instant::now();
    let outcome = verify(files, tenant, sample).await;
    let seconds = began.elapsed().as_secs_f64();
    match outcome {
        Ok(verification) => Row::verified(sample, &verification, seconds),
        Err(error) => match error.downcast_ref::<Refused>() {
            Some(refused) if matches!(sample.expect, Expected::Http(_)) => Row::refused(sample, refused, seconds),
            _ => Row::failed(sample, &error, seconds),
        },
    }
}

async fn verify(files: &Client, tenant: &Tenant, sample: &Sample) -> Result<serde_json::Value> {
    let mut evidence = Vec::new();
    for file in &sample.files {
        evidence.push(files.upload(file).await?);
    }
    let id = tenant.api.start(&sample.claim_type, &sample.claim, &evidence).await?;
    tenant.api.ended(&id).await
}

#[test]
fn a_one_page_verification_needs_few_events_and_few_commits() {
    machine::alone(async |stack| {
        let tenant = tenant::without_review(stack).await?;
        let client = engine::client(stack).await?;
        // Files that this tenant never sent before: what was read once is not read again.
        let mut work = Vec::new();
        for sample in samples::read(&api::samples(), None)?.into_iter().filter(|sample| ONE_PAGE.contains(&sample.name.as_str())) {
            let name = sample.files[0].file_name().context("a file name")?.to_string_lossy().into_owned();
            work.push((tenant.api.sample(&name).await?, sample));
        }
        ensure!(work.len() == ONE_PAGE.len(), "the manifest has other samples");
        let store = tenant::store(stack)?;
        let settled = async || {
            wait::until("an empty outbox", SETTLE, async || {
                let mut tx = store.begin_relay().await?;
                Ok((store::outbox::depth(&mut tx).await?.count == 0).then_some(()))
            })
            .await
        };
        // What the relay still does counts as well.
        settled().await?;
        let before = metrics::total(stack, "assay_database_commits_total").await?;
        for (evidence, sample) in &work {
            let id = tenant.api.start(&sample.claim_type, &sample.claim, std::slice::from_ref(evidence)).await?;
            tenant.api.ended(&id).await?;
            let events = engine::history(&client, &id).await?.len();
            ensure!(events <= EVENTS, "{events} events in the history of {}", sample.name);
        }
        settled().await?;
        let commits = (metrics::total(stack, "assay_database_commits_total").await? - before) / work.len() as f64;
        ensure!(commits > 0.0, "commits are not counted");
        ensure!(commits <= COMMITS, "{commits} commits for a one-page verification");
        Ok(())
    });
}

#[test]
fn plain_receipts_are_judged_as_other_tests_suppose() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let judged = futures::stream::iter((0..30).map(Receipt::numbered)).map(|receipt| judge(&api, receipt)).buffer_unordered(AT_A_TIME);
        judged.try_collect().await
    });
}

async fn judge(api: &Api, receipt: Receipt) -> Result<()> {
    let evidence = api.evidence("a.txt", receipt.text()).await?;
    for (claim, verdict) in [(receipt.claim(), "supported"), (receipt.wrong_claim(), "refuted")] {
        let id = api.start("expense_receipt", &claim, std::slice::from_ref(&evidence)).await?;
        let ended = api.ended(&id).await?;
        ensure!(ended["verdict"] == verdict, "{receipt:?} is {} instead of {verdict}: {}", ended["verdict"], ended["final"]["checks"]);
    }
    Ok(())
}

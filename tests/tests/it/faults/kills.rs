//! Every part is killed at random moments while thirty verifications come in and are worked on.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use app::commands::demo::samples::{self, Expected};
use app::stack::{Signal, Stack};
use futures::future::try_join_all;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tests::api::{self, Api};
use tests::receipt::Receipt;
use tests::tenant::Tenant;
use tests::{engine, machine, tenant, wait};

use super::patient;

/// Set it to repeat a run.
const SEED: &str = "ASSAY_FAULT_SEED";
/// Verifications, of which every fifth is a photo or a scan.
const JOBS: u32 = 30;
/// They come in over this time, and the kills fall into it.
const STORM: Duration = Duration::from_secs(20);
/// How often each of them is killed.
const VICTIMS: [(&str, usize); 6] = [("gateway", 3), ("worker", 3), ("review-ui", 1), ("temporal", 2), ("postgres", 2), ("objects", 2)];
/// After the storm everything has to come to its end.
const QUIET: Duration = Duration::from_secs(100);
const PICTURES: [&str; 6] =
    ["receipt-right-png", "receipt-wrong-total", "receipt-dollars", "receipt-decimal-comma", "receipt-wrong-currency", "invoice-text-pdf"];

#[test]
fn nothing_is_lost_or_done_twice_when_parts_are_killed() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| rand::rng().random::<u32>().into());
    machine::on_own_stack(Vec::new(), async |stack| {
        storm(stack, seed).await.with_context(|| format!("{SEED}={seed} repeats the moments of this run"))
    });
}

async fn storm(stack: &Stack, seed: u64) -> Result<()> {
    let mut chance = StdRng::seed_from_u64(seed);
    let tenant = tenant::without_review(stack).await?;
    let jobs = jobs(&mut chance)?;
    let kills = kills(&mut chance);

    let submitted = try_join_all(jobs.iter().map(|job| submit(&tenant.api, job)));
    let (submitted, killed) = tokio::join!(submitted, carry_out(stack, &kills));
    let submitted = submitted?;
    killed?;
    for part in stack.parts() {
        part.ready().await?;
    }
    let ended = tokio::time::timeout(QUIET, try_join_all(submitted.iter().map(|work| end(&tenant.api, work))));
    let ended = ended.await.with_context(|| format!("not all had ended {} s after the storm", QUIET.as_secs()))??;

    for ((job, work), verification) in jobs.iter().zip(&submitted).zip(&ended) {
        check(&tenant.api, job, work, verification).await.with_context(|| format!("job {} ({})", job.key, work.verification))?;
    }
    nothing_else(stack, &tenant, &submitted).await
}

/// One verification to be asked for.
struct Job {
    key: String,
    at: Duration,
    file: String,
    bytes: Vec<u8>,
    claim_type: String,
    claim: Value,
    verdict: String,
}

/// What the client was told.
struct Submitted {
    evidence: String,
    verification: String,
}

fn jobs(chance: &mut StdRng) -> Result<Vec<Job>> {
    (0..JOBS)
        .map(|number| {
            let at = chance.random_range(Duration::ZERO..STORM);
            let key = format!("job-{number}");
            if number % 5 == 4 {
                return picture(PICTURES[(number / 5) as usize], key, at);
            }
            let receipt = Receipt::numbered(number);
            let (claim, verdict) = if number % 3 == 0 { (receipt.wrong_claim(), "refuted") } else { (receipt.claim(), "supported") };
            let file = format!("{key}.txt");
            Ok(Job { key, at, file, bytes: receipt.text(), claim_type: "expense_receipt".into(), claim, verdict: verdict.into() })
        })
        .collect()
}

fn picture(name: &str, key: String, at: Duration) -> Result<Job> {
    let all = samples::read(&api::samples(), Some(name))?;
    let sample = all.into_iter().find(|sample| sample.name == name).context("no such sample")?;
    let Expected::Verdict(expected) = sample.expect else { bail!("{name} is refused") };
    let path = sample.files.into_iter().next().context("no file")?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Job { key, at, file, bytes: std::fs::read(path)?, claim_type: sample.claim_type, claim: sample.claim, verdict: expected.verdict })
}

/// When to kill whom, in order.
fn kills(chance: &mut StdRng) -> Vec<(Duration, &'static str)> {
    let mut victims: Vec<&str> = VICTIMS.iter().flat_map(|(name, times)| std::iter::repeat_n(*name, *times)).collect();
    victims.shuffle(chance);
    let mut kills: Vec<(Duration, &str)> =
        victims.into_iter().map(|name| (chance.random_range(Duration::from_secs(1)..STORM), name)).collect();
    kills.sort();
    kills
}

async fn carry_out(stack: &Stack, kills: &[(Duration, &'static str)]) -> Result<()> {
    let began = tokio::time::Instant::now();
    for (at, name) in kills {
        tokio::time::sleep_until(began + *at).await;
        let part = stack.part(name).with_context(|| format!("no part {name}"))?;
        // One that is just coming up after its last death is killed once it is there.
        part.watch().wait_for(|status| status.pid.is_some()).await?;
        part.signal(Signal::KILL);
    }
    Ok(())
}

async fn submit(api: &Api, job: &Job) -> Result<Submitted> {
    tokio::time::sleep(job.at).await;
    let evidence = patient::upload(api, &job.file, &job.bytes).await?;
    let verification = patient::start(api, &job.key, &job.claim_type, &job.claim, &evidence).await?;
    Ok(Submitted { evidence, verification })
}

async fn end(api: &Api, work: &Submitted) -> Result<Value> {
    api.ended(&work.verification).await
}

async fn check(api: &Api, job: &Job, work: &Submitted, verification: &Value) -> Result<()> {
    ensure!(verification["status"] == "final", "status {}, failure {}", verification["status"], verification["failure"]);
    ensure!(verification["verdict"] == job.verdict.as_str(), "{} instead of {}", verification["verdict"], job.verdict);
    let events = api.events(&work.verification).await?;
    let sequences: Vec<i64> = events.iter().filter_map(|event| event["sequence"].as_i64()).collect();
    ensure!(sequences == (1..=events.len() as i64).collect::<Vec<_>>(), "the timeline has gaps: {sequences:?}");
    for kind in ["verification.accepted", "verification.provisional", "verification.final"] {
        let count = events.iter().filter(|event| event["type"] == kind).count();
        ensure!(count == 1, "{kind} happened {count} times");
    }
    ensure!(events.last().is_some_and(|event| event["type"] == "verification.final"), "something followed the end");
    let content = api.get(&format!("/v1/evidence/{}/content", work.evidence)).await?.expect(200)?;
    ensure!(Sha256::digest(&content.body) == Sha256::digest(&job.bytes), "the evidence has other bytes");
    let again = patient::start(api, &job.key, &job.claim_type, &job.claim, &work.evidence).await?;
    ensure!(again == work.verification, "the key now means {again}");
    Ok(())
}

/// Exactly these verifications, one workflow each, no message left, and a chain without a break.
async fn nothing_else(stack: &Stack, tenant: &Tenant, submitted: &[Submitted]) -> Result<()> {
    let listed = tenant.api.get("/v1/verifications?limit=100").await?.expect(200)?.json();
    let listed: HashSet<&str> = listed["data"].as_array().into_iter().flatten().filter_map(|row| row["id"].as_str()).collect();
    let told: HashSet<&str> = submitted.iter().map(|work| work.verification.as_str()).collect();
    ensure!(told.len() == JOBS as usize && listed == told, "{} verifications were told, {} are there", told.len(), listed.len());

    let client = engine::client(stack).await?;
    let workflows = wait::until("every workflow in the server's list", Duration::from_secs(20), async || {
        Ok(Some(engine::workflows_of(&client, tenant.id).await?).filter(|count| *count >= JOBS as usize))
    });
    let workflows = workflows.await?;
    ensure!(workflows == JOBS as usize, "{workflows} workflows for {JOBS} verifications");

    let store = tenant::store(stack)?;
    wait::until("an empty outbox", Duration::from_secs(40), async || {
        let mut tx = store.begin_relay().await?;
        Ok((store::outbox::depth(&mut tx).await?.count == 0).then_some(()))
    })
    .await?;
    let mut tx = store.begin(tenant.id).await?;
    let report = store::audit::verify(&mut tx, tenant.id).await?;
    ensure!(report.is_whole(), "the audit chain is broken: {report:?}");
    ensure!(report.links >= i64::from(JOBS) * 3, "only {} links", report.links);
    Ok(())
}

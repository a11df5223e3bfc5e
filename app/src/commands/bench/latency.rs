//! One page from upload to provisional result on the idle stack, against the same stages called bare in this process.

use std::time::Instant;

use activities::extract::{Document, merge};
use anyhow::{Context, Result};
use domain::claim::Claim;
use domain::claim_type;
use domain::document::Classification;
use domain::id::EvidenceId;
use domain::judge::{self, EvidenceReading, JudgeInput};
use serde_json::{Value, json};

use super::report::{Report, Row};
use super::scene::{Scene, has_result, is_final, median};

/// Enough that the median is not one odd run.
const RUNS: usize = 25;

/// Measures both in turn, so that a busy minute of the machine hits both.
pub async fn measure(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    let photo = std::fs::read(scene.samples.join("receipt-photo.jpg")).context("read the photo of a receipt")?;
    let claim = json!({ "merchant": "Warung Senja", "date": "2018-03-30", "total": { "amount": "30.20", "currency": "MYR" } });
    let (mut uploads, mut through, mut bare, mut ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // One run before the count: connections and the sticky workflow cache of a working day are warm.
    for run in 0..=RUNS {
        // A comment behind the end of the image makes another file of the same picture, which no cache knows.
        let mut bytes = photo.clone();
        bytes.extend_from_slice(format!("{}", uuid::Uuid::now_v7()).as_bytes());
        let file = scene.scratch.join("receipt.jpg");
        std::fs::write(&file, bytes).context("write a receipt")?;

        let began = Instant::now();
        let evidence = scene.client.upload(&file).await?;
        let upload = began.elapsed().as_secs_f64();
        let started = scene.client.start(&uuid::Uuid::now_v7().to_string(), "expense_receipt", &claim, &[evidence]).await?;
        let id = started["id"].as_str().context("the answer has no id")?.to_owned();
        scene.until(&id, has_result).await?;
        let seconds = began.elapsed().as_secs_f64();
        scene.until(&id, is_final).await?;

        let began = Instant::now();
        tokio::task::block_in_place(|| stages(scene, &file, &claim))?;
        if run > 0 {
            uploads.push(upload);
            through.push(seconds);
            bare.push(began.elapsed().as_secs_f64());
            ids.push(id);
        }
    }
    let (p50, bare) = (median(through), median(bare));
    report.add(Row::at_most("latency: one-page receipt, upload to provisional, p50", p50, "s", 2.5));
    report.add(Row::known("latency: of that, the upload, p50", median(uploads), "s"));
    report.add(Row::known("latency: the same stages bare in one process, p50", bare, "s"));
    report.add(Row::at_most("latency: upload to provisional by the stages bare", p50 / bare, "", 1.3));
    price(scene, &ids, report).await
}

/// History events and commits of what was just measured.
async fn price(scene: &Scene<'_>, ids: &[String], report: &mut Report) -> Result<()> {
    let mut events = 0;
    for id in ids {
        events = events.max(scene.history(id).await?.events);
    }
    report.add(Row::at_most("price: history events of a one-page verification, most", events.into(), "", 60.0));
    let text = scene.scratch.join("receipt.txt");
    let count = 10;
    let mut evidence = Vec::new();
    for number in 0..count {
        std::fs::write(&text, super::documents::receipt(number)).context("write a receipt")?;
        evidence.push(scene.client.upload(&text).await?);
    }
    let before = scene.commits().await?;
    for file in evidence {
        let claim = super::documents::receipt_claim();
        let started = scene.client.start(&uuid::Uuid::now_v7().to_string(), "expense_receipt", &claim, &[file]).await?;
        scene.until(started["id"].as_str().context("the answer has no id")?, is_final).await?;
    }
    let commits = (scene.commits().await? - before) / f64::from(count);
    report.add(Row::at_most("price: own commits of a verification", commits, "", 8.0));
    Ok(())
}

/// Prepare, read, classify, extract and judge, with nothing between them.
fn stages(scene: &Scene<'_>, file: &std::path::Path, claim: &Value) -> Result<()> {
    let claim_type = claim_type::find("expense_receipt").context("the claim type is built in")?;
    let claim = Claim::parse(&claim_type, claim).map_err(|faults| anyhow::anyhow!("the claim has {} faults", faults.len()))?;
    let evidence_id = EvidenceId::new();
    let pages = scene.reader.read(file).map_err(anyhow::Error::msg)?;
    let (kind, score) = scene.classifier.classify(&pages);
    let findings = merge([scene.extractor.extract(&claim_type, &Document { evidence_id, kind, pages: &pages })]);
    let reading = EvidenceReading { evidence_id, pages_total: 1, blank_pages: Vec::new(), blockers: Vec::new() };
    let judgement = judge::judge(&JudgeInput {
        claim_type: &claim_type,
        claim: &claim,
        classifications: &[Classification { evidence_id, kind, score }],
        findings: &findings,
        reading: &[reading],
        calibration: activities::calibration::shipped().map(|release| &release.fields),
    });
    anyhow::ensure!(!judgement.checks.is_empty(), "the stages found nothing to judge");
    Ok(())
}

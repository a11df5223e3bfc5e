//! What a page costs in files of 1 to 1,000 pages, and whether a long scan comes to its end.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::documents::{invoice_claim, receipt_claim, scanned_pdf, text_pdf};
use super::report::{Report, Row};
use super::scene::{Scene, has_result, median};

/// Pages of the text PDFs, and how many of each are measured: short ones vary more.
const SIZES: [(usize, usize); 4] = [(1, 9), (10, 5), (100, 3), (1_000, 1)];
/// Between the cheapest and the dearest page by the ledger, fixed cost included. The clock has no bar: of a short file it shows mostly the way
/// through the engine.
const FLAT: f64 = 1.25;
/// Pages of the scan.
const SCANNED: usize = 200;

/// Measures from the start of the verification to its provisional result; the upload is left out.
pub async fn measure(scene: &Scene<'_>, full: bool, report: &mut Report) -> Result<()> {
    // One before the count, so that no figure pays for what wakes up.
    verify(scene, "long.pdf", &text_pdf(1), "invoice", &invoice_claim()).await?;
    let (mut sizes, mut charged) = (Vec::new(), Vec::new());
    for (pages, times) in SIZES {
        let (mut runs, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..times {
            let run = verify(scene, "long.pdf", &text_pdf(pages), "invoice", &invoice_claim()).await?;
            runs.push(run.seconds);
            costs.push(run.cpu_seconds);
        }
        let (seconds, cpu_seconds) = (median(runs), median(costs));
        report.add(Row::known(
            format!("pages: text PDF of {pages}, CPU time in the ledger per page"),
            1_000.0 * cpu_seconds / pages as f64,
            "ms",
        ));
        charged.push(cpu_seconds / pages as f64);
        report.add(Row::known(format!("pages: text PDF of {pages}, per page"), 1_000.0 * seconds / pages as f64, "ms"));
        sizes.push((pages as f64, seconds));
    }
    report.add(Row::at_most("pages: dearest to cheapest page at 1, 10, 100 and 1,000 by the ledger", spread(&charged), "", FLAT));
    // What one page more costs, between neighbouring sizes: the fixed cost drops out without being guessed.
    let marginal: Vec<f64> = sizes.windows(2).filter_map(|pair| slope(pair.first()?, pair.get(1)?)).collect();
    for (pair, seconds) in sizes.windows(2).zip(&marginal) {
        let [(from, _), (to, _)] = pair else { continue };
        report.add(Row::known(format!("pages: one page more, from {from} to {to}"), 1_000.0 * seconds, "ms"));
    }
    if full {
        let photo = std::fs::read(scene.samples.join("receipt-photo.jpg")).context("read the photo of a receipt")?;
        let (width, height) = dimensions(&photo).context("the photo is not a JPEG")?;
        let run = verify(scene, "scan.pdf", &scanned_pdf(&photo, width, height, SCANNED), "expense_receipt", &receipt_claim()).await?;
        report.add(Row::known(format!("pages: scanned PDF of {SCANNED}, to its provisional result"), run.seconds, "s"));
    }
    Ok(())
}

/// What one verification took.
struct Run {
    /// By the clock: it hides work that went on side by side.
    seconds: f64,
    /// As the tenant is told: the work of all stages.
    cpu_seconds: f64,
}

async fn verify(scene: &Scene<'_>, name: &str, bytes: &[u8], claim_type: &str, claim: &serde_json::Value) -> Result<Run> {
    let file = scene.scratch.join(Path::new(name));
    std::fs::write(&file, bytes).with_context(|| format!("write {name}"))?;
    let evidence = scene.client.upload(&file).await?;
    let began = Instant::now();
    let started = scene.client.start(&uuid::Uuid::now_v7().to_string(), claim_type, claim, &[evidence]).await?;
    let verification = scene.until(started["id"].as_str().context("the answer has no id")?, has_result).await?;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("bench: {name}: {}", verification["verdict"]);
    let cpu_seconds = verification["cost"]["cpu_seconds"].as_f64().context("the answer has no cost")?;
    Ok(Run { seconds, cpu_seconds })
}

fn slope(from: &(f64, f64), to: &(f64, f64)) -> Option<f64> {
    (to.0 > from.0).then(|| (to.1 - from.1) / (to.0 - from.0))
}

/// The largest by the smallest.
fn spread(figures: &[f64]) -> f64 {
    let largest = figures.iter().copied().fold(f64::MIN, f64::max);
    largest / figures.iter().copied().fold(f64::MAX, f64::min)
}

/// Width and height from the frame header of a JPEG (ITU T.81, B.2.2).
fn dimensions(jpeg: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker, high, low] = *jpeg.get(at..at + 4)? else { return None };
        if matches!(marker, 0xc0..=0xc2) {
            let [h1, h0, w1, w0] = *jpeg.get(at + 5..at + 9)? else { return None };
            return Some((u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0]))));
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}

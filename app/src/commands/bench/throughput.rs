//! Verifications of short texts per second, against empty workflows of as many activities per second on the same server.

use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};

use super::documents::{receipt, receipt_claim};
use super::empty::{self, Steps};
use super::report::{Report, Row};
use super::scene::{Scene, is_final, median};

/// Of each kind.
const COUNT: u32 = 120;
/// In flight at a time.
const AT_A_TIME: usize = 16;

/// Each kind so many times, in turn, because a machine that others share is not equally fast all the time.
const ROUNDS: u32 = 5;

/// Measures the kinds in turn. The ratio is the median of the rounds' ratios.
pub async fn measure(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    // One verification says how many activities there are, and wakes what sleeps.
    let activities = scene.history(&verify(scene, upload(scene, 0).await?).await?).await?.activities;
    let (mut ours, mut bare, mut dispatched) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(empty::per_second(&scene.temporal, Steps { activities, eager: true }, COUNT, AT_A_TIME).await?);
        ours.push(per_second(scene).await?);
        dispatched.push(empty::per_second(&scene.temporal, Steps { activities, eager: false }, COUNT, AT_A_TIME).await?);
    }
    let ratio = median(ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect());
    report.add(Row::known("throughput: verifications of a short text", median(ours), "per s"));
    report.add(Row::known(format!("throughput: empty workflows of {activities} activities"), median(bare), "per s"));
    report.add(Row::known("throughput: the same, each activity through the task queue", median(dispatched), "per s"));
    report.add(Row::at_least("throughput: verifications by empty workflows", ratio, "", 0.6));
    Ok(())
}

async fn per_second(scene: &Scene<'_>) -> Result<f64> {
    let mut evidence = Vec::new();
    for number in 0..COUNT {
        evidence.push(upload(scene, number).await?);
    }
    let began = Instant::now();
    futures::stream::iter(evidence.into_iter().map(|file| verify(scene, file))).buffer_unordered(AT_A_TIME).try_collect::<Vec<_>>().await?;
    Ok(f64::from(COUNT) / began.elapsed().as_secs_f64())
}

/// A text that nobody has seen before.
async fn upload(scene: &Scene<'_>, number: u32) -> Result<String> {
    let file = scene.scratch.join("receipt.txt");
    std::fs::write(&file, receipt(number)).context("write a receipt")?;
    scene.client.upload(&file).await
}

/// To the final result; gives the id.
async fn verify(scene: &Scene<'_>, evidence: String) -> Result<String> {
    let started = scene.client.start(&uuid::Uuid::now_v7().to_string(), "expense_receipt", &receipt_claim(), &[evidence]).await?;
    let id = started["id"].as_str().context("the answer has no id")?;
    scene.until(id, is_final).await?;
    Ok(id.to_owned())
}

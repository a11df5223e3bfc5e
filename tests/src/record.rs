//! Recorded histories: where they lie, how they are written and read, and how new ones are made.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use temporalio_common::protos::temporal::api::history::v1::{History, HistoryEvent};

use crate::path::Path as DeliveryPath;
use crate::scenario::Scenario;
use crate::scripted::Engine;

/// Enough for every run of a recording.
const CACHED: usize = 100;

/// The folder of the histories of the workflow `verification.v1`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/verification")
}

/// The folder of the histories of the workflow `delivery.v1`.
pub fn delivery_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/delivery")
}

/// Every recorded history of a verification, by name.
pub fn read_all() -> Result<Vec<(String, History)>> {
    read_folder(&folder())
}

/// Every recorded history of a delivery, by name.
pub fn read_deliveries() -> Result<Vec<(String, History)>> {
    read_folder(&delivery_folder())
}

fn read_folder(folder: &Path) -> Result<Vec<(String, History)>> {
    let mut histories = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        histories.push((name, read(&path)?));
    }
    histories.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(histories)
}

fn read(path: &Path) -> Result<History> {
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let Recorded { events } = serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))?;
    Ok(History { events })
}

#[derive(Deserialize)]
struct Recorded {
    events: Vec<HistoryEvent>,
}

/// Plays a scenario on a real server, and writes down its history.
pub async fn record(engine: &Engine, scenario: &Scenario) -> Result<PathBuf> {
    let queue = format!("record-{}", scenario.name);
    let worker = engine.workflow_worker(&queue, CACHED).await?;
    let run = scenario.begin(engine, &queue, false).await?;
    let result = scenario.play(&run).await?;
    scenario.check(&run, &result)?;
    let events = run.events().await?;
    worker.stop().await?;
    write(&folder(), scenario.name, &events)
}

/// Goes a path of a delivery on a real server, and writes down its history.
pub async fn record_delivery(engine: &Engine, path: &DeliveryPath) -> Result<PathBuf> {
    let queue = format!("record-{}", path.name);
    let worker = engine.workflow_worker(&queue, CACHED).await?;
    let events = path.go(engine, &queue).await?.events().await?;
    worker.stop().await?;
    write(&delivery_folder(), path.name, &events)
}

/// One event a line.
fn write(folder: &Path, name: &str, events: &[HistoryEvent]) -> Result<PathBuf> {
    let lines: Vec<String> = events.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, format!("{{\"events\":[\n{}\n]}}\n", lines.join(",\n"))).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

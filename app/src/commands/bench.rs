//! `assay bench`: measures what Assay promises, on a stack of its own, and holds each figure against its bar.

mod documents;
mod empty;
mod latency;
mod machine;
mod memory;
mod pages;
pub mod report;
mod scene;
mod throughput;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::stack::{Stack, StackOptions};

use report::{Report, Row};
use scene::Scene;

/// Options of `assay bench`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Only measurements whose name contains one of these: start, latency, throughput, pages, memory
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Also read a scanned PDF of 200 pages, which takes minutes
    #[arg(long)]
    pub full: bool,
    /// Write the figures as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Folder of the samples
    #[arg(long, default_value = "samples")]
    pub samples: PathBuf,
    /// Folder of data, logs and secrets
    #[arg(long, default_value = ".assay/bench")]
    pub folder: PathBuf,
}

/// Measures one after the other, so that none disturbs another. Fails if a bar is missed.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let wanted = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| name.contains(only.as_str()));
    let mut report = Report::new();
    let options = || StackOptions { notify: Arc::new(|sentence| eprintln!("bench: {sentence}")), ..StackOptions::new(&arguments.folder) };
    // The first start may make databases; the second is what a working day sees.
    Stack::start(options()).await?.stop().await?;
    let began = Instant::now();
    let stack = Stack::start(options()).await?;
    if wanted("start") {
        report.add(Row::at_most("start: everything ready, warm", began.elapsed().as_secs_f64(), "s", 15.0));
    }
    let measured = measure(&stack, &arguments, wanted, &mut report).await;
    stack.stop().await?;
    report.close();
    // What was measured before a fault is shown all the same.
    print!("{report}");
    if let Some(file) = &arguments.json {
        std::fs::write(file, report.json()).with_context(|| format!("write {}", file.display()))?;
    }
    measured?;
    Ok(if report.all_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(stack: &Stack, arguments: &Arguments, wanted: impl Fn(&str) -> bool, report: &mut Report) -> Result<()> {
    if wanted("memory") {
        memory::measure(stack, report).await?;
    }
    let scene = Scene::set(stack, &arguments.samples).await?;
    if wanted("latency") {
        latency::measure(&scene, report).await?;
    }
    if wanted("throughput") {
        throughput::measure(&scene, report).await?;
    }
    if wanted("pages") {
        pages::measure(&scene, arguments.full, report).await?;
    }
    Ok(())
}

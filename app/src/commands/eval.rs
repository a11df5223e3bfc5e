//! `assay eval`: says how often fields are read right on a folder of labelled documents.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use activities::eval::{self, Engines, EvalOptions};
use activities::reading::{Reader, Sandbox};
use anyhow::{Context, Result};
use domain::clock::{Clock, SystemClock};

/// Options of `assay eval`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Folder of documents with their labels: receipts, invoices, forms or contracts
    #[arg(long)]
    pub data: PathBuf,
    /// Write the report as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Only so many documents, in the order of their names
    #[arg(long)]
    pub limit: Option<usize>,
    /// Seed of the folds and of the bootstrap
    #[arg(long)]
    pub seed: Option<u64>,
    /// Keep the words of each file here between runs, so that only what changed is read again
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
}

/// Runs the stages over the folder and prints the report.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut options = EvalOptions::new(arguments.data, SystemClock.now());
    options.json = arguments.json;
    options.limit = arguments.limit;
    options.cache = arguments.cache;
    options.seed = arguments.seed.unwrap_or(options.seed);
    let sandbox = Arc::new(Sandbox::of_this_program().context("find my own program")?);
    let reader = Arc::new(Reader::start(options.threads).context("start Tesseract; `make setup` installs it")?);
    eprintln!("eval: reading {} on {} threads", options.data.display(), options.threads);
    let report = eval::run(options, Engines::of_workers(sandbox, reader)).await?;
    println!("{report}");
    Ok(ExitCode::SUCCESS)
}

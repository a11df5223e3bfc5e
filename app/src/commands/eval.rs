//! `assay eval`: says how often fields are read right on a folder of labelled documents.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use activities::eval::{self, Engines, EvalOptions, FileReader};
use activities::reading::{Reader, Sandbox};
use anyhow::{Context, Result};
use domain::block::PageWords;
use domain::clock::{Clock, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};

/// In a pipe, one line for as many files.
const FILES_A_LINE: u64 = 50;

/// Options of `assay eval`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Folder of documents with their labels: receipts, invoices, forms or contracts
    #[arg(long)]
    pub data: PathBuf,
    /// Write the report as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the reliability picture, as SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Only so many documents, in the order of their names
    #[arg(long)]
    pub limit: Option<usize>,
    /// Seed of the generated claims, the folds and the bootstrap
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
    options.svg = arguments.svg;
    options.limit = arguments.limit;
    options.cache = arguments.cache;
    options.seed = arguments.seed.unwrap_or(options.seed);
    let (engines, progress) = engines(&options, "eval")?;
    let report = eval::run(options, engines).await;
    progress.finish_and_clear();
    println!("{}", report?);
    Ok(ExitCode::SUCCESS)
}

/// The engines of the workers, with a reader that shows how far it is. Called on the runtime that waits for it.
pub(crate) fn engines(options: &EvalOptions, command: &'static str) -> Result<(Engines, ProgressBar)> {
    let sandbox = Arc::new(Sandbox::of_this_program().context("find my own program")?);
    let reader = Arc::new(Reader::start(options.threads, None).context("start Tesseract; `make setup` installs it")?);
    eprintln!("{command}: reading {} on {} threads", options.data.display(), options.threads);
    let mut engines = Engines::of_workers(sandbox, reader);
    let progress = progress();
    engines.reader = Arc::new(Counted { reader: engines.reader, progress: progress.clone(), command });
    Ok((engines, progress))
}

/// A reader that shows how many files it has read.
struct Counted {
    reader: Arc<dyn FileReader>,
    progress: ProgressBar,
    command: &'static str,
}

impl FileReader for Counted {
    fn name(&self) -> String {
        self.reader.name()
    }

    fn read(&self, file: &Path) -> Result<Vec<PageWords>, String> {
        let read = self.reader.read(file);
        self.progress.inc(1);
        let files = self.progress.position();
        if !std::io::stderr().is_terminal() && files.is_multiple_of(FILES_A_LINE) {
            eprintln!("{}: {files} files read", self.command);
        }
        read
    }
}

fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos} files read ({elapsed})").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let progress = ProgressBar::new_spinner().with_style(style);
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}

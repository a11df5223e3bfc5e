//! `assay calibrate`: turns the scores of the extractor into probabilities, by what labelled documents say. For developers; nothing that serves
//! needs the data.

use std::path::PathBuf;
use std::process::ExitCode;

use activities::eval::{self, EvalOptions};
use anyhow::{Context, Result};
use domain::clock::{Clock, SystemClock};

use crate::commands::eval::engines;

/// Options of `assay calibrate`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Folder of documents with their labels: receipts or invoices
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The calibration's file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Seed of the generated claims, the folds and the bootstrap
    #[arg(long)]
    pub seed: Option<u64>,
    /// Keep the words of each file here between runs, so that only what changed is read again
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
}

/// Reads the folder, fits, and writes the file.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut options = EvalOptions::new(arguments.data, SystemClock.now());
    options.cache = arguments.cache;
    options.seed = arguments.seed.unwrap_or(options.seed);
    // What makes the same again, without the paths of this machine.
    let command = format!("assay calibrate --data DIR --out FILE --seed {}", options.seed);
    let (engines, progress) = engines(&options, "calibrate")?;
    let release = eval::calibrate(options, engines, command).await;
    progress.finish_and_clear();
    let release = release.context("fit the calibration")?;
    std::fs::write(&arguments.out, release.to_json()).with_context(|| format!("write {}", arguments.out.display()))?;
    let origin = &release.origin;
    println!("{}: {} documents of {} issuers, data {}", release.name(), origin.documents, origin.issuers, &origin.data_sha256[..12]);
    for (field, calibrators) in &release.fields {
        let cases = |calibrator: &Option<domain::calibration::Calibrator>| {
            calibrator.as_ref().map_or("too few, scores stay as they are".to_owned(), |one| format!("{:.0} documents", one.cases))
        };
        println!("{field}: supported {}; refuted {}", cases(&calibrators.supported), cases(&calibrators.refuted));
    }
    println!("wrote {}", arguments.out.display());
    Ok(ExitCode::SUCCESS)
}

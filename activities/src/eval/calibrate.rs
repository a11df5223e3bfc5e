//! Makes a calibration from a labelled folder: fitted on all its documents, with the figures that the same fitting has on
//! issuers it never saw.

use std::path::Path;

use domain::calibration::{Origin, Release};
use sha2::{Digest, Sha256};

use crate::eval::{Engines, Error, EvalOptions, Measured, Set, measure};

/// Fits calibrators to the folder. `command` makes the same again, and is kept with them.
pub async fn calibrate(options: EvalOptions, engines: Engines, command: String) -> Result<Release, Error> {
    tokio::task::spawn_blocking(move || make(&options, &engines, command)).await.map_err(|_| Error::Worker)?
}

fn make(options: &EvalOptions, engines: &Engines, command: String) -> Result<Release, Error> {
    let Measured { report, set, fitted } = measure(options, engines)?;
    let (Some(fitted), Some(claims)) = (fitted, &report.claims) else {
        return Err(Error::NothingClaimed { folder: options.data.clone() });
    };
    let figures = serde_json::json!({
        "at_default_thresholds": claims.at_default,
        "confidence": claims.confidence.iter().filter(|row| row.verdict == "both").collect::<Vec<_>>(),
    });
    let origin = Origin {
        command,
        date: options.at.format("%Y-%m-%d").to_string(),
        data_sha256: data_hash(&set).map_err(|source| Error::Folder { folder: options.data.clone(), source })?,
        documents: report.documents.n,
        issuers: report.documents.issuers,
        reader: report.engines.read.clone(),
        seed: options.seed,
        folds: options.folds,
        figures,
    };
    Ok(Release::sealed(set.shape.claim_type(), engines.extractor.name(), fitted.whole, origin))
}

/// SHA-256 over the names and hashes of the documents and their labels, in the order of the names.
fn data_hash(set: &Set) -> std::io::Result<String> {
    let mut all = Sha256::new();
    for item in &set.items {
        for file in [item.file.clone(), item.file.with_extension("json"), item.file.with_extension("lines.csv")] {
            let bytes = match std::fs::read(&file) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            all.update(name(&file).as_bytes());
            all.update(b"\0");
            all.update(Sha256::digest(&bytes));
        }
    }
    Ok(hex::encode(all.finalize()))
}

fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

//! The bundled samples and what their manifest says of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// One sample, with its files found.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub files: Vec<PathBuf>,
    pub claim_type: String,
    pub claim: Value,
    pub expect: Expected,
}

/// What must come out.
#[derive(Debug, Clone)]
pub enum Expected {
    Verdict(ExpectedVerdict),
    /// The upload is refused.
    Http(ExpectedRefusal),
}

#[derive(Debug, Clone, Deserialize)]
pub struct ExpectedVerdict {
    pub status: String,
    pub verdict: String,
    pub fields: BTreeMap<String, ExpectedField>,
    /// Kinds that must be met somewhere in the result.
    #[serde(default)]
    pub blockers: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ExpectedField {
    pub verdict: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ExpectedRefusal {
    pub status: u16,
    pub code: String,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    files: Vec<String>,
    claim_type: String,
    claim: Value,
    expect: Value,
}

/// Reads the manifest of a folder of samples.
pub fn read(folder: &Path, only: Option<&str>) -> Result<Vec<Sample>> {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("read {}; run the demo from the repository, or name its folder with --samples", path.display()))?;
    let entries: Vec<Entry> = serde_json::from_str(&text).with_context(|| format!("{} is not a manifest", path.display()))?;
    let samples: Vec<Sample> = entries
        .into_iter()
        .filter(|entry| only.is_none_or(|part| entry.name.contains(part)))
        .map(|entry| {
            let expect = expected(entry.expect).with_context(|| format!("sample {}", entry.name))?;
            let files = entry.files.iter().map(|file| folder.join(file)).collect();
            Ok(Sample { name: entry.name, files, claim_type: entry.claim_type, claim: entry.claim, expect })
        })
        .collect::<Result<_>>()?;
    ensure!(!samples.is_empty(), "no sample is called so");
    Ok(samples)
}

fn expected(raw: Value) -> Result<Expected> {
    Ok(match raw.get("http") {
        Some(refusal) => Expected::Http(serde_json::from_value(refusal.clone())?),
        None => Expected::Verdict(serde_json::from_value(raw)?),
    })
}

//! Eval: runs read, classify and extract over a labelled folder and says how often they are right. Works on development data; no service runs it.

mod alike;
mod calibrate;
mod claims;
mod gold;
mod pipeline;
mod report;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::block::PageWords;
use domain::calibration::{Case, Release};
use domain::claim_type::{self, ClaimType};
use domain::document::{Classification, DocumentKind};
use domain::id::EvidenceId;

use crate::classify::Classifier;
use crate::extract::{Document, Extractor};

use claims::Understood;

pub use calibrate::calibrate;
pub use claims::ClaimsReport;
pub use gold::{Item, Set, Shape};
pub use pipeline::Pipeline;
pub use report::{FieldReport, Report};

/// Reads a file into words; the pipeline's own reader, or a scripted one in tests.
pub trait FileReader: Send + Sync {
    /// Engine, version and settings: whatever changes the words. Names the cache's folder.
    fn name(&self) -> String;
    /// The pages of a file, or why it cannot be read.
    fn read(&self, file: &Path) -> Result<Vec<PageWords>, String>;
}

/// What to evaluate, and how.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// Labelled folder: receipts, forms, contracts or invoices.
    pub data: PathBuf,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
    /// Where to draw the reliability picture.
    pub svg: Option<PathBuf>,
    /// Only so many documents, in the order of their names; all when absent.
    pub limit: Option<usize>,
    /// Folds whose issuers are disjoint, for thresholds chosen on some issuers and tried on others.
    pub folds: usize,
    /// Rounds of the bootstrap over issuers.
    pub rounds: usize,
    /// Seed of folds and bootstrap, printed with the report.
    pub seed: u64,
    /// Folder that keeps the words of each file between runs; nothing is kept when absent.
    pub cache: Option<PathBuf>,
    /// Documents worked on at the same time.
    pub threads: usize,
    /// The time that the report carries.
    pub at: DateTime<Utc>,
}

impl EvalOptions {
    /// The usual settings for a folder.
    pub fn new(data: PathBuf, at: DateTime<Utc>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { data, json: None, svg: None, limit: None, folds: 5, rounds: 1000, seed: 20_180_330, cache: None, threads, at }
    }
}

/// The engines under evaluation.
#[derive(Clone)]
pub struct Engines {
    pub reader: Arc<dyn FileReader>,
    pub classifier: Arc<dyn Classifier>,
    pub extractor: Arc<dyn Extractor>,
}

/// Why an evaluation stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read the folder {folder}")]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("{folder} holds no documents with labels that this evaluation knows (receipts, forms, contracts, invoices)")]
    NothingLabelled { folder: PathBuf },
    #[error("write the report to {file}")]
    Report { file: PathBuf, source: std::io::Error },
    #[error("{folder} has no labels for the fields of a claim type, so there is nothing to calibrate")]
    NothingClaimed { folder: PathBuf },
    #[error("a worker of the evaluation stopped")]
    Worker,
}

/// What the stages said about one document.
#[derive(Debug)]
struct Outcome {
    kind: Option<DocumentKind>,
    fields: BTreeMap<String, Case>,
    /// For claims; none where the set has no claim type.
    understood: Option<Understood>,
    took: Took,
}

/// Time spent in each stage.
#[derive(Debug, Clone, Copy, Default)]
struct Took {
    read: Duration,
    classify: Duration,
    extract: Duration,
    from_cache: bool,
}

/// Runs the stages over the folder and measures them. Reading uses threads of its own, off the runtime.
pub async fn run(options: EvalOptions, engines: Engines) -> Result<Report, Error> {
    tokio::task::spawn_blocking(move || evaluate(&options, &engines)).await.map_err(|_| Error::Worker)?
}

fn evaluate(options: &EvalOptions, engines: &Engines) -> Result<Report, Error> {
    let Measured { report, .. } = measure(options, engines)?;
    let write = |file: &Option<PathBuf>, text: &dyn Fn() -> String| match file {
        Some(file) => std::fs::write(file, text()).map_err(|source| Error::Report { file: file.clone(), source }),
        None => Ok(()),
    };
    write(&options.json, &|| serde_json::to_string_pretty(&report).unwrap_or_default() + "\n")?;
    write(&options.svg, &|| report.claims.as_ref().map(claims::picture).unwrap_or_default())?;
    Ok(report)
}

/// The report, and what calibration goes on with.
struct Measured {
    report: Report,
    set: Set,
    fitted: Option<claims::Fitted>,
}

fn measure(options: &EvalOptions, engines: &Engines) -> Result<Measured, Error> {
    let mut set = gold::load(&options.data)?;
    if let Some(limit) = options.limit {
        set.items.truncate(limit);
    }
    let claim_type = claim_type::find(set.shape.claim_type());
    let mut outcomes = work(&set, claim_type.as_ref(), options, engines);
    let mut report = report::build(&set, claim_type.as_ref(), &outcomes, options, engines);
    let fitted = claim_type.map(|claim_type| {
        let understood: Vec<Option<Understood>> = outcomes.iter_mut().map(|outcome| outcome.as_mut()?.understood.take()).collect();
        let claims = claims::make(&set, options.seed);
        let release = applies(&claim_type, engines.extractor.name());
        let (told, fitted) = claims::report(&set, &understood, &claims, &claim_type, release, options);
        report.claims = Some(told);
        fitted
    });
    Ok(Measured { report, set, fitted })
}

/// The calibration that this program ships, where it is of these scores.
fn applies(claim_type: &ClaimType, extractor: &str) -> Option<&'static Release> {
    crate::calibration::shipped().filter(|release| release.fields_for(&claim_type.name, extractor).is_some())
}

/// Each thread takes the next document until none is left; the outcomes come back in the order of the set.
fn work(set: &Set, claim_type: Option<&ClaimType>, options: &EvalOptions, engines: &Engines) -> Vec<Option<Outcome>> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    outcomes.resize_with(set.items.len(), || None);
    std::thread::scope(|scope| {
        let take = || {
            let mut mine = Vec::new();
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(item) = set.items.get(index) else { return mine };
                mine.push((index, document(item, claim_type, options, engines)));
            }
        };
        let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(take)).collect();
        for (index, outcome) in threads.into_iter().filter_map(|thread| thread.join().ok()).flatten() {
            if let Some(place) = outcomes.get_mut(index) {
                *place = outcome;
            }
        }
    });
    outcomes
}

/// Read, classify, extract, compare. `None` when the file could not be read.
fn document(item: &Item, claim_type: Option<&ClaimType>, options: &EvalOptions, engines: &Engines) -> Option<Outcome> {
    let start = Instant::now();
    let (pages, from_cache) = words::read(options.cache.as_deref(), engines.reader.as_ref(), &item.file)?;
    let read = start.elapsed();
    let start = Instant::now();
    let (kind, score) = engines.classifier.classify(&pages);
    let classification = Classification { evidence_id: EvidenceId::new(), kind, score };
    let classify = start.elapsed();
    let start = Instant::now();
    let document = Document { evidence_id: classification.evidence_id, kind, pages: &pages };
    let findings = claim_type.map(|claim_type| engines.extractor.extract(claim_type, &document));
    let extract = start.elapsed();
    let fields = item
        .gold
        .iter()
        .map(|(field, gold)| {
            let best = findings.as_ref().and_then(|findings| findings.get(field)).and_then(|found| found.first());
            let right = best.is_some_and(|best| gold.is(&best.value));
            (field.clone(), Case { group: item.group, score: best.map(|best| best.score), right, weight: 1.0 })
        })
        .collect();
    let understood = claim_type.zip(findings).map(|(claim_type, findings)| {
        let blanked = claims::without_values(engines.extractor.as_ref(), claim_type, item, &classification, &findings, &pages);
        Understood { classification, findings, blanked }
    });
    Some(Outcome { kind: Some(kind), fields, understood, took: Took { read, classify, extract, from_cache } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::RulesClassifier;
    use crate::extract::RulesExtractor;
    use crate::extract::testing::page;

    /// Reads a text file as a page laid out by a typewriter; refuses files that say so.
    struct Typed;

    impl FileReader for Typed {
        fn name(&self) -> String {
            "typed@1".to_owned()
        }

        fn read(&self, file: &Path) -> Result<Vec<PageWords>, String> {
            let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
            if text == "unreadable" {
                return Err(text);
            }
            Ok(vec![page(&text.lines().collect::<Vec<_>>())])
        }
    }

    fn engines() -> Engines {
        Engines { reader: Arc::new(Typed), classifier: Arc::new(RulesClassifier), extractor: Arc::new(RulesExtractor) }
    }

    fn receipt(folder: &Path, name: &str, total: &str, text: &str) {
        let label = serde_json::json!({ "company": "PETAL & ROOT SDN BHD", "date": "30/03/2018", "total": total, "issuer_group": name });
        std::fs::write(folder.join(format!("{name}.json")), label.to_string()).unwrap();
        std::fs::write(folder.join(format!("{name}.jpg")), text).unwrap();
    }

    #[tokio::test]
    async fn a_folder_is_counted_right_wrong_and_insufficient() {
        let folder = std::env::temp_dir().join(format!("assay-eval-run-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = "PETAL & ROOT SDN BHD\nDATE: 30/03/2018\nFERN          9.00\nTOTAL          RM 9.00\nCASH          RM 10.00\nCHANGE          RM 1.00";
        receipt(&folder, "A", "9.00", text);
        receipt(&folder, "B", "RM8.00", text);
        receipt(&folder, "C", "9.00", "unreadable");
        let options = EvalOptions {
            json: Some(folder.join("report")),
            svg: Some(folder.join("picture")),
            rounds: 50,
            ..EvalOptions::new(folder.clone(), DateTime::UNIX_EPOCH)
        };
        let report = run(options, engines()).await.unwrap();
        let total = &report.fields["total"];
        assert_eq!((total.n, total.found, total.right, total.wrong, total.insufficient), (3, 2, 1, 1, 1));
        let date = &report.fields["date"];
        assert_eq!((date.n, date.right, date.insufficient), (3, 2, 1));
        assert_eq!((report.documents.issuers, report.documents.unreadable, report.classify.right), (3, 1, 2));
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("report")).unwrap()).unwrap();
        for key in ["n", "found", "right", "wrong", "insufficient", "coverage_at_99", "ece"] {
            assert!(json["fields"]["total"][key].is_number(), "{key}");
        }
        let claims = &json["claims"];
        assert!(claims["claims"].as_u64().unwrap() > 10);
        assert!(claims["at_default"]["false_support"]["rate"].is_number());
        assert!(report.to_string().contains("total") && report.to_string().contains("near-false: one digit"));
        assert!(std::fs::read_to_string(folder.join("picture")).unwrap().starts_with("<svg"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

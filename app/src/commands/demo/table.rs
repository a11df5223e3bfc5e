//! The table that the demo prints: what came out of each sample, and where that differs from its manifest.

use std::fmt::Write;

use serde_json::Value;

use super::samples::{Expected, Sample};
use crate::client::Refused;
use crate::commands::verify::text;

/// One sample's line.
#[derive(Debug, Clone)]
pub struct Row {
    pub sample: String,
    pub verdict: String,
    pub fields: String,
    pub confidence: String,
    pub blockers: String,
    pub expected: String,
    pub seconds: f64,
    /// What came out otherwise than expected.
    pub surprises: Vec<String>,
}

impl Row {
    pub fn verified(sample: &Sample, verification: &Value, seconds: f64) -> Self {
        let result = if verification["final"].is_null() { &verification["provisional"] } else { &verification["final"] };
        let checks: Vec<&Value> = result["checks"].as_array().into_iter().flatten().collect();
        let fields =
            checks.iter().map(|check| format!("{} {}", text(check, "field"), mark(text(check, "verdict")))).collect::<Vec<_>>().join(", ");
        let kinds = blocker_kinds(result);
        let mut surprises = Vec::new();
        match &sample.expect {
            Expected::Http(refusal) => surprises.push(format!("expected the upload to be refused with {}", refusal.code)),
            Expected::Verdict(expected) => {
                let mut compare = |what: &str, expected: &str, got: &str| {
                    if expected != got {
                        surprises.push(format!("{what}: expected {expected}, got {got}"));
                    }
                };
                compare("status", &expected.status, text(verification, "status"));
                compare("verdict", &expected.verdict, text(verification, "verdict"));
                for (field, expected) in &expected.fields {
                    let got = checks.iter().find(|check| text(check, "field") == field).map_or("no check", |check| text(check, "verdict"));
                    compare(field, &expected.verdict, got);
                }
                surprises
                    .extend(expected.blockers.iter().filter(|kind| !kinds.contains(kind)).map(|kind| format!("blocker {kind} is missing")));
            }
        }
        Self {
            sample: sample.name.clone(),
            verdict: text(verification, "verdict").to_owned(),
            fields,
            confidence: result["confidence"].as_f64().map_or_else(|| "-".to_owned(), |confidence| format!("{confidence:.2}")),
            blockers: kinds.join(" "),
            expected: expectation(sample),
            seconds,
            surprises,
        }
    }

    pub fn refused(sample: &Sample, refused: &Refused, seconds: f64) -> Self {
        let surprises = match &sample.expect {
            Expected::Http(expected) if expected.status == refused.status && expected.code == refused.code => Vec::new(),
            _ => vec![format!("refused: {refused}")],
        };
        Self::empty(sample, format!("{} {}", refused.status, refused.code), seconds, surprises)
    }

    pub fn failed(sample: &Sample, error: &anyhow::Error, seconds: f64) -> Self {
        Self::empty(sample, "error".to_owned(), seconds, vec![format!("{error:#}")])
    }

    fn empty(sample: &Sample, verdict: String, seconds: f64, surprises: Vec<String>) -> Self {
        Self {
            sample: sample.name.clone(),
            verdict,
            fields: String::new(),
            confidence: "-".to_owned(),
            blockers: String::new(),
            expected: expectation(sample),
            seconds,
            surprises,
        }
    }
}

fn expectation(sample: &Sample) -> String {
    match &sample.expect {
        Expected::Http(refusal) => format!("{} {}", refusal.status, refusal.code),
        Expected::Verdict(expected) => expected.verdict.clone(),
    }
}

/// All kinds of blockers of a result, its checks included, each once.
fn blocker_kinds(result: &Value) -> Vec<String> {
    let checks = result["checks"].as_array().into_iter().flatten();
    let lists = checks.map(|check| &check["blockers"]).chain([&result["blockers"]]);
    let mut kinds: Vec<String> = lists.filter_map(Value::as_array).flatten().map(|blocker| text(blocker, "kind").to_owned()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A verdict in one sign.
fn mark(verdict: &str) -> &'static str {
    match verdict {
        "supported" => "+",
        "refuted" => "x",
        _ => "?",
    }
}

/// The whole table; a sample that surprised is followed by why.
pub fn render(rows: &[Row]) -> String {
    let mut out = String::new();
    let width = |cell: fn(&Row) -> &str, title: &str| {
        rows.iter().map(|row| cell(row).chars().count()).chain([title.len()]).max().unwrap_or_default()
    };
    let (sample, verdict, expected, blockers) = (
        width(|row| &row.sample, "sample"),
        width(|row| &row.verdict, "verdict"),
        width(|row| &row.expected, "expected"),
        width(|row| &row.blockers, "blockers"),
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{:sample$}  {:verdict$}  {:expected$}  conf  time   {:blockers$}  fields (+ supported, x refuted, ? insufficient)",
        "sample", "verdict", "expected", "blockers"
    );
    for row in rows {
        let _ = writeln!(
            out,
            "{:sample$}  {:verdict$}  {:expected$}  {:4}  {:4.1}s  {:blockers$}  {}",
            row.sample, row.verdict, row.expected, row.confidence, row.seconds, row.blockers, row.fields
        );
        for surprise in &row.surprises {
            let _ = writeln!(out, "{:sample$}  !! {surprise}", "");
        }
    }
    out
}

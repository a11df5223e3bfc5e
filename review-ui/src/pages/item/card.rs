//! One field on a review's page: claimed beside found, who says so and how surely, and what the reviewer typed of it.

use std::collections::BTreeMap;

use domain::check::Check;
use domain::claim_type::{ClaimType, FieldSpec};
use domain::spelling;
use domain::verdict::Verdict;
use domain::verification::Outcome;
use serde_json::Value;

use super::again::{self, Again};
use super::look::Way;
use super::viewer::Viewer;
use super::{Faults, Item};
use crate::difference::{self, Piece};
use crate::words;

pub struct CheckCard {
    pub field: String,
    pub title: String,
    pub claimed: Vec<Piece>,
    pub found: Vec<Piece>,
    /// What the machine found, as one line.
    pub machine_found: String,
    /// What the input holds: what was typed, or what was found.
    pub typed_found: String,
    pub verdict: &'static str,
    pub score: String,
    pub threshold: String,
    pub below: bool,
    /// Who read it and who compared it, by name.
    pub sources: Vec<String>,
    /// Where the score and its threshold lie on a scale of a hundred.
    pub gauge: (f64, Option<f64>),
    pub blockers: Vec<String>,
    pub differs: bool,
    /// Where it shows first, and the link there.
    pub at: Option<(String, Way)>,
    /// How the value that was typed compares.
    pub again: Option<Again>,
    pub chosen: String,
    pub reason: String,
    pub needs_a_person: bool,
    /// Nothing is wanted here: shown as one line, and opened by who sees it differently.
    pub folded: bool,
    pub fault_verdict: Option<String>,
    pub fault_found: Option<String>,
    pub fault_reason: Option<String>,
}

/// The cards of all fields.
pub fn cards(item: &Item, claim_type: Option<&ClaimType>, viewer: &Viewer, typed: &Value, faults: &Faults) -> Vec<CheckCard> {
    let Some(outcome) = item.machine() else { return Vec::new() };
    outcome.checks.iter().map(|check| card(item, outcome, check, claim_type, viewer, typed, faults)).collect()
}

fn card(
    item: &Item,
    outcome: &Outcome,
    check: &Check,
    claim_type: Option<&ClaimType>,
    viewer: &Viewer,
    typed: &Value,
    faults: &Faults,
) -> CheckCard {
    let spec = claim_type.and_then(|known| known.field(&check.field));
    let typed = |what: &str| typed.get(format!("{what}.{}", check.field)).and_then(Value::as_str).map(str::to_owned);
    let fault = |what: &str| {
        let input = format!("{what}.{}", check.field);
        faults.iter().find(|(name, _)| *name == input).map(|(_, text)| text.clone())
    };
    let (claimed, found) = (spelling::show(&check.claimed), check.found.as_ref().map(spelling::show).unwrap_or_default());
    // Another spelling of the same is no difference.
    let differs = !found.is_empty() && found != claimed && check.verdict != Verdict::Supported;
    let whole = |text: &str| vec![Piece { text: text.to_owned(), only_here: false }];
    let (claimed, pieces) = if differs { difference::pieces(&claimed, &found) } else { (whole(&claimed), whole(&found)) };
    let differs = pieces.iter().chain(&claimed).any(|piece| piece.only_here);
    let threshold = spec.map(|spec| spec.threshold);
    let wanted = (viewer.look.again == check.field).then(|| found.clone());
    let said = ["verdict", "found", "reason"].into_iter().any(|what| typed(what).is_some() || fault(what).is_some());
    CheckCard {
        field: check.field.clone(),
        title: title(check, spec),
        claimed,
        found: pieces,
        typed_found: typed("found").unwrap_or_else(|| found.clone()),
        again: typed("found").or(wanted).and_then(|line| again::compared(item, claim_type, check, &line)),
        machine_found: found,
        verdict: words::verdict(check.verdict),
        score: words::percent(check.confidence),
        threshold: threshold.map(words::percent).unwrap_or_default(),
        below: threshold.is_some_and(|threshold| check.confidence < threshold),
        sources: sources(check, outcome),
        gauge: (check.confidence * 100.0, threshold.map(|threshold| threshold * 100.0)),
        blockers: check.blockers.iter().map(words::blocker).collect(),
        differs,
        at: viewer.first_place(&check.field),
        // A suggestion of the machine is shown, never chosen.
        chosen: typed("verdict").unwrap_or_default(),
        reason: typed("reason").unwrap_or_default(),
        needs_a_person: check.verdict != Verdict::Supported,
        folded: check.verdict == Verdict::Supported && !said,
        fault_verdict: fault("verdict"),
        fault_found: fault("found"),
        fault_reason: fault("reason"),
    }
}

fn title(check: &Check, spec: Option<&FieldSpec>) -> String {
    spec.map_or_else(|| words::title(&check.field), |spec| spec.title.clone())
}

/// Every hand that the value went through, by name: what it was read from and by which engine, and which rule found it.
fn sources(check: &Check, outcome: &Outcome) -> Vec<String> {
    let engine = |stage: &str| outcome.route.iter().find(|step| step.stage == stage).map(|step| step.engine.as_str());
    let by = |text: &str, stage: &str| engine(stage).map_or_else(|| text.to_owned(), |engine| format!("{text} by {engine}"));
    let mut sources: Vec<String> = check
        .sources
        .iter()
        .map(|source| match source {
            domain::block::Source::Ocr => by(words::source(source), "read"),
            domain::block::Source::Recogniser | domain::block::Source::TextLayer => words::source(source).to_owned(),
        })
        .collect();
    if sources.len() > 1 {
        sources.push("both readings agree".to_owned());
    }
    if !sources.is_empty() {
        sources.extend(engine("extract").map(|engine| format!("found by {engine}")));
    }
    sources
}

/// Without the values that were in the form before anybody typed: those that the machine found.
pub fn only_typed(mut typed: Value, checks: &[Check]) -> Value {
    let found: BTreeMap<String, String> = checks
        .iter()
        .map(|check| (format!("found.{}", check.field), check.found.as_ref().map(spelling::show).unwrap_or_default()))
        .collect();
    if let Some(inputs) = typed.as_object_mut() {
        inputs.retain(|input, value| found.get(input).is_none_or(|found| value.as_str() != Some(found)));
    }
    typed
}

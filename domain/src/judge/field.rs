//! The check of one field.

use serde_json::Value;

use crate::blocker::Blocker;
use crate::calibration::FieldCalibration;
use crate::check::Check;
use crate::claim::FieldValue;
use crate::claim_type::{FieldKind, FieldSpec};
use crate::compare::{Comparison, compare};
use crate::document::Finding;
use crate::verdict::Verdict;

/// A finding that leads by this much is not put in doubt by a weaker one that says otherwise.
const CLEAR_LEAD: f64 = 0.2;
/// Places shown of one check.
const REGIONS: usize = 3;

/// What the best finding by itself says of a claimed value, and with which score: the finding's own times the similarity where it agrees, the
/// finding's own where not. Calibrators are fitted to these scores. None without findings.
pub fn lean(claimed: &FieldValue, findings: &[Finding]) -> Option<(Verdict, f64)> {
    let best = findings.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    Some(leaning(best, compare(claimed, &best.value)))
}

fn leaning(finding: &Finding, comparison: Comparison) -> (Verdict, f64) {
    match comparison {
        Comparison::Same { similarity } => (Verdict::Supported, finding.score * similarity),
        Comparison::Different { .. } => (Verdict::Refuted, finding.score),
        Comparison::Unclear { .. } => (Verdict::Insufficient, finding.score),
    }
}

/// A finding held against the claim.
struct Weighed<'a> {
    finding: &'a Finding,
    comparison: Comparison,
    /// How sure its verdict is: a probability where it is calibrated, else the score it leans with.
    confidence: f64,
    /// What is held against the field's threshold: the same where it is calibrated, and no more than the finding's own score where it does not
    /// support; else that score.
    sureness: f64,
}

impl<'a> Weighed<'a> {
    fn new(finding: &'a Finding, claimed: &FieldValue, calibration: Option<&FieldCalibration>) -> Self {
        let comparison = compare(claimed, &finding.value);
        let (verdict, score) = leaning(finding, comparison);
        match calibration.and_then(|field| field.of(verdict)) {
            Some(calibrator) => {
                let probability = calibrator.apply(score);
                // Rubbish is like nothing that calibrators were fitted to. It rarely agrees with a claim, but always differs from it: what
                // speaks against a claim has to be believed by its extractor as well.
                let sureness = if verdict == Verdict::Supported { probability } else { probability.min(finding.score) };
                Self { finding, comparison, confidence: probability, sureness }
            }
            None => Self { finding, comparison, confidence: score, sureness: finding.score },
        }
    }

    fn is_credible(&self, spec: &FieldSpec) -> bool {
        self.sureness >= spec.threshold
    }
}

/// Holds one claimed value against what was found for it, best finding first.
///
/// Confidence is how likely the verdict is right where the field is calibrated. Elsewhere it is the score of the deciding finding, times the
/// similarity where it supports. Which finding is the best, and which come close to it, is always told by their own scores: calibration
/// says how far to believe them, not how they stand to each other.
pub(super) fn check(spec: &FieldSpec, claimed: &FieldValue, mut findings: Vec<&Finding>, calibration: Option<&FieldCalibration>) -> Check {
    if let Some(model) = needed_model(spec.kind) {
        return insufficient(spec, claimed, &[], Blocker::ModelUnavailable { model: model.to_owned() });
    }
    findings.sort_by(|a, b| b.score.total_cmp(&a.score));
    let compared: Vec<Weighed> = findings.into_iter().map(|finding| Weighed::new(finding, claimed, calibration)).collect();
    let Some(best) = compared.first() else {
        return insufficient(spec, claimed, &[], Blocker::NotFound);
    };
    if !best.is_credible(spec) {
        return insufficient(spec, claimed, &compared, Blocker::LowConfidence { score: best.sureness, threshold: spec.threshold });
    }
    let comes_close = |other: &&Weighed| other.is_credible(spec) && best.finding.score - other.finding.score < CLEAR_LEAD;
    let mut rivals = compared.iter().skip(1).filter(comes_close);
    // Two findings of almost the same score that say different things settle nothing.
    match best.comparison {
        Comparison::Same { .. } if rivals.any(|other| matches!(other.comparison, Comparison::Different { .. })) => {
            conflicting(spec, claimed, &compared)
        }
        Comparison::Different { .. } if rivals.any(|other| matches!(other.comparison, Comparison::Same { .. })) => {
            conflicting(spec, claimed, &compared)
        }
        Comparison::Same { .. } => decided(spec, claimed, &compared, Verdict::Supported, best.confidence),
        Comparison::Different { .. } => decided(spec, claimed, &compared, Verdict::Refuted, best.confidence),
        Comparison::Unclear { reason, .. } => insufficient(spec, claimed, &compared, Blocker::Ambiguous { reason: reason.to_owned() }),
    }
}

/// What settles a field in which no value is found.
pub(super) fn needed_model(kind: FieldKind) -> Option<&'static str> {
    match kind {
        FieldKind::Statement => Some("entailment"),
        FieldKind::Photo => Some("image-text"),
        FieldKind::Money
        | FieldKind::Date
        | FieldKind::Name
        | FieldKind::Identifier
        | FieldKind::Address
        | FieldKind::Quantity
        | FieldKind::Text => None,
    }
}

fn conflicting(spec: &FieldSpec, claimed: &FieldValue, compared: &[Weighed]) -> Check {
    let mut values: Vec<String> = Vec::new();
    for weighed in compared.iter().filter(|weighed| weighed.is_credible(spec)) {
        let value = match weighed.finding.value.to_json() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if !values.contains(&value) {
            values.push(value);
        }
    }
    insufficient(spec, claimed, compared, Blocker::ConflictingValues { values })
}

fn insufficient(spec: &FieldSpec, claimed: &FieldValue, compared: &[Weighed], blocker: Blocker) -> Check {
    let confidence = compared.first().map_or(0.0, |best| best.sureness);
    Check { blockers: vec![blocker], ..decided(spec, claimed, compared, Verdict::Insufficient, confidence) }
}

/// The regions are those of the findings that agree with the deciding one.
fn decided(spec: &FieldSpec, claimed: &FieldValue, compared: &[Weighed], verdict: Verdict, confidence: f64) -> Check {
    let best = compared.first().map(|best| best.finding);
    let agreeing: Vec<&Finding> =
        compared.iter().map(|weighed| weighed.finding).filter(|finding| best.is_some_and(|best| finding.value == best.value)).collect();
    let mut sources = Vec::new();
    for finding in &agreeing {
        if !sources.contains(&finding.source) {
            sources.push(finding.source);
        }
    }
    Check {
        field: spec.name.clone(),
        claimed: claimed.to_json(),
        found: best.map(|best| best.value.to_json()),
        verdict,
        confidence: confidence.clamp(0.0, 1.0),
        regions: agreeing.iter().take(REGIONS).map(|finding| finding.region.clone()).collect(),
        sources,
        blockers: Vec::new(),
    }
}

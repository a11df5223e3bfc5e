//! The check of one field.

use serde_json::Value;

use crate::blocker::Blocker;
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

/// Holds one claimed value against what was found for it, best finding first.
///
/// Confidence is the score of the deciding finding times the similarity where it supports, the score alone where it refutes. Both are as
/// calibrated as the route says, so with rules not at all.
pub(super) fn check(spec: &FieldSpec, claimed: &FieldValue, mut findings: Vec<&Finding>) -> Check {
    if let Some(model) = needed_model(spec.kind) {
        return insufficient(spec, claimed, &[], Blocker::ModelUnavailable { model: model.to_owned() });
    }
    findings.sort_by(|a, b| b.score.total_cmp(&a.score));
    let compared: Vec<(&Finding, Comparison)> = findings.into_iter().map(|finding| (finding, compare(claimed, &finding.value))).collect();
    let Some((best, comparison)) = compared.first() else {
        return insufficient(spec, claimed, &[], Blocker::NotFound);
    };
    let credible = |finding: &Finding| finding.score >= spec.threshold;
    if !credible(best) {
        return insufficient(spec, claimed, &compared, Blocker::LowConfidence { score: best.score, threshold: spec.threshold });
    }
    let rivals = compared
        .iter()
        .skip(1)
        .filter(|(finding, other)| credible(finding) && best.score - finding.score < CLEAR_LEAD && kind(other) != kind(comparison));
    match comparison {
        Comparison::Same { similarity } => supported_unless(
            spec,
            claimed,
            &compared,
            best.score * similarity,
            rivals.filter(|(_, other)| matches!(other, Comparison::Different { .. })).count() > 0,
        ),
        Comparison::Different { .. } if rivals.clone().any(|(_, other)| matches!(other, Comparison::Same { .. })) => {
            conflicting(spec, claimed, &compared)
        }
        Comparison::Different { .. } => decided(spec, claimed, &compared, Verdict::Refuted, best.score),
        Comparison::Unclear { reason, .. } => insufficient(spec, claimed, &compared, Blocker::Ambiguous { reason: (*reason).to_owned() }),
    }
}

/// Two findings of almost the same score that say different things settle nothing.
fn supported_unless(
    spec: &FieldSpec,
    claimed: &FieldValue,
    compared: &[(&Finding, Comparison)],
    confidence: f64,
    contradicted: bool,
) -> Check {
    if contradicted { conflicting(spec, claimed, compared) } else { decided(spec, claimed, compared, Verdict::Supported, confidence) }
}

fn kind(comparison: &Comparison) -> u8 {
    match comparison {
        Comparison::Same { .. } => 0,
        Comparison::Different { .. } => 1,
        Comparison::Unclear { .. } => 2,
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

fn conflicting(spec: &FieldSpec, claimed: &FieldValue, compared: &[(&Finding, Comparison)]) -> Check {
    let mut values: Vec<String> = Vec::new();
    for (finding, _) in compared.iter().filter(|(finding, _)| finding.score >= spec.threshold) {
        let value = match finding.value.to_json() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if !values.contains(&value) {
            values.push(value);
        }
    }
    insufficient(spec, claimed, compared, Blocker::ConflictingValues { values })
}

fn insufficient(spec: &FieldSpec, claimed: &FieldValue, compared: &[(&Finding, Comparison)], blocker: Blocker) -> Check {
    let confidence = compared.first().map_or(0.0, |(finding, _)| finding.score);
    Check { blockers: vec![blocker], ..decided(spec, claimed, compared, Verdict::Insufficient, confidence) }
}

/// The regions are those of the findings that agree with the deciding one.
fn decided(spec: &FieldSpec, claimed: &FieldValue, compared: &[(&Finding, Comparison)], verdict: Verdict, confidence: f64) -> Check {
    let best = compared.first();
    let agreeing: Vec<&Finding> =
        compared.iter().map(|(finding, _)| *finding).filter(|finding| best.is_some_and(|(best, _)| finding.value == best.value)).collect();
    let mut sources = Vec::new();
    for finding in &agreeing {
        if !sources.contains(&finding.source) {
            sources.push(finding.source);
        }
    }
    Check {
        field: spec.name.clone(),
        claimed: claimed.to_json(),
        found: best.map(|(finding, _)| finding.value.to_json()),
        verdict,
        confidence: confidence.clamp(0.0, 1.0),
        regions: agreeing.iter().take(REGIONS).map(|finding| finding.region.clone()).collect(),
        sources,
        blockers: Vec::new(),
    }
}

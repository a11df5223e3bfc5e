//! What a person's word makes of the machine's result. The machine's own stays as it was; this is a new result beside it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::field::needed_model;
use super::overall;
use crate::blocker::Blocker;
use crate::check::Check;
use crate::claim::{Claim, FieldError};
use crate::claim_type::ClaimType;
use crate::compare::{Comparison, compare};
use crate::review::{Decision, FieldDecision};
use crate::verdict::Verdict;
use crate::verification::{DecidedBy, Outcome};

/// Everything wrong with a decision, by JSON Pointer into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the decision has {} faults", .0.len())]
pub struct DecisionError(pub Vec<FieldError>);

/// The final result of a person's decision over the machine's.
///
/// A corrected value is compared again: a person may read better than the machine, but may not call two amounts one.
pub fn apply_decision(machine: &Outcome, claim_type: &ClaimType, claim: &Claim, decision: &Decision) -> Result<Outcome, DecisionError> {
    let mut errors = Vec::new();
    let mut checks = machine.checks.clone();
    let mut seen = BTreeSet::new();
    for (index, word) in decision.checks.iter().enumerate() {
        let at = format!("/checks/{index}");
        if !seen.insert(&word.field) {
            errors.push(error(&format!("{at}/field"), "duplicate_field", "this field is decided twice"));
            continue;
        }
        match checks.iter_mut().find(|check| check.field == word.field) {
            None => errors.push(error(&format!("{at}/field"), "unknown_field", "the claim has no check of this field")),
            Some(check) => match compared(claim_type, claim, word, &at) {
                Ok(()) => apply(check, word),
                Err(mut found) => errors.append(&mut found),
            },
        }
    }
    if errors.is_empty() && overall(&checks) != decision.verdict {
        let detail = format!("the checks together are {}", overall(&checks).as_str());
        errors.push(error("/verdict", "verdict_contradicts_checks", &detail));
    }
    if !errors.is_empty() {
        return Err(DecisionError(errors));
    }
    Ok(Outcome {
        verdict: decision.verdict,
        confidence: 1.0,
        decided_by: DecidedBy::Human,
        checks,
        blockers: machine.blockers.clone(),
        route: machine.route.clone(),
        level: machine.level,
    })
}

/// The same for a second answer. It is given without the machine's, so nothing of that may stand for something that the person did not say: it
/// speaks of every field, and says what was found there, null where the evidence shows nothing. Of a statement no value is found.
pub fn apply_blind(machine: &Outcome, claim_type: &ClaimType, claim: &Claim, decision: &Decision) -> Result<Outcome, DecisionError> {
    let mut errors = Vec::new();
    for check in &machine.checks {
        let field = &check.field;
        let has_value = claim_type.field(field).is_none_or(|spec| needed_model(spec.kind).is_none());
        match decision.checks.iter().position(|word| word.field == *field) {
            None => errors.push(error("/checks", "missing_field", &format!("a second answer speaks of every field: add `{field}`"))),
            Some(index) if has_value && decision.checks[index].found.is_none() => {
                let detail = format!("a second answer says what it found of `{field}`, or null where there is nothing");
                errors.push(error(&format!("/checks/{index}/found"), "missing_value", &detail));
            }
            Some(_) => {}
        }
    }
    if errors.is_empty() { apply_decision(machine, claim_type, claim, decision) } else { Err(DecisionError(errors)) }
}

/// The result of a person's word over one that was settled before, by machine, by a person or by nobody in time.
///
/// Says what [`apply_decision`] says, and refuses a word that leaves everything as it is.
pub fn correct(settled: &Outcome, claim_type: &ClaimType, claim: &Claim, decision: &Decision) -> Result<Outcome, DecisionError> {
    let mut corrected = apply_decision(settled, claim_type, claim, decision)?;
    corrected.blockers.retain(|blocker| *blocker != Blocker::ReviewExpired);
    let answers = |outcome: &Outcome| {
        let checks = outcome.checks.iter().map(|check| (check.verdict, check.found.clone()));
        (outcome.verdict, checks.collect::<Vec<_>>())
    };
    if settled.decided_by != DecidedBy::Expiry && answers(settled) == answers(&corrected) {
        return Err(DecisionError(vec![error("/checks", "nothing_corrected", "this is what the result says already")]));
    }
    Ok(corrected)
}

/// What nobody decided in time.
pub fn expired(machine: &Outcome) -> Outcome {
    let mut blockers = machine.blockers.clone();
    blockers.push(Blocker::ReviewExpired);
    Outcome { verdict: Verdict::Insufficient, decided_by: DecidedBy::Expiry, blockers, ..machine.clone() }
}

/// Whether a corrected value allows the verdict given with it.
fn compared(claim_type: &ClaimType, claim: &Claim, word: &FieldDecision, at: &str) -> Result<(), Vec<FieldError>> {
    let (Some(found), Some(spec), Some(claimed)) = (&word.found, claim_type.field(&word.field), claim.fields.get(&word.field)) else {
        return Ok(());
    };
    if found.is_null() {
        // The person looked, and nothing is there.
        let unfounded = || error(&format!("{at}/verdict"), "verdict_contradicts_value", "nothing is shown, so nothing can support it");
        return if word.verdict == Verdict::Supported { Err(vec![unfounded()]) } else { Ok(()) };
    }
    let value = parse_found(claim_type, &spec.name, found, at)?;
    let contradiction = match (word.verdict, compare(claimed, &value)) {
        (Verdict::Supported, Comparison::Different { .. }) => Some("the value found differs from the claimed one, so it cannot support it"),
        (Verdict::Refuted, Comparison::Same { .. }) => Some("the value found is the claimed one, so it cannot refute it"),
        _ => None,
    };
    match contradiction {
        Some(detail) => Err(vec![error(&format!("{at}/verdict"), "verdict_contradicts_value", detail)]),
        None => Ok(()),
    }
}

/// How a value that a person read stands to the claimed one, before anything is decided. None where the claim says nothing of the field.
pub fn compare_again(claim_type: &ClaimType, claim: &Claim, field: &str, found: &Value) -> Result<Option<Comparison>, Vec<FieldError>> {
    let Some(claimed) = claim.fields.get(field) else { return Ok(None) };
    Ok(Some(compare(claimed, &parse_found(claim_type, field, found, "")?)))
}

/// Reads a value by the rules of its field: as a claim of this one field.
pub(super) fn parse_found(
    claim_type: &ClaimType,
    field: &str,
    found: &Value,
    at: &str,
) -> Result<crate::claim::FieldValue, Vec<FieldError>> {
    let alone = ClaimType { fields: claim_type.fields.iter().filter(|spec| spec.name == field).cloned().collect(), ..claim_type.clone() };
    let parsed = Claim::parse(&alone, &json!({ field: found }));
    match parsed.map(|mut claim| claim.fields.remove(field)) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(vec![error(&format!("{at}/found"), "missing", "leave it out rather than null")]),
        Err(errors) => Err(errors
            .into_iter()
            .map(|found| {
                let rest = found.pointer.strip_prefix(&format!("/{field}")).unwrap_or_default();
                FieldError { pointer: format!("{at}/found{rest}"), ..found }
            })
            .collect()),
    }
}

fn apply(check: &mut Check, word: &FieldDecision) {
    check.verdict = word.verdict;
    check.confidence = 1.0;
    if let Some(found) = &word.found {
        check.found = Some(found.clone()).filter(|found| !found.is_null());
    }
    if word.verdict != Verdict::Insufficient {
        check.blockers.clear();
    }
}

fn error(pointer: &str, code: &str, detail: &str) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() }
}

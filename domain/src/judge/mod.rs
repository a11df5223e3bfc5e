//! From findings to checks, and from checks to the verdict. Nothing here guesses: what is not shown is `insufficient`, with the reason.

mod agreement;
mod decision;
mod field;

use std::collections::BTreeSet;

use crate::blocker::Blocker;
use crate::calibration::{FieldCalibration, Fields};
use crate::check::Check;
use crate::claim::Claim;
use crate::claim_type::ClaimType;
use crate::document::{Classification, DocumentKind, Findings};
use crate::id::{EvidenceId, VerificationId};
use crate::policy::{Policy, ReviewRule};
use crate::verdict::Verdict;
use crate::verification::DecidedBy;

pub use agreement::{agree, differing_fields};
pub use decision::{DecisionError, apply_blind, apply_decision, compare_again, correct, expired};
pub use field::lean;

/// From this score on a classification may set a file aside; below it the file is read for what it is worth.
const SURE_OF_KIND: f64 = 0.6;

/// How the reading of one file went.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceReading {
    pub evidence_id: EvidenceId,
    /// 0 when the file could not be opened.
    pub pages_total: u32,
    /// Pages with nothing on them.
    pub blank_pages: Vec<u32>,
    /// What stood in the way, of the file or of single pages.
    pub blockers: Vec<Blocker>,
}

/// Everything that judging looks at.
#[derive(Debug, Clone, Copy)]
pub struct JudgeInput<'a> {
    pub claim_type: &'a ClaimType,
    pub claim: &'a Claim,
    pub classifications: &'a [Classification],
    pub findings: &'a Findings,
    pub reading: &'a [EvidenceReading],
    /// What turns the scores of these findings into probabilities; scores stay as they are where it is absent or knows no such field.
    pub calibration: Option<&'a Fields>,
}

impl JudgeInput<'_> {
    /// Whether the confidence of every check is a probability.
    pub fn is_calibrated(&self) -> bool {
        let known = |name: &str| self.calibration.and_then(|fields| fields.get(name)).is_some_and(FieldCalibration::is_whole);
        let mut checked =
            self.claim_type.fields.iter().filter(|spec| spec.checked && self.claim.fields.contains_key(&spec.name)).peekable();
        checked.peek().is_some() && checked.all(|spec| known(&spec.name))
    }
}

/// The machine's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// The lowest confidence of the checks that decide: those that refute, or else all.
    pub confidence: f64,
    pub decided_by: DecidedBy,
    pub checks: Vec<Check>,
    /// What concerns the evidence as a whole.
    pub blockers: Vec<Blocker>,
}

/// Holds every claimed field against the findings.
pub fn judge(input: &JudgeInput<'_>) -> Judgement {
    let wrong = wrong_kinds(input);
    let blockers = file_blockers(input, &wrong);
    let aside: BTreeSet<EvidenceId> = wrong.iter().map(|classification| classification.evidence_id).collect();
    let nothing_left = input.reading.iter().all(|reading| reading.pages_total == 0 || aside.contains(&reading.evidence_id));
    let checks: Vec<Check> = input
        .claim_type
        .fields
        .iter()
        .filter(|spec| spec.checked)
        .filter_map(|spec| input.claim.fields.get(&spec.name).map(|claimed| (spec, claimed)))
        .map(|(spec, claimed)| {
            let findings = input
                .findings
                .get(&spec.name)
                .map(|found| found.iter().filter(|finding| !aside.contains(&finding.region.evidence_id)).collect())
                .unwrap_or_default();
            let mut check = field::check(spec, claimed, findings, input.calibration.and_then(|fields| fields.get(&spec.name)));
            if nothing_left && check.blockers == [Blocker::NotFound] {
                // The file is the reason, not the field.
                check.blockers.clone_from(&blockers);
            }
            check
        })
        .collect();
    let verdict = overall(&checks);
    Judgement { verdict, confidence: confidence(&checks, verdict), decided_by: DecidedBy::Rule, checks, blockers }
}

/// The verdict on the whole: one refuted check refutes it, and only all checks together support it.
pub fn overall(checks: &[Check]) -> Verdict {
    if checks.iter().any(|check| check.verdict == Verdict::Refuted) {
        Verdict::Refuted
    } else if !checks.is_empty() && checks.iter().all(|check| check.verdict == Verdict::Supported) {
        Verdict::Supported
    } else {
        Verdict::Insufficient
    }
}

/// What of the tenant's policy sends an answer to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its rule on what the machine left open, or on everything.
    Rule,
    /// The claim is of more than its limit.
    Limit,
    /// The machine decided, and the verification was drawn for the sample.
    Sample,
}

impl Cause {
    /// What the review says beside what the machine left open; nothing where that says it all.
    pub fn blocker(self) -> Option<Blocker> {
        match self {
            Self::Rule => None,
            Self::Limit => Some(Blocker::PolicyReview),
            Self::Sample => Some(Blocker::PolicySample),
        }
    }
}

/// Whether the tenant's policy sends the answer to a person, and what of it does. The same for the same arguments, however often it is asked.
pub fn needs_review(policy: &Policy, id: VerificationId, claim: &Claim, judgement: &Judgement) -> Option<Cause> {
    let by_rule = match policy.review {
        ReviewRule::Never => false,
        ReviewRule::Always => true,
        ReviewRule::WhenUnsure => {
            let mut reasons = judgement.blockers.iter().chain(judgement.checks.iter().flat_map(|check| &check.blockers));
            judgement.verdict == Verdict::Insufficient && reasons.any(Blocker::a_person_can_help)
        }
    };
    let decided = judgement.verdict != Verdict::Insufficient;
    if by_rule {
        Some(Cause::Rule)
    } else if policy.is_exceeded_by(claim) {
        Some(Cause::Limit)
    } else if decided && policy.samples(id) {
        Some(Cause::Sample)
    } else {
        None
    }
}

fn confidence(checks: &[Check], verdict: Verdict) -> f64 {
    let deciding = checks.iter().filter(|check| verdict != Verdict::Refuted || check.verdict == Verdict::Refuted);
    let lowest = deciding.map(|check| check.confidence).fold(f64::INFINITY, f64::min);
    if lowest.is_finite() { lowest } else { 0.0 }
}

/// Files that are surely another kind of document than the claim needs.
fn wrong_kinds<'a>(input: &JudgeInput<'a>) -> Vec<&'a Classification> {
    let wanted = &input.claim_type.documents;
    let sure = |classification: &&Classification| {
        classification.score >= SURE_OF_KIND && !matches!(classification.kind, DocumentKind::Other | DocumentKind::Blank)
    };
    if wanted.is_empty() {
        return Vec::new();
    }
    input.classifications.iter().filter(sure).filter(|classification| !wanted.contains(&classification.kind)).collect()
}

fn file_blockers(input: &JudgeInput<'_>, wrong: &[&Classification]) -> Vec<Blocker> {
    let expected = input.claim_type.documents.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or ");
    let mut blockers: Vec<Blocker> = Vec::new();
    let wrong = wrong
        .iter()
        .map(|classification| Blocker::WrongDocumentType { expected: expected.clone(), found: classification.kind.as_str().to_owned() });
    for blocker in input.reading.iter().flat_map(|reading| reading.blockers.iter().cloned()).chain(wrong) {
        if !blockers.contains(&blocker) {
            blockers.push(blocker);
        }
    }
    blockers
}

#[cfg(test)]
mod tests;

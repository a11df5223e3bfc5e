//! Holds generated claims against what was found, with the judge that verifications meet.

use domain::calibration::Fields;
use domain::claim::Claim;
use domain::claim_type::ClaimType;
use domain::judge::{self, EvidenceReading, JudgeInput};
use domain::verdict::Verdict;

use super::{Generated, Kind, Understood};
use crate::eval::gold::Set;

/// What the judge said of one claim.
#[derive(Debug, Clone)]
pub struct Trial {
    pub group: usize,
    /// The claimed field; none where a whole document was claimed.
    pub field: Option<String>,
    pub kind: Kind,
    pub verdict: Verdict,
}

/// Judges every claim, each document with the calibration that is given for it. A document that could not be read is insufficient.
pub fn judged<'a>(
    set: &Set,
    understood: &[Option<Understood>],
    claims: &[Generated],
    claim_type: &ClaimType,
    calibration: impl Fn(usize) -> Option<&'a Fields>,
) -> Vec<Trial> {
    claims
        .iter()
        .filter_map(|claim| {
            let group = set.items.get(claim.item)?.group;
            let verdict = match understood.get(claim.item)? {
                Some(understood) => verdict(claim, understood, claim_type, calibration(claim.item)),
                None => Verdict::Insufficient,
            };
            Some(Trial { group, field: claim.field().map(str::to_owned), kind: claim.kind, verdict })
        })
        .collect()
}

fn verdict(generated: &Generated, understood: &Understood, claim_type: &ClaimType, calibration: Option<&Fields>) -> Verdict {
    let claim = Claim { claim_type: claim_type.name.clone(), version: claim_type.version, fields: generated.fields.clone() };
    let reading = EvidenceReading {
        evidence_id: understood.classification.evidence_id,
        pages_total: 1,
        blank_pages: Vec::new(),
        blockers: Vec::new(),
    };
    let input = JudgeInput {
        claim_type,
        claim: &claim,
        classifications: std::slice::from_ref(&understood.classification),
        findings: understood.findings_for(generated),
        reading: &[reading],
        calibration,
    };
    judge::judge(&input).verdict
}

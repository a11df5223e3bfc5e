//! The part of the report that generated claims make, as JSON with documented keys and for people.

use domain::calibration::Release;
use domain::claim_type::ClaimType;
use domain::verdict::Verdict;
use serde::Serialize;

use super::fit::{Fitted, fit};
use super::score::{Confidence, KindRow, Rate, confidences, rate, rows};
use super::{Generated, Kind, Trial, Understood, judged};
use crate::eval::EvalOptions;
use crate::eval::gold::Set;

/// Thresholds that the sweep tries, of every field at once.
const SWEEP: [f64; 7] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98];

/// What became of the generated claims. Every figure is out of fold: each document is judged with calibrators of other issuers.
#[derive(Debug, Serialize)]
pub struct ClaimsReport {
    pub claims: usize,
    /// At the thresholds of the claim type.
    pub at_default: Outcomes,
    /// The same with scores as they are, for comparison.
    pub without_calibration: Outcomes,
    /// With the calibration that this program ships, which may have been fitted to these very documents: no measure of it.
    pub as_released: Option<Released>,
    pub sweep: Vec<Swept>,
    pub kinds: Vec<KindRow>,
    pub confidence: Vec<Confidence>,
}

/// The shares that decide whether the machine may be left alone.
#[derive(Debug, Serialize)]
pub struct Outcomes {
    /// False claims: near, swapped, far and wrong documents.
    pub false_claims: usize,
    /// Of those, supported.
    pub false_support: Rate,
    /// Of claims of another document as a whole, supported.
    pub wrong_document_support: Rate,
    /// True claims of one field: supported, and refuted.
    pub true_support: Rate,
    pub true_refuted: Rate,
    /// Of false claims, refuted.
    pub false_refuted: Rate,
    /// True claims of a whole document: supported.
    pub whole_support: Rate,
}

#[derive(Debug, Serialize)]
pub struct Released {
    /// Name and version.
    pub calibration: String,
    pub outcomes: Outcomes,
}

/// The same at one threshold for every field.
#[derive(Debug, Serialize)]
pub struct Swept {
    pub threshold: f64,
    pub outcomes: Outcomes,
}

/// Judges the claims of a set, fold by fold.
pub fn report(
    set: &Set,
    understood: &[Option<Understood>],
    claims: &[Generated],
    claim_type: &ClaimType,
    release: Option<&Release>,
    options: &EvalOptions,
) -> (ClaimsReport, Fitted) {
    let fitted = fit(set, understood, claims, options.folds);
    let held_out = |claim_type: &ClaimType| judged(set, understood, claims, claim_type, |item| fitted.for_item(item));
    let trials = held_out(claim_type);
    let swept = |threshold: f64| {
        let mut other = claim_type.clone();
        other.fields.iter_mut().for_each(|spec| spec.threshold = threshold);
        Swept { threshold, outcomes: outcomes(&held_out(&other), options) }
    };
    let as_released = release.map(|release| {
        let trials = judged(set, understood, claims, claim_type, |_| Some(&release.fields));
        Released { calibration: release.name(), outcomes: outcomes(&trials, options) }
    });
    let report = ClaimsReport {
        claims: claims.len(),
        at_default: outcomes(&trials, options),
        without_calibration: outcomes(&judged(set, understood, claims, claim_type, |_| None), options),
        as_released,
        sweep: SWEEP.into_iter().map(swept).collect(),
        kinds: rows(&trials, options),
        confidence: confidences(&fitted, options),
    };
    (report, fitted)
}

fn outcomes(trials: &[Trial], options: &EvalOptions) -> Outcomes {
    let of = |which: &dyn Fn(&Trial) -> bool| -> Vec<&Trial> { trials.iter().filter(|trial| which(trial)).collect() };
    let false_ones = of(&|trial| trial.kind.is_false());
    let true_fields = of(&|trial| trial.kind == Kind::True && trial.field.is_some());
    Outcomes {
        false_claims: false_ones.len(),
        false_support: rate(&false_ones, Verdict::Supported, options),
        wrong_document_support: rate(&of(&|trial| trial.kind == Kind::WrongDocument), Verdict::Supported, options),
        true_support: rate(&true_fields, Verdict::Supported, options),
        true_refuted: rate(&true_fields, Verdict::Refuted, options),
        false_refuted: rate(&false_ones, Verdict::Refuted, options),
        whole_support: rate(&of(&|trial| trial.kind == Kind::True && trial.field.is_none()), Verdict::Supported, options),
    }
}

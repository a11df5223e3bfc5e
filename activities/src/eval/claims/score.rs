//! The figures of generated claims: what became of each kind, and how far the confidence can be believed.

use std::collections::BTreeMap;

use domain::calibration::{self as figures, Bin, Calibrator, Case};
use domain::verdict::Verdict;
use serde::Serialize;

use super::fit::{Fitted, Leaning};
use super::{Kind, Trial};
use crate::eval::EvalOptions;

/// A share with its 95 % interval over issuers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rate {
    pub rate: f64,
    pub interval: [f64; 2],
}

/// What became of the claims of one kind.
#[derive(Debug, Serialize)]
pub struct KindRow {
    /// The claimed field; `all` where a whole document was claimed.
    pub field: String,
    pub kind: String,
    pub n: usize,
    pub supported: usize,
    pub refuted: usize,
    pub insufficient: usize,
    /// The share supported of those that should not be.
    pub false_support: Option<Rate>,
}

/// Rows by field and kind.
pub fn rows(trials: &[Trial], options: &EvalOptions) -> Vec<KindRow> {
    let mut by_kind = BTreeMap::<(bool, String, Kind), Vec<&Trial>>::new();
    for trial in trials {
        let field = trial.field.clone().unwrap_or_else(|| "all".to_owned());
        by_kind.entry((trial.field.is_none(), field, trial.kind)).or_default().push(trial);
    }
    by_kind
        .into_iter()
        .map(|((_, field, kind), trials)| {
            let count = |verdict: Verdict| trials.iter().filter(|trial| trial.verdict == verdict).count();
            KindRow {
                field,
                kind: kind.word(),
                n: trials.len(),
                supported: count(Verdict::Supported),
                refuted: count(Verdict::Refuted),
                insufficient: count(Verdict::Insufficient),
                false_support: (kind != Kind::True).then(|| rate(&trials, Verdict::Supported, options)),
            }
        })
        .collect()
}

/// The share of these that got a verdict.
pub fn rate(trials: &[&Trial], verdict: Verdict, options: &EvalOptions) -> Rate {
    let counts: Vec<_> = trials.iter().map(|trial| (trial.group, f64::from(u8::from(trial.verdict == verdict)), 1.0)).collect();
    let part: f64 = counts.iter().map(|count| count.1).sum();
    let rate = if counts.is_empty() { 0.0 } else { part / counts.len() as f64 };
    Rate { rate, interval: figures::rate_interval(&counts, options.seed, options.rounds) }
}

/// How far the confidence of one field's verdicts can be believed. Only what the best finding leans to counts, whatever the threshold.
#[derive(Debug, Serialize)]
pub struct Confidence {
    pub field: String,
    /// `supported`, `refuted`, or `both`.
    pub verdict: &'static str,
    /// Claims that lean so. Together they weigh as much as `documents`.
    pub claims: usize,
    pub documents: f64,
    /// Scores as they are.
    pub before: Believed,
    /// Calibrated on other issuers.
    pub after: Believed,
}

/// The figures of one set of confidences, 0..=1 each.
#[derive(Debug, Serialize)]
pub struct Believed {
    /// Expected calibration error, ten equal bins.
    pub ece: f64,
    pub brier: f64,
    /// The chance that a right verdict is surer than a wrong one, with the lower end of its 95 % interval over issuers.
    pub auroc: Option<f64>,
    pub auroc_at_least: Option<f64>,
    /// Area under risk over coverage; lower is better.
    pub aurc: f64,
    /// Share of the claims that can be decided with so many right; the threshold is chosen on the same documents.
    pub coverage_at_99: f64,
    pub coverage_at_95: f64,
    /// The same at 99 % with the threshold chosen on other issuers: coverage, and the precision it has there.
    pub held_out_at_99: (f64, Option<f64>),
    #[serde(skip)]
    pub bins: [Bin; 10],
}

/// Every field by verdict.
pub fn confidences(fitted: &Fitted, options: &EvalOptions) -> Vec<Confidence> {
    let mut by_field = BTreeMap::<&str, Vec<&Leaning>>::new();
    for leaning in &fitted.leanings {
        by_field.entry(&leaning.field).or_default().push(leaning);
    }
    let mut all = Vec::new();
    for (field, leanings) in by_field {
        for (name, verdicts) in
            [("supported", &[Verdict::Supported][..]), ("refuted", &[Verdict::Refuted]), ("both", &[Verdict::Supported, Verdict::Refuted])]
        {
            let cases = |calibrated: bool| -> Vec<Case> { cases(fitted, &leanings, verdicts, calibrated) };
            let (raw, calibrated) = (cases(false), cases(true));
            let decided = || raw.iter().filter(|case| case.score.is_some());
            all.push(Confidence {
                field: field.to_owned(),
                verdict: name,
                claims: decided().count(),
                documents: decided().map(|case| case.weight).sum(),
                before: believed(&raw, options),
                after: believed(&calibrated, options),
            });
        }
    }
    all
}

/// With both verdicts, what leans nowhere is there too: it was not covered.
fn cases(fitted: &Fitted, leanings: &[&Leaning], verdicts: &[Verdict], calibrated: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for leaning in leanings {
        let field = if calibrated { fitted.for_item(leaning.item).and_then(|fields| fields.get(&leaning.field)) } else { None };
        for verdict in verdicts {
            let calibrator = field.and_then(|field| field.of(*verdict));
            cases.extend(leaning.case(*verdict, |score| calibrator.map_or(score, |calibrator: &Calibrator| calibrator.apply(score))));
        }
        if verdicts.len() > 1 && leaning.leans.is_none() {
            cases.push(Case { group: leaning.group, score: None, right: false, weight: leaning.weight });
        }
    }
    cases
}

fn believed(cases: &[Case], options: &EvalOptions) -> Believed {
    let auroc = figures::auroc(cases);
    // A sample of issuers that are all right has nothing to rank; it says nothing against the scores either.
    let lower = |drawn: &[Case]| figures::auroc(drawn).unwrap_or(1.0);
    Believed {
        ece: figures::calibration_error(cases),
        brier: figures::brier(cases),
        auroc,
        auroc_at_least: auroc.map(|_| figures::interval(cases, options.seed, options.rounds.min(RANKING_ROUNDS), lower)[0]),
        aurc: figures::aurc(cases),
        coverage_at_99: figures::coverage_at(cases, 0.99),
        coverage_at_95: figures::coverage_at(cases, 0.95),
        held_out_at_99: figures::held_out(cases, options.folds, 0.99),
        bins: figures::bins(cases),
    }
}

/// Rounds for the interval of a ranking, which sorts every sample anew: enough for two digits of its end.
const RANKING_ROUNDS: usize = 200;

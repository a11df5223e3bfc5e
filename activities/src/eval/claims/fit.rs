//! Calibrators from generated claims: how often what the best finding leans to is right, by its score.

use std::collections::BTreeMap;

use domain::calibration::{Calibrator, Case, FieldCalibration, Fields, folds_of};
use domain::judge;
use domain::verdict::Verdict;

use super::{Generated, Kind, Understood};
use crate::eval::gold::Set;

/// What one claim of one field leans to, by the best finding alone.
#[derive(Debug, Clone)]
pub struct Leaning {
    /// The document, by its place in the set.
    pub item: usize,
    pub group: usize,
    pub field: String,
    /// With its score; `None` when nothing was found, or what was found is neither the same nor another.
    pub leans: Option<(Verdict, f64)>,
    pub right: bool,
    /// Of one document and field the true claim weighs one, and so do all false ones together.
    pub weight: f64,
}

impl Leaning {
    /// As a case of this verdict, with another score if one is given; `None` where it leans elsewhere.
    pub fn case(&self, of: Verdict, rescore: impl Fn(f64) -> f64) -> Option<Case> {
        let (_, score) = self.leans.filter(|(verdict, _)| *verdict == of)?;
        Some(Case { group: self.group, score: Some(rescore(score)), right: self.right, weight: self.weight })
    }
}

/// The calibration of all folds: each is fitted on the issuers of the others.
#[derive(Debug)]
pub struct Fitted {
    pub leanings: Vec<Leaning>,
    /// The fold of each document.
    pub fold_of: Vec<usize>,
    /// For each fold, what was fitted without it.
    pub without: Vec<Fields>,
    /// Fitted on everything: what is released, and never what figures are made with.
    pub whole: Fields,
}

impl Fitted {
    /// The calibration that saw nothing of this document's issuer.
    pub fn for_item(&self, item: usize) -> Option<&Fields> {
        self.without.get(*self.fold_of.get(item)?)
    }
}

/// Fits fold by fold. Claims that nothing on the page answers are left out: how often evidence lacks a field is the clients' doing, and no
/// figure of this set.
pub fn fit(set: &Set, understood: &[Option<Understood>], claims: &[Generated], folds: usize) -> Fitted {
    let leanings = leanings(set, understood, claims);
    let groups: Vec<usize> = set.items.iter().map(|item| item.group).collect();
    let fold_of = folds_of(&groups, folds);
    let without = (0..folds).map(|fold| fields(leanings.iter().filter(|leaning| fold_of.get(leaning.item) != Some(&fold)))).collect();
    let whole = fields(leanings.iter());
    Fitted { leanings, fold_of, without, whole }
}

fn leanings(set: &Set, understood: &[Option<Understood>], claims: &[Generated]) -> Vec<Leaning> {
    let mut false_ones = BTreeMap::<(usize, &str), f64>::new();
    let single = || claims.iter().filter(|claim| claim.kind != Kind::Blanked).filter_map(|claim| Some((claim, claim.field()?)));
    for (claim, field) in single().filter(|(claim, _)| claim.kind.is_false()) {
        *false_ones.entry((claim.item, field)).or_default() += 1.0;
    }
    single()
        .filter_map(|(claim, field)| {
            let group = set.items.get(claim.item)?.group;
            let found = understood.get(claim.item)?.as_ref().and_then(|understood| understood.findings.get(field));
            let leans = judge::lean(claim.fields.get(field)?, found.map(Vec::as_slice).unwrap_or_default())
                .filter(|(verdict, _)| *verdict != Verdict::Insufficient);
            let expected = if claim.kind.is_false() { Verdict::Refuted } else { Verdict::Supported };
            let right = leans.is_some_and(|(verdict, _)| verdict == expected);
            let weight = if claim.kind.is_false() { 1.0 / false_ones.get(&(claim.item, field)).copied().unwrap_or(1.0) } else { 1.0 };
            Some(Leaning { item: claim.item, group, field: field.to_owned(), leans, right, weight })
        })
        .collect()
}

fn fields<'a>(leanings: impl Iterator<Item = &'a Leaning>) -> Fields {
    let mut by_field = BTreeMap::<String, (Vec<Case>, Vec<Case>)>::new();
    for leaning in leanings {
        let (supported, refuted) = by_field.entry(leaning.field.clone()).or_default();
        supported.extend(leaning.case(Verdict::Supported, |score| score));
        refuted.extend(leaning.case(Verdict::Refuted, |score| score));
    }
    let fitted = |(field, (supported, refuted)): (String, (Vec<Case>, Vec<Case>))| {
        (field, FieldCalibration { supported: Calibrator::fit(&supported), refuted: Calibrator::fit(&refuted) })
    };
    by_field.into_iter().map(fitted).filter(|(_, fitted)| *fitted != FieldCalibration::default()).collect()
}

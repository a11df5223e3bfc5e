//! What people answered, side by side where a round wants two: for the third who settles it, and for everybody once it is settled.

use std::collections::BTreeMap;

use domain::judge;
use domain::spelling;
use domain::verification::Outcome;
use store::review::Answer;

use super::Item;
use super::view::name;
use crate::words;

/// The answers of a round, the fields in rows.
pub struct Answers {
    /// The round wants two.
    pub several: bool,
    pub people: Vec<Given>,
    pub fields: Vec<Row>,
}

/// One answer on the whole.
pub struct Given {
    pub part: &'static str,
    pub who: String,
    pub at: String,
    pub stamp: String,
    pub verdict: &'static str,
    pub note: String,
    pub settles: bool,
}

/// What each said of a field.
pub struct Row {
    pub title: String,
    /// The first two differ.
    pub differs: bool,
    pub cells: Vec<Cell>,
}

pub struct Cell {
    pub part: &'static str,
    pub verdict: &'static str,
    pub found: String,
    pub reason: String,
    /// Nothing was said of it, so the machine's word stays.
    pub untouched: bool,
}

impl Answers {
    /// None where there is nothing to show, or nothing that may be shown yet.
    pub fn of(answers: &[Answer], item: &Item, names: &BTreeMap<String, String>) -> Option<Self> {
        let first = answers.first()?;
        let claim_type = item.claim_type();
        let differing = match answers.get(1) {
            Some(second) => judge::differing_fields(claim_type.as_ref(), &first.outcome, &second.outcome),
            None => Default::default(),
        };
        let reasons: BTreeMap<String, String> =
            claim_type.iter().flat_map(|known| &known.reasons).map(|reason| (reason.code.clone(), reason.title.clone())).collect();
        let row = |check: &domain::check::Check| Row {
            title: claim_type
                .as_ref()
                .and_then(|known| known.field(&check.field))
                .map_or_else(|| words::title(&check.field), |spec| spec.title.clone()),
            differs: differing.contains(&check.field),
            cells: answers.iter().map(|answer| cell(answer, &answer.outcome, &check.field, &reasons)).collect(),
        };
        Some(Self {
            several: item.review.wanted > 1,
            people: answers.iter().map(|answer| given(answer, names)).collect(),
            fields: first.outcome.checks.iter().map(row).collect(),
        })
    }
}

fn given(answer: &Answer, names: &BTreeMap<String, String>) -> Given {
    Given {
        part: words::part(answer.part),
        who: name(names, &answer.holder),
        at: words::moment(answer.created_at),
        stamp: words::stamp(answer.created_at),
        verdict: words::verdict(answer.decision.verdict),
        note: answer.decision.note.clone().unwrap_or_default(),
        settles: answer.settles,
    }
}

fn cell(answer: &Answer, outcome: &Outcome, field: &str, reasons: &BTreeMap<String, String>) -> Cell {
    let check = outcome.checks.iter().find(|check| check.field == field);
    let word = answer.decision.checks.iter().find(|word| word.field == field);
    let reason = word.and_then(|word| word.reason.clone()).unwrap_or_default();
    Cell {
        part: words::part(answer.part),
        verdict: check.map(|check| words::verdict(check.verdict)).unwrap_or_default(),
        found: check.and_then(|check| check.found.as_ref()).map(spelling::show).unwrap_or_default(),
        reason: reasons.get(&reason).cloned().unwrap_or(reason),
        untouched: word.is_none(),
    }
}

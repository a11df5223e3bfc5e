//! What adds up among the amounts of a document: cash less change, parts and wholes, rounding to what coins can pay.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::extract::entry::Entry;

/// Sums stand at the end. A long invoice has thousands of amounts; only so many of each role, counted from the end, are held against each other.
const MOST_OF_A_ROLE: usize = 40;

/// Where a value stands, and as what.
#[derive(Debug, Clone, Copy)]
struct Place {
    row: usize,
    may_be_paid: bool,
    is_whole: bool,
}

/// Relations between amounts, worked out once.
#[derive(Debug, Default)]
pub struct Arithmetic {
    places: BTreeMap<Decimal, Vec<Place>>,
    cash_less_change: BTreeSet<Decimal>,
    parts_together: BTreeSet<Decimal>,
    wholes: BTreeSet<Decimal>,
    subtotals: BTreeSet<Decimal>,
    taxes: BTreeSet<Decimal>,
    rounds: bool,
}

impl Arithmetic {
    /// Works out the relations.
    pub fn read(entries: &[Entry]) -> Self {
        let mut known = Self::default();
        for entry in entries {
            let place = Place { row: entry.row, may_be_paid: entry.may_be_paid(), is_whole: entry.cues.is_whole() };
            known.places.entry(entry.amount.value).or_default().push(place);
        }
        let of_role =
            |is: &dyn Fn(&Entry) -> bool| -> Vec<&Entry> { entries.iter().rev().filter(|entry| is(entry)).take(MOST_OF_A_ROLE).collect() };
        let paid = of_role(&|entry| entry.cues.payment && !entry.cues.is_whole());
        let change = of_role(&|entry| entry.cues.change);
        known.cash_less_change = pairs(&paid, &change).map(|(paid, change)| paid.amount.value - change.amount.value.abs()).collect();
        let parts = of_role(&|entry| entry.cues.subtotal || (entry.cues.total && !entry.cues.tax) || entry.cues.exclusive);
        let added = of_role(&|entry| {
            let cues = entry.cues;
            (cues.tax && !cues.exclusive && !cues.inclusive || cues.rounding) && !entry.amount.value.is_zero()
        });
        known.parts_together = pairs(&parts, &added).map(|(part, more)| part.amount.value + more.amount.value).collect();
        known.wholes = of_role(&|entry| entry.cues.is_whole()).iter().map(|entry| entry.amount.value).collect();
        known.subtotals = of_role(&|entry| entry.cues.subtotal).iter().map(|entry| entry.amount.value).collect();
        let is_tax = |entry: &Entry| entry.cues.tax && !entry.cues.subtotal && !entry.cues.exclusive && entry.amount.value > Decimal::ZERO;
        known.taxes = of_role(&is_tax).iter().map(|entry| entry.amount.value).collect();
        known.rounds = entries.iter().any(|entry| entry.cues.rounding && !entry.amount.value.is_zero());
        known
    }

    /// In how many rows the value stands.
    pub fn rows_with(&self, value: Decimal) -> usize {
        let mut rows: Vec<usize> = self.places.get(&value).into_iter().flatten().map(|place| place.row).collect();
        rows.dedup();
        rows.len()
    }

    /// What was handed over less what was given back.
    pub fn is_cash_less_change(&self, value: Decimal) -> bool {
        self.cash_less_change.contains(&value)
    }

    /// Cash and change stand there, and leave another sum: one of the three is misread.
    pub fn contradicts_cash(&self, value: Decimal) -> bool {
        !self.cash_less_change.is_empty() && !self.cash_less_change.contains(&value)
    }

    /// The document rounds to what coins can pay, and this is no such sum.
    pub fn misses_rounding(&self, value: Decimal) -> bool {
        self.rounds && !is_payable(value)
    }

    /// Subtotal and tax, or the sum before rounding and the rounding.
    pub fn is_parts_together(&self, value: Decimal) -> bool {
        self.parts_together.contains(&value)
    }

    /// A subtotal that some tax completes to a whole.
    pub fn is_whole_with_tax(&self, value: Decimal) -> bool {
        self.taxes.iter().any(|tax| self.wholes.contains(&(value + tax)))
    }

    /// A tax that completes some subtotal to a whole.
    pub fn is_whole_with_subtotal(&self, value: Decimal) -> bool {
        self.subtotals.iter().any(|subtotal| self.wholes.contains(&(value + subtotal)))
    }

    /// Elsewhere the sum is rounded to what coins can pay, and that is what is paid.
    pub fn is_rounded_elsewhere(&self, entry: &Entry) -> bool {
        let value = entry.amount.value;
        near(value)
            .filter(|paid| is_rounded(value, *paid))
            .any(|paid| self.places_of(paid).any(|place| place.row != entry.row && place.may_be_paid))
    }

    /// The sum that this one rounds stands somewhere above.
    pub fn is_rounding(&self, entry: &Entry) -> bool {
        let value = entry.amount.value;
        entry.may_be_paid()
            && near(value)
                .filter(|sum| is_rounded(*sum, value))
                .any(|sum| self.places_of(sum).any(|place| place.row < entry.row && place.is_whole))
    }

    fn places_of(&self, value: Decimal) -> impl Iterator<Item = &Place> {
        self.places.get(&value).into_iter().flatten()
    }
}

/// Every pair from different rows.
fn pairs<'e>(ones: &[&'e Entry], others: &[&'e Entry]) -> impl Iterator<Item = (&'e Entry, &'e Entry)> {
    ones.iter().flat_map(move |one| others.iter().map(move |other| (*one, *other))).filter(|(one, other)| one.row != other.row)
}

/// The values up to two cents away.
fn near(value: Decimal) -> impl Iterator<Item = Decimal> {
    (-2..=2).filter(|cents| *cents != 0).map(move |cents| value + Decimal::new(cents, 2))
}

/// Whether coins of five cents can pay it.
fn is_payable(value: Decimal) -> bool {
    (value % Decimal::new(5, 2)).is_zero()
}

/// Whether `paid` is `sum` rounded to five cents.
fn is_rounded(sum: Decimal, paid: Decimal) -> bool {
    is_payable(paid) && !is_payable(sum)
}

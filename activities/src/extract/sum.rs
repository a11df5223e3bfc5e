//! Total, subtotal and tax: every amount of the document with the words beside it, held against each other by arithmetic.

use domain::claim::FieldValue;
use domain::money::Money;
use rust_decimal::Decimal;

use crate::extract::amount::{Amount, amounts};
use crate::extract::candidate::{Candidate, doubt};
use crate::extract::label::{Cues, Label};
use crate::extract::row::{Row, Span, median_height};

/// Which sum is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Total,
    Subtotal,
    Tax,
}

/// An amount in its surroundings.
#[derive(Debug)]
struct Entry {
    amount: Amount,
    span: Span,
    row: usize,
    /// Words to its left, as far as the previous amount.
    cues: Cues,
    /// Words in the row above, where none stand to the left.
    above: Cues,
    /// No amount follows in the row.
    is_last_of_row: bool,
    /// Words other than amounts in the row; item lines have many.
    words: usize,
    /// Other amounts, not the same, stand in the row: columns of a summary.
    has_company: bool,
}

/// All amounts of a document and what adds up among them; made once, asked for each sum.
#[derive(Debug)]
pub struct Sums<'a> {
    rows: &'a [Row<'a>],
    entries: Vec<Entry>,
    height: f32,
    largest: Decimal,
}

impl Entry {
    /// Nothing beside it says that it is only a part or what is left over.
    fn may_be_paid(&self) -> bool {
        let cues = if self.cues.any { self.cues } else { self.above };
        !(cues.subtotal || cues.exclusive || cues.change || cues.discount || (cues.tax && !cues.inclusive)) && self.words <= 6
    }
}

impl<'a> Sums<'a> {
    /// Reads the amounts of the rows.
    pub fn read(rows: &'a [Row<'a>]) -> Self {
        let mut entries = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            read_row(rows, index, row, &mut entries);
        }
        let largest = entries
            .iter()
            .filter(|entry| !entry.cues.payment && entry.amount.decimals)
            .map(|entry| entry.amount.value)
            .max()
            .unwrap_or_default();
        Self { rows, entries, height: median_height(rows), largest }
    }

    /// Candidates for one sum.
    pub fn candidates(&self, sum: Sum) -> Vec<Candidate> {
        self.entries
            .iter()
            .filter(|entry| entry.amount.value >= Decimal::ZERO && (sum == Sum::Tax || !entry.amount.value.is_zero()))
            .filter_map(|entry| {
                let weight = match sum {
                    Sum::Total => self.total(entry),
                    Sum::Subtotal => self.subtotal(entry)?,
                    Sum::Tax => self.tax(entry)?,
                };
                let row = self.rows.get(entry.row)?;
                let value =
                    FieldValue::Money(Money { amount: two_places(entry.amount.value), currency: entry.amount.currency.map(str::to_owned) });
                Some(Candidate::at(
                    row,
                    entry.span.clone(),
                    value,
                    weight + doubt(entry.span.confidence) - if entry.amount.gapped { 0.5 } else { 0.0 },
                ))
            })
            .collect()
    }

    /// The currency that stands beside amounts, and how many times.
    pub fn currencies(&self) -> impl Iterator<Item = (&'static str, &Row<'a>, &Span)> {
        self.entries.iter().filter_map(|entry| Some((entry.amount.currency?, self.rows.get(entry.row)?, &entry.span)))
    }

    fn total(&self, entry: &Entry) -> f64 {
        let value = entry.amount.value;
        let cues = if entry.cues.any { entry.cues } else { entry.above };
        let mut weight = -3.4;
        if cues.is_whole() {
            weight += if entry.cues.any { 3.0 } else { 1.6 };
            weight += if cues.last { 0.9 } else { 0.0 };
            weight += if cues.inclusive { 0.5 } else { 0.0 };
            weight -= if cues.count { 1.6 } else { 0.0 };
            weight -= if entry.has_company { 0.9 } else { 0.0 };
            // `Total includes GST 6%: 1.97` names the tax.
            weight -= if cues.tax && value * Decimal::from(4) < self.largest { 2.2 } else { 0.0 };
        } else if cues.subtotal {
            weight -= 0.4;
        } else if cues.payment && !cues.change {
            weight += if cues.cash { 0.2 } else { 0.9 };
        } else if cues.total && cues.exclusive {
            weight += 0.2;
        } else if cues.change || cues.discount || cues.tax || cues.rounding {
            weight -= 2.0;
        } else if entry.words > 3 {
            weight -= 0.6;
        }
        weight += if entry.is_last_of_row { 0.3 } else { -0.5 };
        weight += if entry.amount.currency.is_some() { 0.4 } else { 0.0 };
        weight += if entry.amount.decimals { 0.0 } else { -1.8 };
        weight += if value == self.largest { 0.7 } else { 0.0 };
        weight += if value < self.largest / Decimal::from(5) { -0.9 } else { 0.0 };
        let tall = self.height > 0.0 && self.rows.get(entry.row).is_some_and(|row| row.height > 1.25 * self.height);
        weight += if tall { 0.6 } else { 0.0 };
        let place = self.place(entry);
        weight += if place < 0.2 { -1.2 } else { 0.0 };
        // The same amount in several rows: as total, as payment, in the tax summary.
        weight += 0.5 * (self.rows_with(value).saturating_sub(1)).min(3) as f64;
        weight += if self.is_cash_less_change(value) { 2.2 } else { 0.0 };
        weight += if self.is_parts_together(value) { 1.2 } else { 0.0 };
        weight -= if self.is_rounded_later(entry) { 1.3 } else { 0.0 };
        weight += if self.is_rounding(entry) { 1.3 } else { 0.0 };
        weight
    }

    fn subtotal(&self, entry: &Entry) -> Option<f64> {
        let cues = if entry.cues.any { entry.cues } else { entry.above };
        let named = cues.subtotal || (cues.total && cues.exclusive) || (cues.exclusive && cues.tax);
        if !named || cues.discount || cues.change {
            return None;
        }
        let mut weight = if cues.subtotal { 1.4 } else { 0.9 };
        weight += if entry.is_last_of_row { 0.3 } else { -0.8 };
        let value = entry.amount.value;
        let adds_up = self.taxes().any(|tax| self.has_whole(value + tax));
        weight += if adds_up { 1.2 } else { 0.0 };
        weight += if self.place(entry) < 0.2 { -1.0 } else { 0.0 };
        Some(weight)
    }

    fn tax(&self, entry: &Entry) -> Option<f64> {
        let cues = if entry.cues.any { entry.cues } else { entry.above };
        let named = cues.tax && !cues.exclusive && !cues.subtotal;
        if !named || cues.change || cues.payment && !cues.total {
            return None;
        }
        let value = entry.amount.value;
        let mut weight = if cues.total && cues.inclusive { -2.5 } else { 0.8 };
        weight += if entry.is_last_of_row { 0.4 } else { -0.8 };
        weight += if value.is_zero() { -0.5 } else { 0.0 };
        let adds_up = self.entries.iter().any(|other| other.cues.subtotal && self.has_whole(other.amount.value + value));
        weight += if adds_up { 1.4 } else { 0.0 };
        weight += if value * Decimal::from(2) > self.largest { -2.5 } else { 0.0 };
        Some(weight)
    }

    /// How far down the whole document the entry stands, 0..=1.
    fn place(&self, entry: &Entry) -> f64 {
        entry.row as f64 / self.rows.len().max(1) as f64
    }

    fn rows_with(&self, value: Decimal) -> usize {
        let mut rows: Vec<usize> = self.entries.iter().filter(|entry| entry.amount.value == value).map(|entry| entry.row).collect();
        rows.dedup();
        rows.len()
    }

    fn is_cash_less_change(&self, value: Decimal) -> bool {
        let paid = || self.entries.iter().filter(|entry| entry.cues.payment && !entry.cues.is_whole());
        let change = || self.entries.iter().filter(|entry| entry.cues.change);
        paid().any(|paid| change().any(|change| paid.amount.value - change.amount.value.abs() == value && paid.row != change.row))
    }

    /// Subtotal and taxes, or the sum before rounding and the rounding.
    fn is_parts_together(&self, value: Decimal) -> bool {
        let parts =
            || self.entries.iter().filter(|entry| entry.cues.subtotal || (entry.cues.total && !entry.cues.tax) || entry.cues.exclusive);
        let added = || {
            self.entries.iter().filter(|entry| {
                (entry.cues.tax && !entry.cues.exclusive && !entry.cues.inclusive || entry.cues.rounding) && !entry.amount.value.is_zero()
            })
        };
        parts().any(|part| {
            added().any(|more| part.row != more.row && part.amount.value + more.amount.value == value && part.amount.value != value)
        })
    }

    /// Somewhere below, the sum is rounded to what can be paid in coins, and that is what is paid.
    fn is_rounded_later(&self, entry: &Entry) -> bool {
        let value = entry.amount.value;
        !is_payable(value)
            && self.entries.iter().any(|other| other.row != entry.row && is_rounded(value, other.amount.value) && other.may_be_paid())
    }

    /// The sum that this one rounds stands somewhere above.
    fn is_rounding(&self, entry: &Entry) -> bool {
        entry.may_be_paid()
            && self
                .entries
                .iter()
                .any(|other| other.row < entry.row && other.cues.is_whole() && is_rounded(other.amount.value, entry.amount.value))
    }

    fn taxes(&self) -> impl Iterator<Item = Decimal> {
        self.entries
            .iter()
            .filter(|entry| entry.cues.tax && !entry.cues.subtotal && !entry.cues.exclusive && entry.amount.value > Decimal::ZERO)
            .map(|entry| entry.amount.value)
    }

    fn has_whole(&self, value: Decimal) -> bool {
        self.entries.iter().any(|entry| entry.cues.is_whole() && entry.amount.value == value)
    }
}

fn read_row(rows: &[Row], index: usize, row: &Row, entries: &mut Vec<Entry>) {
    let found = amounts(row);
    let mut left = 0;
    let count = found.len();
    let values: Vec<Decimal> = found.iter().map(|amount| amount.value).collect();
    let words = Label::read(&row.text).len();
    let mut first_cues = Cues::default();
    for (place, amount) in found.into_iter().enumerate() {
        let Some(span) = row.span(amount.range.clone()) else { continue };
        let mut cues = Cues::read(row.text.get(left..amount.range.start).unwrap_or_default());
        if place == 0 {
            first_cues = cues;
        } else if !cues.any {
            // Columns of a summary: `GST 6% 80.91 4.85`.
            cues = first_cues;
        }
        let above = if cues.any || index == 0 { Cues::default() } else { Cues::read(&words_above(rows, index, &span)) };
        left = amount.range.end;
        let has_company = values.iter().any(|value| *value != amount.value);
        entries.push(Entry { amount, span, row: index, cues, above, is_last_of_row: place + 1 == count, words, has_company });
    }
}

/// The row above, where it holds no amount of its own.
fn words_above(rows: &[Row], index: usize, _span: &Span) -> String {
    index
        .checked_sub(1)
        .and_then(|above| rows.get(above))
        .filter(|above| rows.get(index).is_some_and(|row| row.page == above.page) && amounts(above).is_empty())
        .map(|above| above.text.clone())
        .unwrap_or_default()
}

/// Whether coins of five cents can pay it.
fn is_payable(value: Decimal) -> bool {
    (value % Decimal::new(5, 2)).is_zero()
}

/// Whether `paid` is `sum` rounded to five cents.
fn is_rounded(sum: Decimal, paid: Decimal) -> bool {
    sum != paid && is_payable(paid) && !is_payable(sum) && (sum - paid).abs() <= Decimal::new(2, 2)
}

fn two_places(mut value: Decimal) -> Decimal {
    value.rescale(2);
    value
}

//! Total, subtotal and tax: every amount of the document with the words beside it, held against each other by arithmetic.

use domain::claim::FieldValue;
use domain::money::Money;
use rust_decimal::Decimal;

use crate::extract::arithmetic::Arithmetic;
use crate::extract::candidate::{Candidate, doubt};
use crate::extract::entry::{self, Entry};
use crate::extract::row::{Row, Span, median_height};

/// Which sum is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Total,
    Subtotal,
    Tax,
}

/// All amounts of a document and what adds up among them; made once, asked for each sum.
#[derive(Debug)]
pub struct Sums<'a> {
    rows: &'a [Row<'a>],
    entries: Vec<Entry>,
    arithmetic: Arithmetic,
    height: f32,
    largest: Decimal,
}

impl<'a> Sums<'a> {
    /// Reads the amounts of the rows.
    pub fn read(rows: &'a [Row<'a>]) -> Self {
        let entries = entry::read(rows);
        let largest = entries
            .iter()
            .filter(|entry| !entry.cues.payment && entry.amount.decimals)
            .map(|entry| entry.amount.value)
            .max()
            .unwrap_or_default();
        let arithmetic = Arithmetic::read(&entries);
        Self { rows, entries, arithmetic, height: median_height(rows), largest }
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
        weight += 0.5 * (self.arithmetic.rows_with(value).saturating_sub(1)).min(3) as f64;
        weight += if self.arithmetic.is_cash_less_change(value) { 2.2 } else { 0.0 };
        weight -= if self.arithmetic.contradicts_cash(value) { 0.5 } else { 0.0 };
        weight -= if self.arithmetic.misses_rounding(value) { 0.8 } else { 0.0 };
        weight += if self.arithmetic.is_parts_together(value) { 1.2 } else { 0.0 };
        weight -= if self.arithmetic.is_rounded_elsewhere(entry) { 1.3 } else { 0.0 };
        weight += if self.arithmetic.is_rounding(entry) { 1.3 } else { 0.0 };
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
        let adds_up = self.arithmetic.is_whole_with_tax(value);
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
        let adds_up = self.arithmetic.is_whole_with_subtotal(value);
        weight += if adds_up { 1.4 } else { 0.0 };
        weight += if value * Decimal::from(2) > self.largest { -2.5 } else { 0.0 };
        Some(weight)
    }

    /// How far down the whole document the entry stands, 0..=1.
    fn place(&self, entry: &Entry) -> f64 {
        entry.row as f64 / self.rows.len().max(1) as f64
    }
}

fn two_places(mut value: Decimal) -> Decimal {
    value.rescale(2);
    value
}

//! Amounts in their surroundings: the words to the left, the row above, the columns beside.

use rust_decimal::Decimal;

use crate::extract::amount::{Amount, amounts};
use crate::extract::label::{Cues, Label};
use crate::extract::row::{Row, Span};

/// An amount in its surroundings.
#[derive(Debug)]
pub struct Entry {
    pub amount: Amount,
    pub span: Span,
    pub row: usize,
    /// Words to its left, as far as the previous amount.
    pub cues: Cues,
    /// Words in the row above, where none stand to the left.
    pub above: Cues,
    /// No amount follows in the row.
    pub is_last_of_row: bool,
    /// Words other than amounts in the row; item lines have many.
    pub words: usize,
    /// Other amounts, not the same, stand in the row: columns of a summary.
    pub has_company: bool,
}

impl Entry {
    /// Nothing beside it says that it is only a part or what is left over.
    pub fn may_be_paid(&self) -> bool {
        let cues = if self.cues.any { self.cues } else { self.above };
        !(cues.subtotal || cues.exclusive || cues.change || cues.discount || (cues.tax && !cues.inclusive)) && self.words <= 6
    }
}

/// All amounts of the rows, in reading order.
pub fn read(rows: &[Row]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        read_row(rows, index, row, &mut entries);
    }
    entries
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
        let above = if cues.any || index == 0 { Cues::default() } else { Cues::read(&words_above(rows, index)) };
        left = amount.range.end;
        let has_company = values.iter().any(|value| *value != amount.value);
        entries.push(Entry { amount, span, row: index, cues, above, is_last_of_row: place + 1 == count, words, has_company });
    }
}

/// The row above, where it holds no amount of its own.
fn words_above(rows: &[Row], index: usize) -> String {
    index
        .checked_sub(1)
        .and_then(|above| rows.get(above))
        .filter(|above| rows.get(index).is_some_and(|row| row.page == above.page) && amounts(above).is_empty())
        .map(|above| above.text.clone())
        .unwrap_or_default()
}

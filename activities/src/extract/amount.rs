//! Finds amounts of money in a row: grouping, decimal point or comma, sign, currency beside it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

use crate::extract::currency;
use crate::extract::row::Row;

/// An amount as printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    pub value: Decimal,
    /// ISO 4217, when a symbol or code stands beside it.
    pub currency: Option<&'static str>,
    /// Whether it has two decimals. An amount without is only taken where its currency stands beside it.
    pub decimals: bool,
    /// Whether the reader left a space inside the number, which is then less sure.
    pub gapped: bool,
    /// Bytes of the row's text, currency included.
    pub range: Range<usize>,
}

// Groups of three, or plain digits; then two decimals, which a reader may set apart by a space.
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[0-9]{1,3}(?:[.,'][ ]?[0-9]{3})+(?:[ ]?[.,][ ]?[0-9]{2})?|[0-9]{1,9}[ ]?[.,][ ]?[0-9]{2}|[0-9]{1,7}").ok()
});

/// All amounts of a row, left to right.
pub fn amounts(row: &Row) -> Vec<Amount> {
    let Some(number) = NUMBER.as_ref() else { return Vec::new() };
    let text = row.digits.as_str();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(hit) = number.find_at(text, from) {
        match amount(text, hit.range()) {
            Some(amount) => {
                from = amount.range.end;
                found.push(amount);
            }
            // Skip the digits of what was no amount, so that `12.345678` does not give `45678`.
            None => from = end_of_number(text, hit.start()),
        }
    }
    found
}

fn end_of_number(text: &str, start: usize) -> usize {
    text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| start + length)
}

fn amount(text: &str, number: Range<usize>) -> Option<Amount> {
    let (before, after) = (&text[..number.start], &text[number.end..]);
    if glued_before(before) || glued_after(after) {
        return None;
    }
    let printed = &text[number.clone()];
    let (mut value, mut decimals) = parse(printed)?;
    let (currency, start) = match currency::at_end(before) {
        Some((currency, length)) => (Some(currency), number.start - length),
        None => (None, number.start),
    };
    let (currency, end) = match (currency, currency::at_start(after)) {
        (None, Some((currency, length))) => (Some(currency), number.end + length),
        (currency, _) => (currency, number.end),
    };
    if !decimals && currency.is_none() {
        return None;
    }
    let mut end = end;
    let mut gapped = printed.contains(' ');
    // `RM 64 13`: the reader lost the point.
    if !decimals
        && start < number.start
        && let Some(cents) = lost_cents(after)
    {
        (value, decimals, gapped, end) = (value + cents, true, true, number.end + 3);
    }
    let negative = is_negative(&text[..start], before);
    let value = if negative { -value } else { value };
    Some(Amount { value, currency, decimals, gapped, range: start..end })
}

/// A space, two digits, and then no more of them.
fn lost_cents(after: &str) -> Option<Decimal> {
    let cents = after.strip_prefix(' ')?.get(..2).filter(|cents| cents.bytes().all(|byte| byte.is_ascii_digit()))?;
    let ends = !after
        .get(3..)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '/' | ':' | '%' | '-')));
    if ends { Some(Decimal::new(cents.parse().ok()?, 2)) } else { None }
}

/// The number goes on to the left: part of a date, a code, a longer number.
fn glued_before(before: &str) -> bool {
    let mut back = before.chars().rev();
    match back.next() {
        Some(c) if c.is_ascii_digit() || matches!(c, '/' | ':' | '#' | '_') => true,
        // `1.2.50`, `12-345.00`
        Some('.' | ',' | '-' | '\'') => back.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) if c.is_alphabetic() => currency::at_end(before).is_none() && !ends_in_short_word(before),
        _ => false,
    }
}

/// `X9.00` and `A9.00` are counts and codes that the reader set close; `INV2018.12` is not money.
fn ends_in_short_word(before: &str) -> bool {
    before.chars().rev().take_while(|c| c.is_alphanumeric()).count() <= 2
}

/// The number goes on to the right: a date, a longer number, a share.
fn glued_after(after: &str) -> bool {
    let mut on = after.chars();
    match on.next() {
        Some(c) if c.is_ascii_digit() || matches!(c, '/' | ':' | '%') => true,
        Some('.' | ',' | '-') => on.next().is_some_and(|c| c.is_ascii_digit()),
        Some(' ') => on.next() == Some('%'),
        // Measures: `35.50CM`; one or two letters may be a tax code: `9.00SR`.
        Some(c) if c.is_alphabetic() => {
            currency::at_start(after).is_none()
                && (after.chars().take_while(|c| c.is_alphabetic()).count() > 2
                    || MEASURES.iter().any(|measure| starts_with_word(after, measure)))
        }
        _ => false,
    }
}

const MEASURES: [&str; 9] = ["CM", "MM", "KG", "ML", "L", "M", "G", "KM", "PM"];

fn starts_with_word(text: &str, word: &str) -> bool {
    let length = text.chars().take_while(|c| c.is_alphabetic()).count();
    length == word.len() && text.as_bytes().get(..length).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
}

/// A minus right before the number or before its currency, or brackets around it as accountants write.
fn is_negative(before_currency: &str, before: &str) -> bool {
    // A dash after a letter or set apart by a space joins words: `TOTAL - 9.00`.
    let minus = |text: &str| text.strip_suffix('-').is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()));
    minus(before) || minus(before_currency) || before.ends_with('(')
}

/// Reads groups and decimals. The last separator is the decimal one if two digits follow it.
fn parse(printed: &str) -> Option<(Decimal, bool)> {
    let compact: String = printed.chars().filter(|c| *c != ' ').collect();
    let (whole, cents) = match compact.rfind(['.', ',']) {
        Some(at) if compact.len() - at == 3 => (&compact[..at], &compact[at + 1..]),
        _ => (compact.as_str(), ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    // Leading zeros are codes (`0012.50`), a lone zero is not.
    if whole.len() > 1 && whole.starts_with('0') || whole.len() > 12 {
        return None;
    }
    let plain = if cents.is_empty() { whole } else { format!("{whole}.{cents}") };
    Some((plain.parse().ok()?, !cents.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::row::rows;
    use crate::extract::testing::page;

    fn read(line: &str) -> Vec<String> {
        let pages = [page(&[line])];
        let rows = rows(&pages);
        amounts(&rows[0])
            .iter()
            .map(|amount| format!("{}{}", amount.value, amount.currency.map(|code| format!(" {code}")).unwrap_or_default()))
            .collect()
    }

    #[test]
    fn amounts_are_read_as_printed() {
        let cases: [(&str, &[&str]); 27] = [
            ("TOTAL 9.00", &["9.00"]),
            ("TOTAL RM 1,234.50", &["1234.50 MYR"]),
            ("TOTAL RM9.00", &["9.00 MYR"]),
            ("Total 1.899,84 EUR", &["1899.84 EUR"]),
            ("TOTAL 119,60", &["119.60"]),
            ("TOTAL €21", &["21 EUR"]),
            ("£1'234.50", &["1234.50 GBP"]),
            ("ROUNDING RM -0.01", &["-0.01 MYR"]),
            ("ROUNDING -RM 0.02", &["-0.02 MYR"]),
            ("DISCOUNT (5.00)", &["-5.00"]),
            ("TOTAL - 9.00", &["9.00"]),
            ("TOTAL 9. 00", &["9.00"]),
            ("2 X 4.50 9.00", &["4.50", "9.00"]),
            ("80.91 SR", &["80.91"]),
            ("80.91SR", &["80.91"]),
            ("RM1S.O0", &["15.00 MYR"]),
            ("30.03.18", &[]),
            ("12.345678", &[]),
            ("GST 6.00%", &[]),
            ("TIME 12:31.00", &[]),
            ("BOARD 35.50CM", &[]),
            ("TEL 07-3523888", &[]),
            ("$2,450.00", &["2450.00 USD"]),
            ("QTY 4", &[]),
            ("CASH RM 64 13", &["64.13 MYR"]),
            ("RM 2 X 10", &["2 MYR"]),
            // Digits of other scripts are no amount to us, and no trap.
            ("TOTAL \u{663}.\u{664}\u{665}", &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}

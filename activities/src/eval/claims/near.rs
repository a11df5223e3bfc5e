//! Values that are almost right: what somebody would claim who hopes that nobody looks twice.

use chrono::{Datelike, Days, NaiveDate};
use domain::calibration::Chance;
use rust_decimal::Decimal;

/// The days before and after, one digit off, two digits swapped. Never the same day, and never day and month swapped.
pub fn dates(gold: NaiveDate, chance: &mut Chance) -> Vec<(&'static str, NaiveDate)> {
    let printed = gold.format("%d%m%Y").to_string();
    let read = |text: String| NaiveDate::parse_from_str(&text, "%d%m%Y").ok().filter(|date| date.year() > 1900);
    let near = [
        ("next day", gold.checked_add_days(Days::new(1))),
        ("day before", gold.checked_sub_days(Days::new(1))),
        ("one digit", pick(one_digit_off(&printed).into_iter().filter_map(read), chance)),
        ("two digits swapped", pick(two_digits_swapped(&printed).into_iter().filter_map(read), chance)),
    ];
    let other = |date: &NaiveDate| *date != gold && Some(*date) != swapped(gold);
    near.into_iter().filter_map(|(how, date)| Some((how, date.filter(other)?))).collect()
}

/// Day and month change places, where that is another date.
pub fn swapped(gold: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(gold.year(), gold.day(), gold.month()).filter(|date| *date != gold)
}

/// One digit off, two digits swapped.
pub fn amounts(gold: Decimal, chance: &mut Chance) -> Vec<(&'static str, Decimal)> {
    let printed = format!("{:.2}", gold.abs());
    let read = |text: String| text.parse::<Decimal>().ok().filter(|amount| !amount.is_zero() && *amount != gold.abs());
    let near = [
        ("one digit", pick(one_digit_off(&printed).into_iter().filter_map(read), chance)),
        ("two digits swapped", pick(two_digits_swapped(&printed).into_iter().filter_map(read), chance)),
    ];
    near.into_iter().filter_map(|(how, amount)| Some((how, amount?))).collect()
}

/// One digit off, two digits swapped, in a text that has digits.
pub fn texts(gold: &str, chance: &mut Chance) -> Vec<(&'static str, String)> {
    let near = [
        ("one digit", pick(one_digit_off(gold).into_iter(), chance)),
        ("two digits swapped", pick(two_digits_swapped(gold).into_iter(), chance)),
    ];
    near.into_iter().filter_map(|(how, text)| Some((how, text?))).collect()
}

/// A letter for the digit that looks like it, or the other way round.
pub fn confused(gold: &str) -> Option<String> {
    const PAIRS: [(char, char); 4] = [('0', 'O'), ('1', 'I'), ('5', 'S'), ('8', 'B')];
    let other = |c: char| PAIRS.iter().find_map(|(a, b)| if c == *a { Some(*b) } else { (c == *b).then_some(*a) });
    let at = gold.char_indices().find(|(_, c)| other(*c).is_some())?;
    Some(gold.char_indices().map(|(index, c)| if index == at.0 { other(c).unwrap_or(c) } else { c }).collect())
}

fn pick<T>(all: impl Iterator<Item = T>, chance: &mut Chance) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    if all.is_empty() { None } else { Some(all.swap_remove(chance.below(all.len()))) }
}

fn one_digit_off(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, c) in text.char_indices() {
        let Some(digit) = c.to_digit(10) else { continue };
        for next in [digit.checked_add(1), digit.checked_sub(1)].into_iter().flatten().filter_map(|digit| char::from_digit(digit, 10)) {
            all.push(text.char_indices().map(|(index, c)| if index == at { next } else { c }).collect());
        }
    }
    all
}

fn two_digits_swapped(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    (1..letters.len())
        .filter(|at| letters[at - 1].is_ascii_digit() && letters[*at].is_ascii_digit() && letters[at - 1] != letters[*at])
        .map(|at| {
            let mut letters = letters.clone();
            letters.swap(at - 1, at);
            letters.into_iter().collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_changed_one_at_a_time() {
        assert_eq!(one_digit_off("9.0"), ["8.0", "9.1"]);
        assert_eq!(two_digits_swapped("12.345"), ["21.345", "12.435", "12.354"]);
        assert!(two_digits_swapped("1.1 A22").is_empty());
        assert_eq!(confused("INV-0X").as_deref(), Some("1NV-0X"));
        assert_eq!(confused("XYZ"), None);
    }

    #[test]
    fn days_and_months_are_swapped_where_that_is_another_date() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(swapped(day(2018, 3, 4)), Some(day(2018, 4, 3)));
        assert_eq!(swapped(day(2018, 3, 30)), None);
        assert_eq!(swapped(day(2018, 3, 3)), None);
    }

    proptest! {
        #[test]
        fn what_is_near_is_never_the_same(days in 0_u64..20_000, cents in 1_i64..10_000_000, seed: u64) {
            let mut chance = Chance::new(seed);
            let date = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap().checked_add_days(Days::new(days)).unwrap();
            prop_assert!(dates(date, &mut chance).iter().all(|(_, near)| *near != date && Some(*near) != swapped(date)));
            let amount = Decimal::new(cents, 2);
            prop_assert!(amounts(amount, &mut chance).iter().all(|(_, near)| *near != amount && *near > Decimal::ZERO));
        }
    }
}

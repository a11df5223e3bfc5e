//! Finds dates in a row, in the formats that receipts and invoices use, with the other reading where day and month can be swapped.

use std::ops::Range;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};
use regex::{Captures, Regex};

use crate::extract::row::Row;

/// A date as printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub date: NaiveDate,
    /// The month-first reading of a date taken day first.
    pub alternative: Option<NaiveDate>,
    /// How plain the spelling is: 1 for a full date, less where the reader's slips were guessed at.
    pub plainness: f64,
    /// Only the month-first reading exists, as in `07/24/2022`.
    pub month_first: bool,
    /// Bytes of the row's text.
    pub range: Range<usize>,
}

/// What a pattern's three groups are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    DayMonthYear,
    YearMonthDay,
    DayNameYear,
    NameDayYear,
}

/// Which text of the row a pattern reads.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Digits,
    Upper,
}

struct Pattern {
    regex: Regex,
    order: Order,
    reading: Reading,
    plainness: f64,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    use Order::{DayMonthYear, DayNameYear, NameDayYear, YearMonthDay};
    use Reading::{Digits, Upper};
    [
        (r"([0-9]{4}) ?[/.\-] ?([0-9]{1,2}) ?[/.\-] ?([0-9]{1,2})", YearMonthDay, Digits, 1.0),
        (r"([0-9]{1,2}) ?[/\-] ?([0-9]{1,2}) ?[/\-] ?([0-9]{4}|[0-9]{2})", DayMonthYear, Digits, 1.0),
        (r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?([0-9]{4}|[0-9]{2})", DayMonthYear, Digits, 0.95),
        (r"([0-9]{1,2})(?:ST|ND|RD|TH)?[ \-/.,']{0,3}(\p{L}{3,9})[ \-/.,']{0,3}([0-9]{4}|[0-9]{2})", DayNameYear, Upper, 1.0),
        (r"(\p{L}{3,9})[ \-.]{0,2}([0-9]{1,2})(?:ST|ND|RD|TH)?[ ,.\-]{1,3}([0-9]{4})", NameDayYear, Upper, 1.0),
        // A slash read as 1, I, l, 7, a dot, a bracket or nothing; only where the year says that this is a date.
        (
            r"([0-9]{2})[/\-.,:;|I!L\]\[1(){}\\7 ]{1,2}([0-9]{2})[/\-.,:;|I!L\]\[1(){}\\7 ]{0,2}((?:19|20)[0-9]{2})",
            DayMonthYear,
            Upper,
            0.55,
        ),
        (r"([0-9]{2})[/\-.,:;|I!L\]\[]{0,2}([0-9]{2})[/\-.,:;|I!L\]\[1(){}\\7 ]{1,2}((?:19|20)[0-9]{2})", DayMonthYear, Upper, 0.5),
        (r"([0-9]{2})([0-9]{2})(20[0-9]{2})", DayMonthYear, Digits, 0.4),
        (r"(20[0-9]{2})([0-9]{2})([0-9]{2})", YearMonthDay, Digits, 0.4),
    ]
    .into_iter()
    .filter_map(|(pattern, order, reading, plainness)| Some(Pattern { regex: Regex::new(pattern).ok()?, order, reading, plainness }))
    .collect()
});

/// All dates of a row. Of readings that overlap, the plainest is kept.
pub fn days(row: &Row) -> Vec<Day> {
    let mut found: Vec<Day> = Vec::new();
    for pattern in PATTERNS.iter() {
        let text = match pattern.reading {
            Reading::Digits => row.digits.as_str(),
            Reading::Upper => row.upper.as_str(),
        };
        let mut from = 0;
        while let Some(captures) = pattern.regex.captures_at(text, from) {
            let Some(whole) = captures.get(0) else { break };
            let day = day(text, &captures, whole.range(), pattern);
            from = match &day {
                Some(day) => day.range.end,
                None => next_character(text, whole.start()),
            };
            if let Some(day) = day
                && !found.iter().any(|held| held.range.start < day.range.end && day.range.start < held.range.end)
            {
                found.push(day);
            }
            if from >= text.len() {
                break;
            }
        }
    }
    found.sort_by_key(|day| day.range.start);
    found
}

fn next_character(text: &str, at: usize) -> usize {
    (at + 1..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

fn day(text: &str, captures: &Captures, range: Range<usize>, pattern: &Pattern) -> Option<Day> {
    let part = |index: usize| captures.get(index).map(|group| group.as_str());
    let (first, second, third) = (part(1)?, part(2)?, part(3)?);
    let (before, after) = (text[..range.start].chars().next_back(), &text[range.end..]);
    let named = matches!(pattern.order, Order::DayNameYear | Order::NameDayYear);
    if before.is_some_and(|c| c.is_ascii_digit() || (named && c.is_alphabetic()) || matches!(c, '.' | '/')) {
        return None;
    }
    if let Some(c) = after.chars().next()
        && (c.is_ascii_digit() || (matches!(c, '/' | '-') && after[1..].starts_with(|c: char| c.is_ascii_digit())))
        && glued_time(third, after).is_none()
    {
        return None;
    }
    let glued = glued_time(third, after);
    let third = glued.map_or(third, |year| year);
    let (year, month, day, swappable) = match pattern.order {
        Order::DayMonthYear => (year(third)?, second.parse().ok()?, first.parse().ok()?, true),
        Order::YearMonthDay => (year(first)?, second.parse().ok()?, third.parse().ok()?, false),
        Order::DayNameYear => (year(third)?, month(second)?, first.parse().ok()?, false),
        Order::NameDayYear => (year(third)?, month(first)?, second.parse().ok()?, false),
    };
    let plain = plausible(year, month, day);
    let swapped = if swappable && day != month { plausible(year, day, month) } else { None };
    let plainness = if third.len() == 2 && !named { pattern.plainness * 0.97 } else { pattern.plainness };
    let range = if glued.is_some() { range.start..range.end - 2 } else { range };
    match (plain, swapped) {
        (Some(date), alternative) => Some(Day { date, alternative, plainness, month_first: false, range }),
        (None, Some(date)) => Some(Day { date, alternative: None, plainness: plainness * 0.95, month_first: true, range }),
        // `18-03-30`: two digits of the year first.
        (None, None) if swappable && third.len() == 2 => {
            let date = plausible(self::year(first)?, second.parse().ok()?, third.parse().ok()?)?;
            Some(Day { date, alternative: None, plainness: plainness * 0.9, month_first: false, range })
        }
        (None, None) => None,
    }
}

/// `12/01/1921:13` is the year 19 and a time: gives the two digits.
fn glued_time<'a>(year: &'a str, after: &str) -> Option<&'a str> {
    let time = after.strip_prefix(':').is_some_and(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_digit));
    (year.len() == 4 && time).then(|| &year[..2])
}

/// Documents older than 1990 or younger than 2100 are slips of the reader.
fn plausible(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).filter(|date| (1990..=2100).contains(&date.year()))
}

fn year(text: &str) -> Option<i32> {
    let number: i32 = text.parse().ok()?;
    Some(match text.len() {
        // Two digits: nothing that is verified today was issued after 2049.
        2 if number < 50 => 2000 + number,
        2 => 1900 + number,
        _ => number,
    })
}

/// Names of months, each at least three letters of it; English first, then Malay, German, French and Spanish where they differ.
const MONTHS: [(&str, u32); 51] = [
    ("JANUARY", 1),
    ("FEBRUARY", 2),
    ("MARCH", 3),
    ("APRIL", 4),
    ("MAY", 5),
    ("JUNE", 6),
    ("JULY", 7),
    ("AUGUST", 8),
    ("SEPTEMBER", 9),
    ("OCTOBER", 10),
    ("NOVEMBER", 11),
    ("DECEMBER", 12),
    ("SEPT", 9),
    ("JANUARI", 1),
    ("FEBRUARI", 2),
    ("MAC", 3),
    ("MEI", 5),
    ("JUN", 6),
    ("JULAI", 7),
    ("OGOS", 8),
    ("OKTOBER", 10),
    ("DISEMBER", 12),
    ("JANUAR", 1),
    ("FEBRUAR", 2),
    ("MÄRZ", 3),
    ("MRZ", 3),
    ("MAI", 5),
    ("JUNI", 6),
    ("JULI", 7),
    ("DEZEMBER", 12),
    ("JANVIER", 1),
    ("FÉVRIER", 2),
    ("FEVRIER", 2),
    ("MARS", 3),
    ("AVRIL", 4),
    ("JUIN", 6),
    ("JUILLET", 7),
    ("AOÛT", 8),
    ("SEPTEMBRE", 9),
    ("OCTOBRE", 10),
    ("NOVEMBRE", 11),
    ("DÉCEMBRE", 12),
    ("ENERO", 1),
    ("FEBRERO", 2),
    ("MARZO", 3),
    ("ABRIL", 4),
    ("MAYO", 5),
    ("JUNIO", 6),
    ("JULIO", 7),
    ("AGOSTO", 8),
    ("DICIEMBRE", 12),
];

fn month(name: &str) -> Option<u32> {
    let name = name.to_uppercase();
    MONTHS.iter().find(|(full, _)| full.starts_with(&name)).map(|(_, month)| *month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::row::rows;
    use crate::extract::testing::page;

    fn read(line: &str) -> Vec<String> {
        let pages = [page(&[line])];
        let rows = rows(&pages);
        days(&rows[0])
            .iter()
            .map(|day| match day.alternative {
                Some(alternative) => format!("{} or {alternative}", day.date),
                None => day.date.to_string(),
            })
            .collect()
    }

    #[test]
    fn dates_are_read_as_printed() {
        let cases: [(&str, &[&str]); 25] = [
            ("DATE: 30/03/2018 12:47 PM", &["2018-03-30"]),
            ("30-03-18", &["2018-03-30"]),
            ("2018-03-30", &["2018-03-30"]),
            ("14.03.2024 08:17", &["2024-03-14"]),
            ("30 MAR 2018", &["2018-03-30"]),
            ("30-Mar-18", &["2018-03-30"]),
            ("30MAR2018", &["2018-03-30"]),
            ("5 December 2022", &["2022-12-05"]),
            ("March 21, 2022", &["2022-03-21"]),
            ("28 Jun 2024", &["2024-06-28"]),
            ("1st Februar 2024", &["2024-02-01"]),
            ("02/03/2018", &["2018-03-02 or 2018-02-03"]),
            ("03/03/2018", &["2018-03-03"]),
            ("07/24/2022", &["2022-07-24"]),
            ("3O/O3/2O18", &["2018-03-30"]),
            ("30 / 03 / 2018", &["2018-03-30"]),
            ("30/0312018", &["2018-03-30"]),
            ("12/01/1921:13", &["2019-01-12 or 2019-12-01"]),
            ("20180330", &["2018-03-30"]),
            ("31/02/2018", &[]),
            ("01/01/1970", &[]),
            ("ROC 933109-X", &[]),
            ("TEL 03-5550 1842", &[]),
            ("MARKET 12 2018", &[]),
            ("1 March 2024 to 3 March 2024", &["2024-03-01", "2024-03-03"]),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}

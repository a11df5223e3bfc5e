//! Since when: a time, or a while ago.

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Reads `2026-11-21T10:00:00Z` or `90s`, `30m`, `2h`, `7d` before now, and spells it as the gateway reads it.
pub fn read(text: &str, now: DateTime<Utc>) -> Result<String> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Some(time.to_utc()),
        Err(_) => ago(text).and_then(|while_ago| now.checked_sub_signed(while_ago)),
    };
    let time = time
        .with_context(|| format!("--since `{text}` is neither a time like 2026-11-21T10:00:00Z nor a while ago like 90s, 30m, 2h, 7d"))?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn ago(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().next_back().filter(char::is_ascii_alphabetic)?;
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    let number = i64::from(number);
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_a_while_ago_is_read() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        for (text, expected) in [
            ("2026-11-21T10:00:00+08:00", "2026-11-21T02:00:00.000000Z"),
            ("0s", "2023-11-14T22:13:20.000000Z"),
            ("90s", "2023-11-14T22:11:50.000000Z"),
            ("30m", "2023-11-14T21:43:20.000000Z"),
            ("2h", "2023-11-14T20:13:20.000000Z"),
            ("7d", "2023-11-07T22:13:20.000000Z"),
        ] {
            assert_eq!(read(text, now).unwrap(), expected);
        }
        for text in ["", "yesterday", "7", "-1h", "d", "é", "4294967295d", "2026-11-21"] {
            assert!(read(text, now).is_err(), "{text}");
        }
    }
}

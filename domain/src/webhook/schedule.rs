//! When a delivery is tried again, and when no more. Chance and clock come from the caller.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The wait before each of the ten attempts, counted from the end of the one before: 75 h 35 min 5 s in all, before jitter.
///
/// The example schedule of Standard Webhooks 1.0.0, "Deliverability and reliability".
pub const WAITS: [Duration; 10] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// The longest that an endpoint can put us off with `Retry-After`: 24 hours.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * HOUR);

/// A wait is lengthened or shortened by at most this part of itself, so that what failed together does not return together.
const JITTER: f64 = 0.1;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, always 29 characters (IMF-fixdate, RFC 9110 section 5.6.7).
const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";
const IMF_FIXDATE_LENGTH: usize = 29;

/// What one attempt came to, in the terms of Standard Webhooks 1.0.0. `retry_after` is how long the endpoint asked us to stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// The endpoint wants no more messages, this one or any other.
    Gone,
    /// The endpoint is overloaded: the whole endpoint is to be slowed down, not this delivery alone.
    SlowDown {
        retry_after: Option<Duration>,
    },
    Failed {
        retry_after: Option<Duration>,
    },
}

/// Reads the HTTP status of the answer (Standard Webhooks 1.0.0); `None` is no answer at all. Redirects are failures and never followed.
pub fn judge(status: Option<u16>, retry_after: Option<Duration>) -> Outcome {
    match status {
        Some(200..=299) => Outcome::Delivered,
        Some(410) => Outcome::Gone,
        Some(429 | 502 | 504) => Outcome::SlowDown { retry_after },
        _ => Outcome::Failed { retry_after },
    }
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Done,
    /// The endpoint is switched off at once.
    Disable,
    /// Another attempt after this long.
    After(Duration),
    /// Kept for replaying by hand; nothing more is tried.
    DeadLetter,
}

/// What follows when `attempts_made` attempts have been made, the last of them with `outcome`.
///
/// `chance` in 0..1 draws the jitter of up to 10 % either way: 0 waits shortest, 0.5 exactly as long as [`WAITS`] says.
/// `Retry-After` is honoured when later, up to [`LONGEST_RETRY_AFTER`], but never buys an eleventh attempt.
pub fn next(attempts_made: u32, outcome: &Outcome, chance: f64) -> Next {
    let retry_after = match outcome {
        Outcome::Delivered => return Next::Done,
        Outcome::Gone => return Next::Disable,
        Outcome::SlowDown { retry_after } | Outcome::Failed { retry_after } => retry_after.unwrap_or_default(),
    };
    match usize::try_from(attempts_made).ok().and_then(|index| WAITS.get(index)) {
        Some(wait) => Next::After(jittered(*wait, chance).max(retry_after.min(LONGEST_RETRY_AFTER))),
        None => Next::DeadLetter,
    }
}

/// Chance outside 0..1 is a slip of the caller that must not panic or stretch the wait.
fn jittered(wait: Duration, chance: f64) -> Duration {
    let chance = if chance.is_nan() { 0.5 } else { chance.clamp(0.0, 1.0) };
    wait.mul_f64(1.0 + 2.0 * JITTER * (chance - 0.5))
}

/// Reads `Retry-After` (RFC 9110 section 10.2.3): whole seconds, or a date as IMF-fixdate, from which `now` is taken off.
///
/// A date in the past is no wait; a number too large to hold is the longest one. Everything else, the two obsolete date formats included, is `None`.
pub fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = NaiveDateTime::parse_from_str(value, IMF_FIXDATE).ok()?;
    // Chrono reads more spellings than the one there is: other cases, missing zeros, extra spaces.
    if value.len() != IMF_FIXDATE_LENGTH || date.format(IMF_FIXDATE).to_string() != value {
        return None;
    }
    Some((date.and_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAILED: Outcome = Outcome::Failed { retry_after: None };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_waits_add_up_to_75_hours_35_minutes_and_5_seconds() {
        assert_eq!(WAITS.iter().sum::<Duration>(), seconds(75 * HOUR + 35 * MINUTE + 5));
        assert!(WAITS.is_sorted());
    }

    #[test]
    fn a_status_is_judged_as_the_specification_says() {
        for retry_after in [None, Some(seconds(7))] {
            let (slow, failed) = (Outcome::SlowDown { retry_after }, Outcome::Failed { retry_after });
            let cases = [
                (Some(200), Outcome::Delivered),
                (Some(202), Outcome::Delivered),
                (Some(204), Outcome::Delivered),
                (Some(299), Outcome::Delivered),
                (Some(410), Outcome::Gone),
                (Some(429), slow),
                (Some(502), slow),
                (Some(504), slow),
                (Some(0), failed),
                (Some(101), failed),
                (Some(199), failed),
                (Some(300), failed),
                (Some(301), failed),
                (Some(308), failed),
                (Some(400), failed),
                (Some(404), failed),
                (Some(409), failed),
                (Some(500), failed),
                (Some(503), failed),
                (Some(999), failed),
                (None, failed),
            ];
            for (status, expected) in cases {
                assert_eq!(judge(status, retry_after), expected, "{status:?}");
            }
        }
    }

    #[test]
    fn every_attempt_is_followed_by_the_wait_of_the_next_one() {
        for (made, wait) in (0_u32..).zip(WAITS) {
            assert_eq!(next(made, &FAILED, 0.5), Next::After(wait), "{made}");
            assert_eq!(next(made, &Outcome::SlowDown { retry_after: None }, 0.5), Next::After(wait), "{made}");
        }
    }

    #[test]
    fn after_the_tenth_attempt_nothing_is_tried() {
        let put_off = Outcome::SlowDown { retry_after: Some(seconds(1)) };
        for made in [10, 11, u32::MAX] {
            assert_eq!(next(made, &FAILED, 0.5), Next::DeadLetter, "{made}");
            assert_eq!(next(made, &put_off, 0.5), Next::DeadLetter, "{made}");
        }
    }

    #[test]
    fn delivered_and_gone_end_it_whatever_the_count() {
        for made in [1, 9, 10, 11] {
            assert_eq!(next(made, &Outcome::Delivered, 0.5), Next::Done, "{made}");
            assert_eq!(next(made, &Outcome::Gone, 0.5), Next::Disable, "{made}");
        }
    }

    #[test]
    fn jitter_reaches_ten_per_cent_either_way_and_no_further() {
        let cases = [(0.0, 270), (0.25, 285), (0.5, 300), (0.75, 315), (1.0, 330), (-3.0, 270), (9.0, 330)];
        for (chance, expected) in cases {
            assert_eq!(next(2, &FAILED, chance), Next::After(seconds(expected)), "{chance}");
        }
        for (chance, expected) in [(f64::NAN, 300), (f64::INFINITY, 330), (f64::NEG_INFINITY, 270)] {
            assert_eq!(next(2, &FAILED, chance), Next::After(seconds(expected)), "{chance}");
        }
    }

    #[test]
    fn retry_after_is_honoured_when_later_and_for_a_day_at_most() {
        let cases = [
            (1, seconds(0), seconds(5)),
            (1, seconds(4), seconds(5)),
            (1, seconds(6), seconds(6)),
            (2, seconds(299), seconds(300)),
            (2, seconds(3600), seconds(3600)),
            (1, seconds(24 * HOUR), seconds(24 * HOUR)),
            (1, seconds(24 * HOUR + 1), seconds(24 * HOUR)),
            (9, Duration::MAX, seconds(24 * HOUR)),
        ];
        for (made, asked, expected) in cases {
            let retry_after = Some(asked);
            assert_eq!(next(made, &Outcome::SlowDown { retry_after }, 0.5), Next::After(expected), "{made} {asked:?}");
            assert_eq!(next(made, &Outcome::Failed { retry_after }, 0.5), Next::After(expected), "{made} {asked:?}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        // Half a minute before the date of the examples in RFC 9110.
        let now = DateTime::from_timestamp(784_111_747, 0).unwrap();
        let cases = [
            ("0", Some(seconds(0))),
            ("120", Some(seconds(120))),
            ("007", Some(seconds(7))),
            ("99999999999999999999999", Some(seconds(u64::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(seconds(30))),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(seconds(0))),
            ("Sun, 06 Nov 1994 08:49:06 GMT", Some(seconds(0))),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(seconds(0))),
            ("Mon, 07 Nov 1994 08:49:07 GMT", Some(seconds(24 * HOUR))),
            // Obsolete formats of RFC 9110 section 5.6.7.
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun Nov  6 08:49:37 1994", None),
            // Nearly right.
            ("Mon, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sun,  6 Nov 1994 08:49:37 GMT", None),
            ("sun, 06 nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sun, 06 Nov 1994 08:49:37 +0000", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT ", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("Wed, 30 Feb 1994 08:49:37 GMT", None),
            ("", None),
            (" ", None),
            (" 5", None),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("5s", None),
            ("٥", None),
            ("soon", None),
        ];
        for (value, expected) in cases {
            assert_eq!(parse_retry_after(value, now), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_its_jitter_and_never_ends_before_retry_after(
            made in 0_u32..10,
            chance in 0.0_f64..1.0,
            asked in proptest::option::of(0_u64..200_000_000),
            slow: bool,
        ) {
            let retry_after = asked.map(Duration::from_millis);
            let outcome = if slow { Outcome::SlowDown { retry_after } } else { Outcome::Failed { retry_after } };
            let Next::After(after) = next(made, &outcome, chance) else { return Err(TestCaseError::fail("no wait")) };
            let (wait, floor) = (WAITS[made as usize], retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
            prop_assert!(after >= wait * 9 / 10 && after >= floor);
            prop_assert!(after <= (wait * 11 / 10).max(floor));
        }

        #[test]
        fn no_value_of_retry_after_panics(value in "\\PC{0,40}", at in -8_334_601_228_800_i64..8_210_266_876_799) {
            let now = DateTime::from_timestamp(at, 0).unwrap();
            let _ = parse_retry_after(&value, now);
            let _ = parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now);
        }
    }
}

//! How the queue is arranged: who is asked next, and for how long something may be put aside.

use chrono::{DateTime, Utc};

/// Who is to answer a review that somebody put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipTo {
    /// The same person, after everything else that waits for them.
    Mine,
    /// Anybody else.
    Others,
    /// A lead.
    Lead,
}

impl SkipTo {
    pub const ALL: [Self; 3] = [Self::Mine, Self::Others, Self::Lead];

    /// The stable word for forms, SQL and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Others => "others",
            Self::Lead => "lead",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|to| to.as_str() == word)
    }
}

/// Until when a review is put aside that somebody wants out of the way for so many seconds: never beyond the promised time, which is a
/// promise to the client. None when that has passed, or for no time at all.
pub fn aside_until(now: DateTime<Utc>, seconds: u32, due_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let until = (now + chrono::Duration::seconds(seconds.into())).min(due_at);
    (until > now).then_some(until)
}

/// The position of the one with the least to do among those who may take one more, the first of equals. None when all have `most` or more,
/// or there is nobody.
pub fn least_loaded(loads: impl IntoIterator<Item = u32>, most: u32) -> Option<usize> {
    loads.into_iter().enumerate().filter(|(_, load)| *load < most).min_by_key(|(_, load)| *load).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_target_reads_back_what_it_prints() {
        for to in SkipTo::ALL {
            assert_eq!(SkipTo::parse(to.as_str()), Some(to));
        }
        assert_eq!(SkipTo::parse("nobody"), None);
    }

    #[test]
    fn nothing_is_put_aside_beyond_its_promised_time() {
        let now = Utc::now();
        let at = |seconds: i64| now + Duration::seconds(seconds);
        for (seconds, due, until) in [
            (3600, 7200, Some(3600)),
            (3600, 3600, Some(3600)),
            (3600, 60, Some(60)),
            (3600, 0, None),
            (3600, -1, None),
            (0, 60, None),
            (u32::MAX, 60, Some(60)),
        ] {
            assert_eq!(aside_until(now, seconds, at(due)), until.map(at), "{seconds} s of {due} s");
        }
    }

    #[test]
    fn the_least_loaded_is_asked_and_nobody_beyond_the_cap() {
        for (loads, most, asked) in [
            (vec![], 5, None),
            (vec![3, 1, 1, 2], 5, Some(1)),
            (vec![5, 4, 5], 5, Some(1)),
            (vec![5, 5], 5, None),
            (vec![7], 5, None),
            (vec![0], 0, None),
        ] {
            assert_eq!(least_loaded(loads.clone(), most), asked, "{loads:?}");
        }
    }

    proptest! {
        #[test]
        fn handing_out_one_by_one_ends_level_and_below_the_cap(start in proptest::collection::vec(0_u32..6, 1..8), reviews in 0_usize..40, most in 1_u32..8) {
            let mut loads = start.clone();
            let mut handed = 0;
            for _ in 0..reviews {
                if let Some(at) = least_loaded(loads.iter().copied(), most) {
                    loads[at] += 1;
                    handed += 1;
                }
            }
            let room: u32 = start.iter().map(|load| most.saturating_sub(*load)).sum();
            prop_assert_eq!(handed, reviews.min(room as usize));
            let given = || loads.iter().zip(&start).filter(|(end, start)| end > start).map(|(end, _)| *end);
            prop_assert!(given().all(|end| end <= most));
            // Who was given something has no more than one above anybody who could have been.
            let least = loads.iter().min().copied().unwrap_or_default();
            prop_assert!(given().all(|end| end <= least + 1));
        }
    }
}

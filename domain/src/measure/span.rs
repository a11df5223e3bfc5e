//! The spans that figures are made for.

use chrono::{DateTime, Duration, NaiveTime, Utc};

/// How far back figures go. None goes further than a month, so that what they cost has a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    /// Since midnight, UTC.
    Today,
    /// The last seven times 24 hours.
    #[default]
    Week,
    /// The last thirty times 24 hours.
    Month,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Today, Self::Week, Self::Month];

    /// The stable word for addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == word)
    }

    /// Where it begins.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Today => now.date_naive().and_time(NaiveTime::MIN).and_utc(),
            Self::Week => now - Duration::days(7),
            Self::Month => now - Duration::days(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_and_reach_back() {
        let now: DateTime<Utc> = "2026-03-01T13:30:00Z".parse().unwrap();
        for (span, begins) in
            [(Span::Today, "2026-03-01T00:00:00Z"), (Span::Week, "2026-02-22T13:30:00Z"), (Span::Month, "2026-01-30T13:30:00Z")]
        {
            assert_eq!((Span::parse(span.as_str()), span.since(now)), (Some(span), begins.parse().unwrap()));
        }
        for word in ["", "7", "8d", "7D", "-7d", "9999999999d", "7d\0"] {
            assert_eq!(Span::parse(word), None, "{word:?}");
        }
    }
}

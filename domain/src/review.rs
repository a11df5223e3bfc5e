//! A review: a task for a person, and what the person decided.

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    Pending,
    Escalated,
    Decided,
    /// The person asked for more evidence; another round follows when it comes.
    Asked,
    Expired,
    Canceled,
}

impl ReviewStatus {
    const ALL: [Self; 6] = [Self::Pending, Self::Escalated, Self::Decided, Self::Asked, Self::Expired, Self::Canceled];

    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Escalated => "escalated",
            Self::Decided => "decided",
            Self::Asked => "asked",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether a decision is still wanted.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Escalated)
    }
}

/// Which answer of a round of review. They are given one after the other, each by another person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    First,
    /// Given by somebody who sees neither the first answer nor what the machine made of it.
    Second,
    /// Where the two differ: given by a third person, who sees both.
    Adjudication,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Adjudication];

    /// The number that rows and the API carry, from 1.
    pub fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
            Self::Adjudication => 3,
        }
    }

    /// Reads the number.
    pub fn of(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|part| i16::from(part.number()) == number)
    }

    /// What follows this answer in a round that wants so many independent ones; nothing once it is the round's word. `agrees` says whether it
    /// is the same as the one before, which only the second is held against.
    pub fn next(self, wanted: u8, agrees: bool) -> Option<Self> {
        match self {
            Self::First if wanted > 1 => Some(Self::Second),
            Self::Second if !agrees => Some(Self::Adjudication),
            Self::First | Self::Second | Self::Adjudication => None,
        }
    }
}

/// What a person wants to see before they decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// For whoever sent the claim, in a person's words.
    pub text: String,
    /// Fields that the evidence so far does not settle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A person's word on one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDecision {
    pub field: String,
    pub verdict: Verdict,
    /// The value that the person read, in the shape of the claim's field; null when the evidence shows none. The machine's stays if left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "said")]
    pub found: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A null that is written down is something said; without this it would read as left out.
fn said<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(value).map(Some)
}

/// A person's word on the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// Fields left out keep the machine's check.
    #[serde(default)]
    pub checks: Vec<FieldDecision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_on_until_somebody_settles_it() {
        use Part::{Adjudication, First, Second};
        for (part, wanted, agrees, next) in [
            (First, 1, false, None),
            (First, 1, true, None),
            (First, 2, false, Some(Second)),
            (First, 2, true, Some(Second)),
            (Second, 2, true, None),
            (Second, 2, false, Some(Adjudication)),
            (Adjudication, 2, false, None),
            (Adjudication, 2, true, None),
        ] {
            assert_eq!(part.next(wanted, agrees), next, "{part:?} of {wanted}, agrees: {agrees}");
        }
    }

    #[test]
    fn numbers_read_back() {
        for part in Part::ALL {
            assert_eq!(Part::of(part.number().into()), Some(part));
        }
        assert_eq!((Part::of(0), Part::of(4), Part::of(-1)), (None, None, None));
    }
}

//! Holding a claimed value against a found one, one file per kind. Pure: two values in, a comparison out, the same either way round.

mod address;
mod date;
mod identifier;
mod money;
mod name;
mod quantity;
mod text;

use crate::claim::FieldValue;

/// How two values stand to each other. `similarity` is 1 for the same and falls with distance, in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// One value, perhaps spelt in two ways.
    Same { similarity: f64 },
    /// Two values.
    Different { similarity: f64 },
    /// Too close to call; `reason` is a stable word.
    Unclear { similarity: f64, reason: &'static str },
}

impl Comparison {
    /// The similarity, whichever way it came out.
    pub fn similarity(self) -> f64 {
        match self {
            Self::Same { similarity } | Self::Different { similarity } | Self::Unclear { similarity, .. } => similarity,
        }
    }

    /// Same from `same` on, different below `different`, unclear between.
    fn by_similarity(similarity: f64, same: f64, different: f64, reason: &'static str) -> Self {
        if similarity >= same {
            Self::Same { similarity }
        } else if similarity < different {
            Self::Different { similarity }
        } else {
            Self::Unclear { similarity, reason }
        }
    }
}

/// Compares two values. Values of two kinds are different: a bug of the caller, and never support.
pub fn compare(claimed: &FieldValue, found: &FieldValue) -> Comparison {
    use FieldValue::{Address, Date, Identifier, Money, Name, Quantity, Text};
    match (claimed, found) {
        (Money(claimed), Money(found)) => money::compare(claimed, found),
        (Date { date: a, alternative: alt_a }, Date { date: b, alternative: alt_b }) => date::compare((*a, *alt_a), (*b, *alt_b)),
        (Name(claimed), Name(found)) => name::compare(claimed, found),
        (Identifier(claimed), Identifier(found)) => identifier::compare(claimed, found),
        (Address(claimed), Address(found)) => address::compare(claimed, found),
        (Quantity { amount: a, unit: unit_a }, Quantity { amount: b, unit: unit_b }) => {
            quantity::compare((*a, unit_a.as_deref()), (*b, unit_b.as_deref()))
        }
        (Text(claimed), Text(found)) => text::compare(claimed, found),
        _ => Comparison::Different { similarity: 0.0 },
    }
}

#[cfg(test)]
mod tests;

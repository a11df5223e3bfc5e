//! Quantities: the same amount in the same unit.

use rust_decimal::Decimal;

use super::Comparison;
use super::text::words;

pub(super) fn compare((claimed, claimed_unit): (Decimal, Option<&str>), (found, found_unit): (Decimal, Option<&str>)) -> Comparison {
    if claimed != found {
        return Comparison::Different { similarity: 0.0 };
    }
    match (claimed_unit, found_unit) {
        (Some(a), Some(b)) if words(a) != words(b) => Comparison::Unclear { similarity: 0.5, reason: "unit" },
        (Some(_), None) | (None, Some(_)) => Comparison::Unclear { similarity: 0.75, reason: "unit" },
        _ => Comparison::Same { similarity: 1.0 },
    }
}

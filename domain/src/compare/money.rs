//! Money: equal to the cent, in the same currency.

use super::Comparison;
use crate::money::Money;

/// A currency that the evidence does not print is not held against the claim: most receipts print none. A different one always is.
pub(super) fn compare(claimed: &Money, found: &Money) -> Comparison {
    let other_currency = matches!((&claimed.currency, &found.currency), (Some(a), Some(b)) if a != b);
    let same_amount = claimed.amount == found.amount;
    match (same_amount, other_currency) {
        (true, false) => Comparison::Same { similarity: 1.0 },
        // The amount alone is half of the value.
        (true, true) => Comparison::Different { similarity: 0.5 },
        (false, _) => Comparison::Different { similarity: 0.0 },
    }
}

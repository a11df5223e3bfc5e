//! Dates: the same day, with the other reading of day and month as the doubtful case.

use chrono::NaiveDate;

use super::Comparison;

/// A date and its other reading, where there is one.
type Reading = (NaiveDate, Option<NaiveDate>);

pub(super) fn compare((claimed, claimed_alternative): Reading, (found, found_alternative): Reading) -> Comparison {
    if claimed == found {
        return Comparison::Same { similarity: 1.0 };
    }
    if found_alternative == Some(claimed) || claimed_alternative == Some(found) {
        return Comparison::Unclear { similarity: 0.5, reason: "day_month_order" };
    }
    Comparison::Different { similarity: 0.0 }
}

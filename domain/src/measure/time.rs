//! The time that a person spends on a review, by where they were: what a page reports, and how much of it is believed.

use crate::claim_type::ClaimType;

/// The place of what belongs to no field: the note, the whole, the page itself.
pub const OVERALL: &str = "overall";
/// The place of looking at the evidence.
pub const EVIDENCE: &str = "evidence";
/// A report names no more places than this.
pub const MOST_PLACES: usize = 64;
/// Longest report, in bytes.
pub const LONGEST_REPORT: usize = 8 << 10;

/// Time at one place, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// A field of the claim, or [`OVERALL`] or [`EVIDENCE`].
    pub place: String,
    /// While something was done: up to ten seconds after the last key, click, touch or movement.
    pub active: i64,
    /// While the page was visible and the place had the attention, done or not.
    pub open: i64,
}

/// Reads what a page reports: a JSON list of `[place, active, open]`, milliseconds each. None where it is not that, or too long.
pub fn read(report: &str) -> Option<Vec<Spent>> {
    if report.len() > LONGEST_REPORT {
        return None;
    }
    let list: Vec<(String, i64, i64)> = serde_json::from_str(report).ok()?;
    (list.len() <= MOST_PLACES).then(|| list.into_iter().map(|(place, active, open)| Spent { place, active, open }).collect())
}

/// What is believed of a report: places that the claim type knows, nothing negative, no more activity than time, and in all no more time
/// than has passed, `most` milliseconds. What comes later in the list than that gets what is left.
pub fn fit(claim_type: Option<&ClaimType>, reported: Vec<Spent>, most: i64) -> Vec<Spent> {
    let known =
        |place: &str| place == OVERALL || place == EVIDENCE || claim_type.is_some_and(|claim_type| claim_type.field(place).is_some());
    let mut left = most.max(0);
    let mut believed = Vec::new();
    for spent in reported.into_iter().filter(|spent| known(&spent.place)).take(MOST_PLACES) {
        let open = spent.open.clamp(0, left);
        left -= open;
        if open > 0 {
            believed.push(Spent { active: spent.active.clamp(0, open), open, ..spent });
        }
    }
    believed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::claim_type;

    fn spent(place: &str, active: i64, open: i64) -> Spent {
        Spent { place: place.to_owned(), active, open }
    }

    #[test]
    fn no_field_has_the_name_of_another_place() {
        for claim_type in claim_type::built_in() {
            for place in [OVERALL, EVIDENCE] {
                assert!(claim_type.field(place).is_none(), "{place} of {}", claim_type.name);
            }
        }
    }

    #[test]
    fn reports_are_read_strictly() {
        assert_eq!(read(r#"[["total",1200,3400],["overall",0,1]]"#), Some(vec![spent("total", 1_200, 3_400), spent("overall", 0, 1)]));
        assert_eq!(read("[]"), Some(vec![]));
        for broken in [
            "",
            "{}",
            "[[]]",
            r#"["total",1,2]"#,
            r#"[["total",1]]"#,
            r#"[["total",1.5,2]]"#,
            r#"[["total",1,2,3]]"#,
            r#"[["total","1",2]]"#,
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
        let many = |count: usize| serde_json::to_string(&vec![("total", 1, 1); count]).unwrap();
        assert!(read(&many(MOST_PLACES)).is_some() && read(&many(MOST_PLACES + 1)).is_none());
        assert_eq!(read(&format!(r#"[["{}",1,1]]"#, "x".repeat(LONGEST_REPORT))), None);
    }

    #[test]
    fn what_is_believed_by_table() {
        let receipt = claim_type::find("expense_receipt");
        for (reported, most, believed) in [
            (vec![spent("total", 5, 9)], 100, vec![spent("total", 5, 9)]),
            (vec![spent("total", 9, 5)], 100, vec![spent("total", 5, 5)]),
            (vec![spent("total", -1, 5), spent("date", 1, -5)], 100, vec![spent("total", 0, 5)]),
            (vec![spent("total", 80, 80), spent("date", 80, 80)], 100, vec![spent("total", 80, 80), spent("date", 20, 20)]),
            (
                vec![spent("no_field", 5, 5), spent("overall", 1, 1), spent("evidence", 2, 2)],
                100,
                vec![spent("overall", 1, 1), spent("evidence", 2, 2)],
            ),
            (vec![spent("total", 5, 5)], 0, vec![]),
            (vec![spent("total", i64::MAX, i64::MAX)], -5, vec![]),
            (vec![spent("total", i64::MIN, i64::MAX), spent("date", i64::MAX, i64::MAX)], 7, vec![spent("total", 0, 7)]),
        ] {
            assert_eq!(fit(receipt.as_ref(), reported.clone(), most), believed, "{reported:?}");
        }
        assert_eq!(fit(None, vec![spent("total", 1, 1), spent("overall", 1, 1)], 9), vec![spent("overall", 1, 1)]);
    }

    proptest! {
        #[test]
        fn never_more_than_has_passed_and_never_less_than_nothing(
            reported in proptest::collection::vec((0_usize..5, any::<i64>(), any::<i64>()), 0..100), most in any::<i64>()
        ) {
            let places = ["total", "date", "overall", "evidence", "no_field"];
            let reported = reported.into_iter().map(|(place, active, open)| spent(places[place], active, open)).collect();
            let believed = fit(claim_type::find("expense_receipt").as_ref(), reported, most);
            prop_assert!(believed.len() <= MOST_PLACES);
            prop_assert!(believed.iter().all(|spent| 0 <= spent.active && spent.active <= spent.open && spent.place != "no_field"));
            let total: i128 = believed.iter().map(|spent| i128::from(spent.open)).sum();
            prop_assert!(total <= i128::from(most.max(0)));
        }
    }
}

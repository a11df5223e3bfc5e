//! Whether the machine's scores rank: whether it is surer where a person then agrees with it than where not.

/// Scores rank where, with 95 % confidence, the area is at least this. At .5 they say nothing at all.
pub const LOWEST_AREA: f64 = 0.6;

/// Standard errors on either side that 95 % of a normal distribution lie within.
const TWO_SIDED_95: f64 = 1.96;

/// How well scores tell the cases in which a person agreed from those in which not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranking {
    /// Area under the curve of receiver operating characteristic: the chance that of two cases, one of each sort, the one in which the
    /// person agreed has the higher score, a tie counting half. 0..=1.
    pub area: f64,
    /// Lower and upper end of the area's 95 % interval, 0..=1.
    pub interval: (f64, f64),
}

impl Ranking {
    /// Of cases given as score, whether the person agreed, and how many there are like this. None where all are of one sort: then there is
    /// nothing to tell apart.
    ///
    /// The area is counted by ranks (H. B. Mann and D. R. Whitney, 1947). The interval is the area ± 1.96 standard errors, cut at 0 and 1,
    /// with the standard error of J. A. Hanley and B. J. McNeil, "The Meaning and Use of the Area under a Receiver Operating Characteristic
    /// (ROC) Curve", Radiology 143 (1982), pages 29 to 36. It is an approximation: near an area of 1, or with few cases of one sort, the
    /// true interval is wider.
    pub fn of(cases: &[(f64, bool, u64)]) -> Option<Self> {
        let weighed: Vec<_> = cases.iter().map(|(score, agreed, many)| (*score, *agreed, *many as f64)).collect();
        let area = area(&weighed)?;
        let count = |sort: bool| weighed.iter().filter(|case| case.1 == sort).map(|case| case.2).sum::<f64>();
        let (agreed, not) = (count(true), count(false));
        let spread = TWO_SIDED_95 * standard_error(area, agreed, not);
        Some(Self { area, interval: ((area - spread).max(0.0), (area + spread).min(1.0)) })
    }

    /// Whether a threshold on these scores would mean something.
    pub fn ranks(&self) -> bool {
        self.interval.0 >= LOWEST_AREA
    }
}

/// The area of cases given as score, which of the two sorts they are, and how much they count. None where all are of one sort.
pub fn area(cases: &[(f64, bool, f64)]) -> Option<f64> {
    let mut cases: Vec<_> = cases.iter().filter(|case| case.2 > 0.0).collect();
    cases.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let (mut won, mut over, mut under) = (0.0, 0.0, 0.0);
    for tied in cases.chunk_by(|a, b| a.0 == b.0) {
        let of = |sort: bool| tied.iter().filter(|case| case.1 == sort).map(|case| case.2).sum::<f64>();
        won += of(true) * (under + of(false) / 2.0);
        over += of(true);
        under += of(false);
    }
    (over > 0.0 && under > 0.0).then(|| won / (over * under))
}

fn standard_error(area: f64, agreed: f64, not: f64) -> f64 {
    let square = area * area;
    // The chances that two of one sort both outrank one of the other, were the scores exponentially distributed.
    let (q1, q2) = (area / (2.0 - area), 2.0 * square / (1.0 + area));
    let variance = (area * (1.0 - area) + (agreed - 1.0) * (q1 - square) + (not - 1.0) * (q2 - square)) / (agreed * not);
    // Rounding alone takes it below nothing.
    variance.max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn areas_and_intervals_by_table() {
        for (cases, area, half) in [
            // One of each, in the right order, the wrong one, and tied.
            (vec![(0.9, true, 1), (0.1, false, 1)], 1.0, 0.0),
            (vec![(0.1, true, 1), (0.9, false, 1)], 0.0, 0.0),
            (vec![(0.5, true, 1), (0.5, false, 1)], 0.5, 1.96 * 0.5),
            // Three of four pairs are in order.
            (vec![(0.2, false, 1), (0.4, true, 1), (0.6, false, 1), (0.8, true, 1)], 0.75, 1.96 * 0.276_296),
            // Hanley and McNeil's own example, table I: 58 normal and 51 abnormal pictures in five grades, .893 with an error of .032.
            (
                vec![
                    (1.0, false, 33),
                    (2.0, false, 6),
                    (3.0, false, 6),
                    (4.0, false, 11),
                    (5.0, false, 2),
                    (1.0, true, 3),
                    (2.0, true, 2),
                    (3.0, true, 2),
                    (4.0, true, 11),
                    (5.0, true, 33),
                ],
                0.893_171,
                1.96 * 0.032_02,
            ),
        ] {
            let ranking = Ranking::of(&cases).unwrap();
            assert!((ranking.area - area).abs() < 1e-5, "{cases:?}: {ranking:?}");
            assert!((ranking.interval.0 - (area - half).max(0.0)).abs() < 1e-3, "{cases:?}: {ranking:?}");
            assert!((ranking.interval.1 - (area + half).min(1.0)).abs() < 1e-3, "{cases:?}: {ranking:?}");
        }
    }

    #[test]
    fn cases_of_one_sort_rank_nothing() {
        assert_eq!(Ranking::of(&[]), None);
        assert_eq!(Ranking::of(&[(0.5, true, 70)]), None);
        assert_eq!(Ranking::of(&[(0.5, false, 70), (0.9, true, 0)]), None);
    }

    fn any_cases() -> impl Strategy<Value = Vec<(f64, bool, u64)>> {
        proptest::collection::vec((0_u32..20, any::<bool>(), 1_u64..5), 2..40)
            .prop_map(|cases| cases.into_iter().map(|(score, agreed, many)| (f64::from(score) / 20.0, agreed, many)).collect())
    }

    /// The definition itself: every pair of one of each sort.
    fn by_pairs(cases: &[(f64, bool, u64)]) -> f64 {
        let (mut won, mut pairs) = (0.0, 0.0);
        for one in cases.iter().filter(|case| case.1) {
            for other in cases.iter().filter(|case| !case.1) {
                let many = (one.2 * other.2) as f64;
                pairs += many;
                won += many
                    * if one.0 > other.0 {
                        1.0
                    } else if one.0 == other.0 {
                        0.5
                    } else {
                        0.0
                    };
            }
        }
        won / pairs
    }

    proptest! {
        #[test]
        fn ranks_count_what_pairs_count(cases in any_cases()) {
            if let Some(ranking) = Ranking::of(&cases) {
                prop_assert!((ranking.area - by_pairs(&cases)).abs() < 1e-9);
                let (low, high) = ranking.interval;
                prop_assert!(0.0 <= low && low <= ranking.area + 1e-12 && ranking.area <= high + 1e-12 && high <= 1.0);
            }
        }

        #[test]
        fn what_agreed_and_what_did_not_mirror_each_other(cases in any_cases()) {
            let mirrored: Vec<_> = cases.iter().map(|(score, agreed, many)| (*score, !agreed, *many)).collect();
            if let (Some(one), Some(other)) = (Ranking::of(&cases), Ranking::of(&mirrored)) {
                prop_assert!((one.area + other.area - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn only_the_order_of_the_scores_counts(cases in any_cases()) {
            let bent: Vec<_> = cases.iter().map(|(score, agreed, many)| (score.powi(3) - 7.0, *agreed, *many)).collect();
            prop_assert_eq!(Ranking::of(&cases), Ranking::of(&bent));
        }

        #[test]
        fn more_of_the_same_makes_it_surer(cases in any_cases()) {
            let ten: Vec<_> = cases.iter().map(|(score, agreed, many)| (*score, *agreed, many * 10)).collect();
            if let (Some(few), Some(many)) = (Ranking::of(&cases), Ranking::of(&ten)) {
                prop_assert!(many.interval.0 >= few.interval.0 - 1e-9 && many.interval.1 <= few.interval.1 + 1e-9);
            }
        }
    }
}

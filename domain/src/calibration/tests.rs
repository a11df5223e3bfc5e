//! Calibrators, figures and samples by tables, and the properties that hold for all of them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::verdict::Verdict;

fn cases(of: &[(usize, f64, bool)]) -> Vec<Case> {
    of.iter().map(|(group, score, right)| Case { group: *group, score: Some(*score), right: *right, weight: 1.0 }).collect()
}

fn any_cases(most: usize) -> impl Strategy<Value = Vec<Case>> {
    let score = prop_oneof![4 => (0_u32..=20).prop_map(|score| Some(f64::from(score) / 20.0)), 1 => Just(None)];
    let case = (0_usize..9, score, any::<bool>(), 1_u32..4).prop_map(|(group, score, right, weight)| Case {
        group,
        score,
        right,
        weight: f64::from(weight) / 2.0,
    });
    proptest::collection::vec(case, 1..most)
}

#[test]
fn the_form_follows_from_how_many_cases_there_are() {
    let many = |count: usize| -> Vec<Case> { cases(&(0..count).map(|i| (i, (i % 100) as f64 / 100.0, i % 3 != 0)).collect::<Vec<_>>()) };
    assert_eq!(Calibrator::fit(&many(49)), None);
    assert!(matches!(Calibrator::fit(&many(50)).unwrap().shape, Shape::Platt { .. }));
    assert!(matches!(Calibrator::fit(&many(999)).unwrap().shape, Shape::Platt { .. }));
    assert!(matches!(Calibrator::fit(&many(1_000)).unwrap().shape, Shape::Isotonic { .. }));
}

#[test]
fn nobody_is_surer_than_the_cases_allow() {
    let all_right = cases(&(0..98).map(|i| (i, 0.9, true)).collect::<Vec<_>>());
    for calibrator in [Calibrator::platt(&all_right), Calibrator::isotonic(&all_right)] {
        for score in [0.0, 0.5, 1.0, f64::NAN, -3.0, 7.0] {
            let probability = calibrator.apply(score);
            assert!((0.01..=0.99).contains(&probability), "{calibrator:?} at {score}: {probability}");
        }
    }
    assert_eq!(Calibrator::isotonic(&[]).apply(0.3), 0.5, "nothing was seen");
}

#[test]
fn straight_lines_join_the_knots() {
    let shape = Shape::Isotonic { knots: vec![(0.2, 0.1), (0.6, 0.5), (0.8, 0.9)] };
    let calibrator = Calibrator { shape, lowest: 0.0, highest: 1.0, cases: 9.0 };
    for (score, expected) in [(0.0, 0.1), (0.2, 0.1), (0.4, 0.3), (0.6, 0.5), (0.7, 0.7), (0.8, 0.9), (1.0, 0.9)] {
        assert!((calibrator.apply(score) - expected).abs() < 1e-9, "{score}");
    }
}

#[test]
fn coverage_counts_until_the_precision_breaks() {
    let all = cases(&[(0, 0.9, true), (1, 0.8, true), (2, 0.7, false), (3, 0.6, true)]);
    assert_eq!(coverage_at(&all, 0.99), 0.5);
    assert_eq!(coverage_at(&all, 0.75), 1.0);
    let tied = cases(&[(0, 0.9, true), (1, 0.9, false)]);
    assert_eq!(coverage_at(&tied, 0.99), 0.0, "equal scores cannot be told apart");
    assert_eq!(coverage_at(&[], 0.99), 0.0);
    let undecided = [all.clone(), vec![Case { group: 9, score: None, right: false, weight: 4.0 }]].concat();
    assert_eq!(coverage_at(&undecided, 0.99), 0.25, "what was not decided is not covered");
}

#[test]
fn errors_are_the_gaps_by_table() {
    for (of, ece, square) in [
        (vec![(0, 1.0, true), (1, 1.0, false), (2, 0.05, false)], (1.0 + 0.05) / 3.0, (1.0 + 0.05 * 0.05) / 3.0),
        (vec![(0, 0.75, true), (1, 0.75, true), (2, 0.75, true), (3, 0.75, false)], 0.0, (3.0 * 0.0625 + 0.5625) / 4.0),
        (vec![], 0.0, 0.0),
    ] {
        assert!((calibration_error(&cases(&of)) - ece).abs() < 1e-9, "{of:?}");
        assert!((brier(&cases(&of)) - square).abs() < 1e-9, "{of:?}");
    }
}

#[test]
fn risk_over_coverage_is_low_where_the_wrong_ones_come_last() {
    for (of, area) in [
        (vec![(0, 0.9, true), (1, 0.1, false)], (0.0 + 0.5) / 2.0),
        (vec![(0, 0.9, false), (1, 0.1, true)], (1.0 + 0.5) / 2.0),
        (vec![(0, 0.5, false), (1, 0.5, true)], 0.5),
        (vec![(0, 0.9, true), (1, 0.8, true), (2, 0.7, false), (3, 0.6, false)], (0.0 + 0.0 + 1.0 / 3.0 + 0.5) / 4.0),
        (vec![], 0.0),
    ] {
        assert!((aurc(&cases(&of)) - area).abs() < 1e-9, "{of:?}");
    }
}

#[test]
fn ranking_is_half_by_chance_and_one_when_perfect() {
    assert_eq!(auroc(&cases(&[(0, 0.9, true), (1, 0.1, false)])), Some(1.0));
    assert_eq!(auroc(&cases(&[(0, 0.5, true), (1, 0.5, false)])), Some(0.5));
    assert_eq!(auroc(&cases(&[(0, 0.5, true)])), None);
}

#[test]
fn intervals_hold_the_figure_and_repeat_with_the_seed() {
    let all: Vec<Case> = (0..60).map(|i| Case { group: i / 3, score: Some(0.5), right: i % 4 != 0, weight: 1.0 }).collect();
    let first = interval(&all, 7, 400, right_rate);
    assert!(first[0] <= right_rate(&all) && right_rate(&all) <= first[1]);
    assert_eq!(first, interval(&all, 7, 400, right_rate));
    assert_ne!(first, [right_rate(&all), right_rate(&all)]);
    let counts: Vec<_> = all.iter().map(|case| (case.group, f64::from(u8::from(case.right)), 1.0)).collect();
    assert_eq!(first, rate_interval(&counts, 7, 400), "the quick way is the same way");
    // Groups that are all alike inside make the interval as wide as so many cases fewer.
    let alike: Vec<Case> = (0..60).map(|i| Case { group: i / 3, score: Some(0.5), right: (i / 3) % 4 != 0, weight: 1.0 }).collect();
    let wide = interval(&alike, 7, 400, right_rate);
    assert!(wide[1] - wide[0] > first[1] - first[0]);
}

#[test]
fn a_release_reads_back_and_notices_changes() {
    let observed = cases(&(0..80).map(|i| (i, f64::from(i as u32 % 17) / 16.0, i % 3 != 0)).collect::<Vec<_>>());
    let field = FieldCalibration { supported: Some(Calibrator::platt(&observed)), refuted: Some(Calibrator::isotonic(&observed)) };
    let release = Release::sealed("expense_receipt", "rules:extract@1", BTreeMap::from([("date".to_owned(), field)]), Origin::default());
    let text = release.to_json();
    assert_eq!(Release::parse(&text).unwrap(), release);
    assert!(release.name().starts_with("calibration:expense_receipt@") && release.version.len() == 12);
    let found = &release.fields_for("expense_receipt", "rules:extract@1").unwrap()["date"];
    assert!(found.of(Verdict::Supported) != found.of(Verdict::Refuted));
    for (claim_type, extractor) in [("invoice", "rules:extract@1"), ("expense_receipt", "rules:extract@2")] {
        assert!(release.fields_for(claim_type, extractor).is_none());
    }
    let changed = text.replacen("\"slope\": ", "\"slope\": 1", 1);
    assert!(matches!(Release::parse(&changed), Err(ReleaseError::Version { .. })));
    let falling = text.replacen("\"slope\": ", "\"slope\": -1", 1);
    assert!(matches!(Release::parse(&falling), Err(ReleaseError::Unsound { .. })));
    assert!(matches!(Release::parse(&text.replacen("\"format\": 1", "\"format\": 2", 1)), Err(ReleaseError::Format { found: 2 })));
    assert!(matches!(Release::parse("{}"), Err(ReleaseError::Json(_))));
}

/// The definition itself: every pair of a right and a wrong case.
fn by_pairs(cases: &[Case]) -> Option<f64> {
    let of = |sort: bool| cases.iter().filter_map(move |case| (case.right == sort).then_some((case.score?, case.weight)));
    let (mut won, mut pairs) = (0.0, 0.0);
    for (right, one) in of(true) {
        for (wrong, other) in of(false) {
            pairs += one * other;
            won += one
                * other
                * if right > wrong {
                    1.0
                } else if right < wrong {
                    0.0
                } else {
                    0.5
                };
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

proptest! {
    #[test]
    fn calibrators_never_fall_and_stay_probabilities(cases in any_cases(80), a in -0.5_f64..1.5, b in -0.5_f64..1.5) {
        for calibrator in [Calibrator::platt(&cases), Calibrator::isotonic(&cases)] {
            prop_assert!(calibrator.is_sound(), "{calibrator:?}");
            let (low, high) = (calibrator.apply(a.min(b)), calibrator.apply(a.max(b)));
            prop_assert!(low <= high, "{calibrator:?}");
            prop_assert!(0.0 < low && high < 1.0);
        }
    }

    #[test]
    fn a_perfect_calibrator_has_no_error(bins in proptest::collection::vec((1_u32..20, 0_u32..20), 1..10)) {
        // Scores that are the shares of right ones in their own bin.
        let mut cases = Vec::new();
        for (bin, (wrong, right)) in bins.iter().enumerate() {
            let score = f64::from(*right) / f64::from(wrong + right);
            let of = |sort, weight: u32| Case { group: bin, score: Some(score), right: sort, weight: f64::from(weight) };
            cases.extend([of(false, *wrong), of(true, *right)]);
        }
        prop_assert!(calibration_error(&cases) < 1e-9);
    }

    #[test]
    fn ranks_count_what_pairs_count(cases in any_cases(40)) {
        match (auroc(&cases), by_pairs(&cases)) {
            (Some(one), Some(other)) => prop_assert!((one - other).abs() < 1e-9),
            (one, other) => prop_assert_eq!(one, other),
        }
    }

    #[test]
    fn calibrating_changes_no_order_so_no_ranking_gets_worse(cases in any_cases(60)) {
        // A curve that rises everywhere keeps ranks; where it is flat or bounded, ties replace them.
        let calibrator = Calibrator::platt(&cases);
        let rises = matches!(calibrator.shape, Shape::Platt { slope, .. } if slope > 0.05);
        let calibrated: Vec<Case> = cases.iter().map(|case| Case { score: case.score.map(|score| calibrator.apply(score)), ..*case }).collect();
        let bounded = calibrated.iter().filter_map(|case| case.score).any(|p| p <= calibrator.lowest || p >= calibrator.highest);
        if let (true, false, Some(before), Some(after)) = (rises, bounded, auroc(&cases), auroc(&calibrated)) {
            prop_assert!((before - after).abs() < 1e-9);
        }
    }

    #[test]
    fn more_precision_never_means_more_coverage(cases in any_cases(40), a in 0.0_f64..=1.0, b in 0.0_f64..=1.0) {
        prop_assert!(coverage_at(&cases, a.max(b)) <= coverage_at(&cases, a.min(b)) + 1e-9);
        if let Some((threshold, _)) = threshold_for(&cases, a) {
            let taken: Vec<Case> = cases.iter().filter(|case| case.score.is_some_and(|score| score >= threshold)).copied().collect();
            prop_assert!(right_rate(&taken) >= a - 1e-6);
        }
    }

    #[test]
    fn no_group_is_in_two_folds(groups in proptest::collection::vec(0_usize..12, 0..80), folds in 1_usize..7) {
        let fold_of = folds_of(&groups, folds);
        for (group, fold) in groups.iter().zip(&fold_of) {
            prop_assert!(*fold < folds);
            prop_assert!(groups.iter().zip(&fold_of).all(|(other, of)| other != group || of == fold));
        }
    }
}

//! From scores to probabilities: fitting them on decisions whose truth is known, and the figures that say whether they can be believed.

mod calibrator;
mod figures;
mod isotonic;
mod platt;
mod release;
mod resample;
#[cfg(test)]
mod tests;

pub use calibrator::{Calibrator, FEWEST_CASES, ISOTONIC_FROM, Shape};
pub use figures::{
    Bin, aurc, auroc, bins, brier, calibration_error, coverage_at, held_out, right_rate, right_rate_by_group, threshold_for,
};
pub use release::{FORMAT, FieldCalibration, Fields, Origin, Release, ReleaseError};
pub use resample::{Chance, folds_of, interval, rate_interval};

/// One decision whose truth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Cases of one group are never told apart by chance: the issuer of the document, as a number.
    pub group: usize,
    /// How sure the decision was, 0..=1; `None` when nothing was decided.
    pub score: Option<f64>,
    /// Whether it was right.
    pub right: bool,
    /// How much it counts, not negative. Cases made from one document share the weight of one.
    pub weight: f64,
}

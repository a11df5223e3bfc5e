//! One calibrator: a monotone function from a score to the probability that the decision is right.

use serde::{Deserialize, Serialize};

use super::Case;
use super::isotonic::{self, Block};
use super::platt::{self, Curve};

/// From this weight of cases on (each document weighs one) isotonic regression is fitted, below it Platt's curve. A. Niculescu-Mizil and
/// R. Caruana, "Predicting Good Probabilities with Supervised Learning" (ICML 2005), find the free form overfitting below about 1,000 cases.
pub const ISOTONIC_FROM: f64 = 1_000.0;

/// With less than this nothing is fitted and scores stay as they are: the two numbers of a curve would follow single documents.
pub const FEWEST_CASES: f64 = 50.0;

/// Digits kept behind the point. They read back exactly, so the hash of a calibration is the same everywhere.
const PRECISION: f64 = 1e6;

/// The fitted function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    /// Straight lines between knots (score, probability), both not decreasing; level outside.
    Isotonic { knots: Vec<(f64, f64)> },
    /// `1 / (1 + exp(-(slope * log-odds(score) + offset)))`, slope not negative.
    Platt { slope: f64, offset: f64 },
}

/// What turns scores of one field and one verdict into probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrator {
    #[serde(flatten)]
    pub shape: Shape,
    /// No probability below this, 0..=1.
    pub lowest: f64,
    /// No probability above this, 0..=1.
    pub highest: f64,
    /// Weight of the cases that it was fitted on: documents.
    pub cases: f64,
}

impl Calibrator {
    /// Fits cases that were decided; `None` where they are too few. The form follows from how many there are.
    ///
    /// Nobody is surer than the number of cases allows: after n cases without an exception the next one is still wrong with a chance of
    /// 1 / (n + 2) (Laplace's rule of succession), so probabilities stay that far from 0 and 1.
    pub fn fit(cases: &[Case]) -> Option<Self> {
        let weight: f64 = decided(cases).map(|(_, _, weight)| weight).sum();
        if weight < FEWEST_CASES {
            None
        } else if weight < ISOTONIC_FROM {
            Some(Self::platt(cases))
        } else {
            Some(Self::isotonic(cases))
        }
    }

    /// Platt's curve, however few the cases.
    pub fn platt(cases: &[Case]) -> Self {
        let observed: Vec<_> = decided(cases).collect();
        let Curve { slope, offset } = platt::fit(&observed);
        Self::bounded(Shape::Platt { slope: kept(slope), offset: kept(offset) }, &observed)
    }

    /// Isotonic regression, however few the cases.
    pub fn isotonic(cases: &[Case]) -> Self {
        let observed: Vec<_> = decided(cases).collect();
        let outcomes: Vec<_> = observed.iter().map(|(score, right, weight)| (*score, f64::from(u8::from(*right)), *weight)).collect();
        let knots = isotonic::pool(&outcomes).into_iter().map(|Block { at, mean, .. }| (kept(at), kept(mean))).collect();
        Self::bounded(Shape::Isotonic { knots }, &observed)
    }

    fn bounded(shape: Shape, observed: &[(f64, bool, f64)]) -> Self {
        let weight: f64 = observed.iter().map(|one| one.2).sum();
        let margin = 1.0 / (weight + 2.0);
        Self { shape, lowest: kept(margin), highest: kept(1.0 - margin), cases: kept(weight) }
    }

    /// The probability that a decision with this score is right, 0..=1; never falls as the score rises.
    pub fn apply(&self, score: f64) -> f64 {
        let score = if score.is_nan() { 0.0 } else { score.clamp(0.0, 1.0) };
        let probability = match &self.shape {
            Shape::Platt { slope, offset } => Curve { slope: *slope, offset: *offset }.at(score),
            Shape::Isotonic { knots } => between(knots, score),
        };
        probability.max(self.lowest).min(self.highest)
    }

    /// Whether it is a function as described: what was read from a file may be anything.
    pub fn is_sound(&self) -> bool {
        let fraction = |value: f64| (0.0..=1.0).contains(&value);
        let rises = match &self.shape {
            Shape::Platt { slope, offset } => slope.is_finite() && *slope >= 0.0 && offset.is_finite(),
            Shape::Isotonic { knots } => {
                knots.iter().all(|(at, to)| fraction(*at) && fraction(*to))
                    && knots.windows(2).all(|pair| matches!(pair, [a, b] if a.0 <= b.0 && a.1 <= b.1))
            }
        };
        rises && fraction(self.lowest) && fraction(self.highest) && self.lowest <= self.highest && self.cases >= 0.0
    }
}

fn decided(cases: &[Case]) -> impl Iterator<Item = (f64, bool, f64)> {
    cases.iter().filter_map(|case| Some((case.score?, case.right, case.weight)))
}

/// One half where there are no knots.
fn between(knots: &[(f64, f64)], score: f64) -> f64 {
    let above = knots.partition_point(|(at, _)| *at < score);
    let (before, after) = (above.checked_sub(1).and_then(|index| knots.get(index)), knots.get(above));
    match (before, after) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (score - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => *y,
        (None, None) => 0.5,
    }
}

fn kept(value: f64) -> f64 {
    (value * PRECISION).round() / PRECISION
}

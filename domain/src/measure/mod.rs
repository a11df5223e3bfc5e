//! What is measured of reviews, and which figures may be made of it: times, agreement, and whether the machine's scores tell anything.

mod advice;
mod kappa;
mod quantile;
mod ranking;
mod span;
mod time;
mod work;

pub use advice::{Advice, ENOUGH_TO_ADVISE, MachineTally, advise};
pub use kappa::Pairs;
pub use quantile::quantile;
pub use ranking::{LOWEST_AREA, Ranking, area};
pub use span::Span;
pub use time::{EVIDENCE, LONGEST_REPORT, MOST_PLACES, OVERALL, Spent, fit, read};
pub use work::{Figures, Work};

/// Fewer than this say nothing of anybody: a rate or a median of them is not shown.
pub const FEWEST: usize = 5;

/// A share of one, where there are enough to say.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole >= FEWEST as u64).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_few_is_not_told() {
        for (part, whole, told) in [(0, 0, None), (4, 4, None), (5, 5, Some(1.0)), (1, 10, Some(0.1)), (0, 5, Some(0.0))] {
            assert_eq!(share(part, whole), told, "{part} of {whole}");
        }
    }
}

//! Which engine did a stage, recorded with every result.

use serde::{Deserialize, Serialize};

/// One stage and who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Stage name: `prepare`, `read`, `classify`, `extract`, `judge`.
    pub stage: String,
    /// Engine and version, as in `tesseract@5.3.0` or `rules:extract@1`.
    pub engine: String,
    /// Whether its scores are probabilities, fitted to labelled documents. Those of rules alone are not; the judge names what it calibrates with.
    pub calibrated: bool,
}

/// The steps of a verification, in the order of the stages.
pub type Route = Vec<Step>;

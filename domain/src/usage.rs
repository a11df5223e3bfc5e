//! One line of the cost ledger.

use serde::{Deserialize, Serialize};

/// What one stage of one verification used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Stage name: `intake`, `prepare`, `read`, `classify`, `extract`, `judge`, `publish`, `finalise`.
    pub stage: String,
    pub pages: u32,
    /// CPU seconds of the process and its children for this stage, measured where the platform tells.
    pub cpu_seconds: f64,
    pub bytes: u64,
}

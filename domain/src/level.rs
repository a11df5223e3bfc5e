//! The degradation level of the system, recorded with every result.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Level {
    /// Everything works.
    #[default]
    L0,
    L1,
    L2,
    L3,
    L4,
}

impl Level {
    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::L4 => "L4",
        }
    }
}

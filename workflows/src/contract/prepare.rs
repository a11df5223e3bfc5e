//! Pool `cpu`: from bytes to upright pages.

use domain::id::EvidenceId;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use super::Work;
use crate::window::Window;

/// Which pages of which file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparePages {
    pub work: Work,
    pub evidence_id: EvidenceId,
    /// May reach beyond the last page: the opening window is asked before the count is known.
    pub window: Window,
}

/// What the file holds. A file that cannot be read has no pages; why stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    pub pages_total: u32,
}

pub struct PrepareContract;

#[activity_definitions]
impl PrepareContract {
    /// Decodes, turns and straightens the pages of a window and keeps them as images beside their text layer.
    #[activity(name = "prepare.pages")]
    pub async fn pages(request: PreparePages) -> Prepared {
        unimplemented!()
    }
}

pub use prepare_contract::Pages as PreparePagesActivity;

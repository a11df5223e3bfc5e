//! Pool `ocr`: from upright pages to words.

use domain::id::EvidenceId;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use super::Work;
use crate::window::Window;

/// Which prepared pages to read, and what to show as progress once they are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPages {
    pub work: Work,
    pub evidence_id: EvidenceId,
    pub window: Window,
    /// The window as it was prepared: the opening one may reach beyond the last page.
    pub prepared: Window,
    /// Blocks of the verification read before this window was asked for.
    pub blocks_done: u32,
    /// All blocks of the verification known so far, for the progress that clients see.
    pub blocks_total: u32,
}

/// How the reading went. Which pages failed, and why, stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    pub pages: u32,
    pub unreadable: u32,
}

pub struct ReadContract;

#[activity_definitions]
impl ReadContract {
    /// Reads each page of a window: the text layer where the page shows it, Tesseract otherwise. One bad page does not fail the others.
    #[activity(name = "ocr.read_pages")]
    pub async fn read_pages(request: ReadPages) -> Read {
        unimplemented!()
    }
}

pub use read_contract::ReadPages as ReadPagesActivity;

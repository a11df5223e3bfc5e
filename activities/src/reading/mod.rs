//! From bytes to words: decoding hostile files in a child process, making pages upright and straight, and reading them.
//!
//! No store and no engine around it: activities hand in bytes and get pages and words.

mod agree;
mod child;
mod column;
mod decode;
mod ink;
mod layer;
mod line;
mod picture;
mod pool;
mod reader;
mod recogniser;
mod sandbox;
mod straighten;
mod tesseract;
mod wire;

use bytes::Bytes;
use domain::block::PageWords;
use domain::blocker::Blocker;
use domain::evidence::MediaType;
use serde::{Deserialize, Serialize};

pub use child::run_if_child;
pub use reader::{PageInput, PageRead, ReadError, Reader};
pub use recogniser::Recogniser;
pub use sandbox::{Limits, Sandbox};
pub use tesseract::{omp_limited, tesseract_version};

/// A window of pages of one file.
#[derive(Debug, Clone)]
pub struct PrepareFile {
    pub bytes: Bytes,
    pub media_type: MediaType,
    /// From 1.
    pub first_page: u32,
    /// Inclusive; a window may reach past the end of the file.
    pub last_page: u32,
}

/// The pages of a window, and how many the file has.
#[derive(Debug)]
pub struct PreparedRange {
    pub pages_total: u32,
    /// Every page of the window that the file has, in order, also those that could not be drawn.
    pub pages: Vec<PreparedPage>,
    /// Sentences for operators; they quote nothing from the file.
    pub warnings: Vec<String>,
    /// CPU time of the children that lived to tell it.
    pub cpu_seconds: f64,
    /// Most memory that one of those children held at a time.
    pub peak_bytes: u64,
    /// Whether the kernel let the child leave the network.
    pub network_cut: bool,
    /// Pages were given up because they took too long, which may be a busy machine's doing.
    pub timed_out: bool,
}

/// One page, upright and straight.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPage {
    /// From 1.
    pub page: u32,
    /// 8-bit grey PNG of our own making; none when the page could not be drawn.
    pub image: Option<Vec<u8>>,
    pub width: u32,
    pub height: u32,
    /// Clockwise quarter turns that were made, in degrees.
    pub turned_degrees: u16,
    /// Clockwise angle that was turned back, in degrees.
    pub skew_degrees: f32,
    /// The page's own text, where the page shows it.
    pub text_layer: Option<PageWords>,
    pub text_layer_state: TextLayerState,
    /// Nothing is on the page.
    pub blank: bool,
    pub blocker: Option<Blocker>,
}

/// What became of a page's own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextLayerState {
    /// The page has no text of its own, or none that can be told as letters.
    None,
    /// Text evidence: the text is the page.
    Given,
    /// Text that draws itself. A font may still lie about its letters, so a sample is read.
    Drawn,
    /// Invisible text over ink, as on a searchable scan, or text under a picture. All of it is held against the page.
    Overlaid,
    /// Much of the text lies where the page shows nothing. It is not used.
    Disagrees,
}

/// Why a file could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The file needs a password that we do not have.
    #[error("the file is encrypted")]
    Encrypted,
    /// Trying again gives the same. `reason` is one of the words of `Blocker::UnreadableEvidence`.
    #[error("the file cannot be read: {reason}")]
    Unreadable { reason: &'static str },
    /// The machine's fault, not the file's; trying again can help.
    #[error("the decoding process could not {act}")]
    Engine {
        act: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl PrepareError {
    /// Whether the file took too long, which may be a busy machine's doing.
    pub fn timed_out(&self) -> bool {
        matches!(self, Self::Unreadable { reason: reason::TIMED_OUT })
    }
}

pub(crate) mod reason {
    //! The words of `Blocker::UnreadableEvidence`.
    pub const CORRUPT: &str = "corrupt";
    pub const TOO_LARGE: &str = "too_large";
    pub const TOO_MANY_PAGES: &str = "too_many_pages";
    pub const TIMED_OUT: &str = "timed_out";
    pub const EMPTY: &str = "empty";
    pub const UNSUPPORTED: &str = "unsupported";

    /// The constant for a word that came over the pipe; a child that says anything else is not believed.
    pub fn known(word: &str) -> &'static str {
        [CORRUPT, TOO_LARGE, TOO_MANY_PAGES, TIMED_OUT, EMPTY, UNSUPPORTED].into_iter().find(|known| *known == word).unwrap_or(CORRUPT)
    }
}

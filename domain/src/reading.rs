//! What reading leaves behind, and under which hash: the worker that reads and the desk that shows words must name the same result.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::block::PageWords;
use crate::blocker::Blocker;

/// Name of the stage under which readings are kept.
pub const STAGE: &str = "read";

/// Pages of one window. Large enough that the two activities of a window (about 6 events each) stay far below Temporal's
/// suggestion of 4,096 events at 1,000 pages, small enough that a lost worker repeats only seconds of reading.
pub const WINDOW_PAGES: u32 = 16;

/// What was read on the pages of one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadWindow {
    pub pages: Vec<ReadPage>,
}

/// One read page. A page that could not be read has no words and a blocker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadPage {
    /// From 1.
    pub page: u32,
    pub words: Option<PageWords>,
    /// The same page as another engine reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<PageWords>,
    /// The page holds nothing to read.
    pub blank: bool,
    pub blockers: Vec<Blocker>,
}

/// Hashes parts of any length so that no two lists of parts share their bytes.
pub fn content_hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Names pages `first` to `last`, both included and from 1, of the file with this SHA-256.
pub fn window_hash(sha256: &[u8; 32], first: u32, last: u32) -> [u8; 32] {
    content_hash(&[sha256, &first.to_be_bytes(), &last.to_be_bytes()])
}

/// Names what was read on these pages, as `prepared` (engine and version) drew them. The reader's version is a part of the key of its own.
pub fn read_hash(prepared: &str, sha256: &[u8; 32], first: u32, last: u32) -> [u8; 32] {
    content_hash(&[prepared.as_bytes(), &window_hash(sha256, first, last)])
}

/// First and last page of the window in which a page of a file so long is read. None for a page that the file does not have.
pub fn window_of(page: u32, pages_total: u32) -> Option<(u32, u32)> {
    let index = page.checked_sub(1).filter(|_| page <= pages_total)?;
    let first = index / WINDOW_PAGES * WINDOW_PAGES + 1;
    Some((first, (first + (WINDOW_PAGES - 1)).min(pages_total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_share_a_hash() {
        assert_ne!(content_hash(&[b"ab", b"c"]), content_hash(&[b"a", b"bc"]));
        assert_ne!(content_hash(&[b"ab"]), content_hash(&[b"ab", b""]));
    }

    #[test]
    fn every_page_lies_in_one_window() {
        for (page, total, window) in [
            (1, 1, Some((1, 1))),
            (1, 40, Some((1, 16))),
            (16, 40, Some((1, 16))),
            (17, 40, Some((17, 32))),
            (40, 40, Some((33, 40))),
            (0, 40, None),
            (41, 40, None),
            (1, 0, None),
        ] {
            assert_eq!(window_of(page, total), window, "page {page} of {total}");
        }
    }
}

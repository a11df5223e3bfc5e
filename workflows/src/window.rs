//! Windows of pages: a file of one page and a file of a thousand run the same code.

use serde::{Deserialize, Serialize};

/// Pages of one window.
pub use domain::reading::WINDOW_PAGES as PAGES;

/// Windows of one file in flight at a time.
pub const IN_FLIGHT: usize = 4;

/// Consecutive pages of one file, both ends included, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub first: u32,
    pub last: u32,
}

impl Window {
    /// The window that opens a file, before its page count is known.
    pub fn opening() -> Self {
        Self { first: 1, last: PAGES }
    }

    /// The window cut to the pages that the file has.
    pub fn within(self, pages_total: u32) -> Self {
        Self { first: self.first, last: self.last.min(pages_total) }
    }

    /// How many pages.
    pub fn len(self) -> u32 {
        (self.last + 1).saturating_sub(self.first)
    }

    /// Whether no page is in it.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// All windows of a file. The opening one comes first, cut to the file's length.
pub fn windows(pages_total: u32) -> Vec<Window> {
    (1..=pages_total).step_by(PAGES as usize).map(|first| Window { first, last: (first + PAGES - 1).min(pages_total) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_page_once() {
        for pages in [0, 1, PAGES - 1, PAGES, PAGES + 1, 1_000] {
            let windows = windows(pages);
            assert_eq!(windows.iter().map(|window| window.len()).sum::<u32>(), pages);
            assert!(windows.windows(2).all(|pair| pair[0].last + 1 == pair[1].first));
            assert_eq!(windows.first().copied().unwrap_or(Window { first: 1, last: 0 }), Window::opening().within(pages));
        }
    }
}

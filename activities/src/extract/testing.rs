//! Pages for tests, laid out from lines of text as a typewriter would.

use domain::block::{BBox, PageWords, Source, Word};

/// A page whose lines stand below each other; four spaces or more in a line make a gap as between columns.
pub(crate) fn page(lines: &[&str]) -> PageWords {
    numbered_page(1, lines)
}

/// The same with a page number of its own.
pub(crate) fn numbered_page(number: u32, lines: &[&str]) -> PageWords {
    const CHARACTER: f32 = 0.01;
    const HEIGHT: f32 = 0.012;
    let pitch = 1.0 / lines.len().max(60) as f32;
    let mut words = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let top = index as f32 * pitch;
        let mut column = 0;
        for part in line.split(' ') {
            let width = part.chars().count();
            if width > 0 {
                let left = column as f32 * CHARACTER;
                let bbox = BBox([left, top, left + width as f32 * CHARACTER, top + HEIGHT]);
                words.push(Word { text: part.to_owned(), bbox, confidence: 0.95 });
            }
            column += width + 1;
        }
    }
    PageWords { page: number, aspect: 0.707, source: Source::Ocr, words }
}

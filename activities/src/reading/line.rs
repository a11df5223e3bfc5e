//! Where lines of text lie: by the words that were read in them, and by their ink alone.

use domain::block::{BBox, Word};

use crate::reading::ink::{Ink, Piece, letters};

/// Between two neighbours of a line there are at most so many of its heights; what is further away is another column, and a line of its own.
const GAP: f32 = 1.8;
/// Lines are at least this high, in pixels of the page: below, no letter can be told.
const LOWEST: f32 = 5.0;
/// Share of a line of ink that a known line covers, from which it is the same.
const KNOWN: f32 = 0.3;
/// Fewer letters than this are no line that Tesseract missed, but a speck or a logo.
const FEWEST: usize = 2;

/// The lines of a page: those in which words were read, which are in reading order, and after them those that only their ink shows.
pub fn lines(words: &[Word], ink: &Ink) -> Vec<BBox> {
    let (width, height) = (ink.width as f32, ink.height as f32);
    let mut lines = of_words(words, width / height);
    lines.retain(|line| line.height() * height * ink.scale >= LOWEST);
    let seen = lines.len();
    let unseen = of_letters(&letters(&ink.pieces(), ink));
    let unseen = unseen.into_iter().filter(|line| line.height() * ink.scale >= LOWEST).map(|line| line.share(width, height));
    let unseen: Vec<BBox> = unseen.filter(|line| lines[..seen].iter().all(|known| covered(line, known) < KNOWN)).collect();
    lines.extend(unseen);
    lines
}

/// The share of a box that another covers.
fn covered(of: &BBox, by: &BBox) -> f32 {
    let width = of.right().min(by.right()) - of.left().max(by.left());
    let height = of.bottom().min(by.bottom()) - of.top().max(by.top());
    if width > 0.0 && height > 0.0 { width * height / (of.width() * of.height()) } else { 0.0 }
}

/// Words that follow each other make lines. `aspect` is the page's width over its height.
fn of_words(words: &[Word], aspect: f32) -> Vec<BBox> {
    let mut lines: Vec<BBox> = Vec::new();
    for word in words {
        let bbox = word.bbox;
        let wide =
            |bbox: &BBox| Stretch { left: bbox.left() * aspect, top: bbox.top(), right: bbox.right() * aspect, bottom: bbox.bottom() };
        match lines.last_mut().filter(|line| wide(line).goes_on(&wide(&bbox))) {
            Some(line) => {
                *line = BBox([line.left(), line.top().min(bbox.top()), line.right().max(bbox.right()), line.bottom().max(bbox.bottom())]);
            }
            None => lines.push(bbox),
        }
    }
    lines
}

/// Letters that stand side by side make lines, in the order of their left ends.
fn of_letters(letters: &[Piece]) -> Vec<Stretch> {
    let mut letters: Vec<Stretch> = letters.iter().map(Stretch::of).collect();
    letters.sort_by(|a, b| a.left.total_cmp(&b.left));
    let mut lines: Vec<(Stretch, usize)> = Vec::new();
    for letter in letters {
        let beside = |line: &Stretch| line.shared(&letter);
        let best = lines.iter_mut().filter(|(line, _)| line.goes_on(&letter)).max_by(|(a, _), (b, _)| beside(a).total_cmp(&beside(b)));
        match best {
            Some((line, count)) => {
                line.add(&letter);
                *count += 1;
            }
            None => lines.push((letter, 1)),
        }
    }
    lines.into_iter().filter(|(_, count)| *count >= FEWEST).map(|(line, _)| line).collect()
}

/// A stretch of text, with the same unit across and down.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Stretch {
    fn of(piece: &Piece) -> Self {
        Self { left: piece.left as f32, top: piece.top as f32, right: piece.right as f32, bottom: piece.bottom as f32 }
    }

    fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn share(&self, width: f32, height: f32) -> BBox {
        BBox([self.left / width, self.top / height, self.right / width, self.bottom / height])
    }

    /// How much of their heights two stretches share.
    fn shared(&self, other: &Self) -> f32 {
        self.bottom.min(other.bottom) - self.top.max(other.top)
    }

    /// Whether the other stands to the right of this, at its height and not much larger or smaller.
    fn goes_on(&self, other: &Self) -> bool {
        let gap = other.left - self.right;
        let (lower, higher) = (self.height().min(other.height()), self.height().max(other.height()));
        self.shared(other) > 0.5 * lower && gap > -lower && gap <= GAP * higher && higher <= 3.0 * lower
    }

    fn add(&mut self, other: &Self) {
        self.right = self.right.max(other.right);
        // Weighed, so that a stroke that reaches far up or down does not let the line swallow its neighbours.
        let limit = 0.25 * self.height();
        self.top = self.top.min(other.top.max(self.top - limit));
        self.bottom = self.bottom.max(other.bottom.min(self.bottom + limit));
    }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;

    fn word(left: f32, top: f32, right: f32, bottom: f32) -> Word {
        Word { text: "x".to_owned(), bbox: BBox([left, top, right, bottom]), confidence: 0.9 }
    }

    /// A page of 600 by 400 with letters, each 8 by 14, of these lines: left end, top and number of letters.
    fn page(lines: &[(u32, u32, u32)]) -> Ink {
        let dark = |x: u32, y: u32| {
            lines.iter().any(|(left, top, count)| {
                let within =
                    x.checked_sub(*left).is_some_and(|along| along / 12 < *count && along % 12 < 8 && (along % 12 < 3 || y % 7 < 3));
                within && (*top..top + 14).contains(&y)
            })
        };
        Ink::of(&GrayImage::from_fn(600, 400, |x, y| Luma([if dark(x, y) { 20 } else { 235 }])))
    }

    #[test]
    fn words_make_lines_and_columns_are_lines_of_their_own() {
        let words = [word(0.1, 0.10, 0.2, 0.12), word(0.22, 0.105, 0.3, 0.125), word(0.7, 0.10, 0.8, 0.12), word(0.1, 0.14, 0.2, 0.16)];
        let found = of_words(&words, 1.0);
        assert_eq!(found, [BBox([0.1, 0.10, 0.3, 0.125]), words[2].bbox, words[3].bbox]);
    }

    #[test]
    fn a_wide_page_is_no_other_page() {
        // The same in pixels: two words of 20 by 20, with 30 or 40 between.
        for (width, height) in [(200.0_f32, 1_000.0_f32), (1_000.0, 200.0)] {
            let at = |left: f32| word(left / width, 10.0 / height, (left + 20.0) / width, 30.0 / height);
            assert_eq!(of_words(&[at(10.0), at(60.0)], width / height).len(), 1, "{width}x{height}");
            assert_eq!(of_words(&[at(10.0), at(70.0)], width / height).len(), 2, "{width}x{height}");
        }
    }

    #[test]
    fn lines_are_seen_by_their_ink_alone() {
        let ink = page(&[(40, 40, 20), (400, 40, 6), (40, 80, 10)]);
        let found = lines(&[], &ink);
        assert_eq!(found.len(), 3, "{found:?}");
        let first = found.iter().find(|line| line.top() < 0.15 && line.left() < 0.2).unwrap();
        assert!((first.left() - 40.0 / 600.0).abs() < 0.01 && (first.right() - 276.0 / 600.0).abs() < 0.01, "{first:?}");
    }

    #[test]
    fn what_was_read_already_is_not_seen_again() {
        let ink = page(&[(40, 40, 20), (40, 80, 10)]);
        let read = word(40.0 / 600.0, 0.1, 280.0 / 600.0, 0.135);
        let found = lines(std::slice::from_ref(&read), &ink);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], read.bbox);
        assert!(found[1].top() > 0.18);
    }

    #[test]
    fn an_empty_page_has_no_lines() {
        assert_eq!(lines(&[], &page(&[])), []);
    }
}

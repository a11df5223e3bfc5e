//! Rows from words: which words stand side by side, and which of them belong together. Everything else in `extract` looks at rows, never at raw words.

use std::ops::Range;

use domain::block::{BBox, PageWords, Source, Word};

/// Words further apart than this many of their heights belong to different segments of a row (a column of its own).
const SEGMENT_GAP: f32 = 1.6;

/// Words that stand on one line of the page.
#[derive(Debug)]
pub struct Row<'a> {
    /// Page number, from 1.
    pub page: u32,
    /// Who read it.
    pub source: Source,
    /// Left to right.
    pub words: Vec<&'a Word>,
    /// The words, joined by one space.
    pub text: String,
    /// `text` with the ASCII letters in upper case; the same bytes long.
    pub upper: String,
    /// `text` with letters that are misread digits put right, in words that look like numbers; the same bytes long.
    pub digits: String,
    /// Where each word starts in `text`.
    starts: Vec<usize>,
    /// Byte ranges of `text` that hold words close together.
    pub segments: Vec<Range<usize>>,
    /// Median height of the words, in widths of the page.
    pub height: f32,
    /// Centre from the top of the page, 0..=1.
    pub y: f32,
    /// Place among the rows of its page, from 0.
    pub index: usize,
    /// How many rows its page has.
    pub of: usize,
}

/// Some words of a row, as a place to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The box around the words.
    pub bbox: BBox,
    /// The words as read.
    pub text: String,
    /// The lowest confidence among the words, 0..=1.
    pub confidence: f32,
}

impl Row<'_> {
    /// The words that a byte range of `text` touches.
    pub fn span(&self, range: Range<usize>) -> Option<Span> {
        let mut span: Option<Span> = None;
        for (word, &start) in self.words.iter().zip(&self.starts) {
            let touched = start < range.end && start + word.text.len() > range.start;
            if !touched {
                continue;
            }
            span = Some(match span {
                None => Span { bbox: word.bbox, text: word.text.clone(), confidence: word.confidence },
                Some(held) => Span {
                    bbox: held.bbox.union(&word.bbox),
                    text: format!("{} {}", held.text, word.text),
                    confidence: held.confidence.min(word.confidence),
                },
            });
        }
        span
    }

    /// The whole row as a place to show.
    pub fn whole(&self) -> Option<Span> {
        self.span(0..self.text.len())
    }

    /// The segment that holds a byte of `text`.
    pub fn segment_at(&self, at: usize) -> Option<Range<usize>> {
        self.segments.iter().find(|segment| segment.contains(&at)).cloned()
    }

    /// A byte range without the words at its ends that the reader hardly believes in itself, such as scraps of a logo.
    pub fn sure_part(&self, range: Range<usize>) -> Option<Range<usize>> {
        let held = || {
            self.words
                .iter()
                .zip(&self.starts)
                .filter(|(word, start)| **start >= range.start && **start < range.end && word.confidence >= 0.35)
                .map(|(word, start)| *start..*start + word.text.len())
        };
        let first = held().next()?;
        let last = held().next_back()?;
        Some(first.start..last.end)
    }

    /// Mean confidence of the words, 0..=1.
    pub fn confidence(&self) -> f32 {
        if self.words.is_empty() { 0.0 } else { self.words.iter().map(|word| word.confidence).sum::<f32>() / self.words.len() as f32 }
    }
}

/// The rows of all pages, in reading order. Never fails: words with odd boxes end up in rows of their own.
pub fn rows<'a>(pages: &'a [PageWords]) -> Vec<Row<'a>> {
    pages.iter().flat_map(page_rows).collect()
}

/// The median height of the rows, in widths of the page; 0 where there are none.
pub fn median_height(rows: &[Row]) -> f32 {
    let mut heights: Vec<f32> = rows.iter().map(|row| row.height).collect();
    median(&mut heights)
}

/// A line that is still growing to the right. Heights are straightened, see `slope`.
struct Growing<'a> {
    words: Vec<&'a Word>,
    top: f32,
    bottom: f32,
    right: f32,
}

fn page_rows(page: &PageWords) -> Vec<Row<'_>> {
    // One unit for both axes, the width of the page, so that a gap can be held against a height.
    let aspect = if page.aspect.is_finite() && page.aspect > 0.0 { page.aspect } else { 1.0 };
    let mut words: Vec<&Word> = page.words.iter().filter(|word| is_sound(word)).collect();
    words.sort_by(|a, b| a.bbox.left().total_cmp(&b.bbox.left()).then(a.bbox.top().total_cmp(&b.bbox.top())));
    // First only what stands close, which tells how the lines slope; then across the gaps, along that slope.
    let slope = slope(&lines(&words, 0.0, Some(3.0 / aspect)));
    let mut rows: Vec<Row> = lines(&words, slope, None).into_iter().map(|line| row(page, line.words, aspect)).collect();
    rows.sort_by(|a, b| a.y.total_cmp(&b.y));
    let of = rows.len();
    for (index, row) in rows.iter_mut().enumerate() {
        (row.index, row.of) = (index, of);
    }
    rows
}

/// Chains words, which come from left to right, into lines. `reach` limits the gap, in heights of the word.
fn lines<'a>(words: &[&'a Word], slope: f32, reach: Option<f32>) -> Vec<Growing<'a>> {
    let mut lines: Vec<Growing> = Vec::new();
    for word in words {
        let drop = slope * (word.bbox.left() + word.bbox.right()) / 2.0;
        let (top, bottom) = (word.bbox.top() - drop, word.bbox.bottom() - drop);
        // The line whose end is nearest in height: comparing with the end and not the beginning follows a curl of the paper.
        let line = lines
            .iter_mut()
            .filter(|line| {
                overlaps(line, top, bottom) && reach.is_none_or(|reach| word.bbox.left() - line.right < reach * word.bbox.height())
            })
            .min_by(|a, b| (top + bottom - a.top - a.bottom).abs().total_cmp(&(top + bottom - b.top - b.bottom).abs()));
        match line {
            Some(line) => {
                // A dash or a full stop says little about where the line runs.
                if bottom - top > 0.6 * (line.bottom - line.top) {
                    (line.top, line.bottom) = (top, bottom);
                }
                line.right = line.right.max(word.bbox.right());
                line.words.push(word);
            }
            None => lines.push(Growing { words: vec![word], top, bottom, right: word.bbox.right() }),
        }
    }
    lines
}

/// How far lines fall on their way across the page, in heights of the page per width: the median over lines long enough to tell.
fn slope(lines: &[Growing]) -> f32 {
    let mut slopes: Vec<f32> = lines
        .iter()
        .filter(|line| line.words.len() >= 3)
        .filter_map(|line| {
            let centre = |word: &Word| ((word.bbox.left() + word.bbox.right()) / 2.0, (word.bbox.top() + word.bbox.bottom()) / 2.0);
            let ((x0, y0), (x1, y1)) = (centre(line.words.first()?), centre(line.words.last()?));
            (x1 - x0 > 0.15).then(|| (y1 - y0) / (x1 - x0))
        })
        .collect();
    if slopes.len() < 3 { 0.0 } else { median(&mut slopes) }
}

fn is_sound(word: &Word) -> bool {
    !word.text.trim().is_empty() && word.bbox.0.iter().all(|edge| edge.is_finite()) && word.bbox.width() >= 0.0 && word.bbox.height() >= 0.0
}

fn overlaps(line: &Growing, top: f32, bottom: f32) -> bool {
    let overlap = line.bottom.min(bottom) - line.top.max(top);
    let smaller = (line.bottom - line.top).min(bottom - top).max(f32::EPSILON);
    overlap / smaller > 0.5
}

fn row<'a>(page: &PageWords, words: Vec<&'a Word>, aspect: f32) -> Row<'a> {
    let mut heights: Vec<f32> = words.iter().map(|word| word.bbox.height() / aspect).collect();
    let height = median(&mut heights);
    let y = words.iter().map(|word| (word.bbox.top() + word.bbox.bottom()) / 2.0).sum::<f32>() / words.len().max(1) as f32;
    let mut text = String::new();
    let mut digits = String::new();
    let mut starts = Vec::with_capacity(words.len());
    let mut segments: Vec<Range<usize>> = Vec::new();
    let mut right = f32::NEG_INFINITY;
    for word in &words {
        if !text.is_empty() {
            text.push(' ');
            digits.push(' ');
        }
        let start = text.len();
        starts.push(start);
        text.push_str(&word.text);
        digits.push_str(&forgive(&word.text));
        let close = word.bbox.left() - right < SEGMENT_GAP * height;
        match segments.last_mut() {
            Some(segment) if close => segment.end = text.len(),
            _ => segments.push(start..text.len()),
        }
        right = right.max(word.bbox.right());
    }
    let upper = text.to_ascii_uppercase();
    Row { page: page.page, source: page.source, words, text, upper, digits, starts, segments, height, y, index: 0, of: 0 }
}

/// Letters that a reader takes for digits, put right, if the word is a number otherwise: `3O/O3/2O18`, `RM1S.00`.
fn forgive(word: &str) -> String {
    let head = word.find(|c: char| c.is_ascii_digit() || matches!(c, 'O' | 'o' | 'S' | 'B' | 'I' | 'l' | '|')).filter(|&at| {
        let prefix = &word[..at];
        prefix.is_empty()
            || prefix.chars().all(|c| !c.is_alphanumeric())
            || ["RM", "USD", "EUR", "GBP", "MYR"].contains(&prefix.trim_end_matches(['.', ':']))
    });
    let Some(head) = head else { return word.to_owned() };
    let (prefix, number) = word.split_at(head);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let fixed: Option<String> = number
        .chars()
        .map(|c| match c {
            '0'..='9' | '.' | ',' | '/' | '-' | ':' | '\'' | '(' | ')' | '*' | '%' => Some(c),
            'O' | 'o' | 'Q' | 'D' | 'U' => Some('0'),
            'I' | 'l' | '|' | 'i' | '!' => Some('1'),
            'Z' | 'z' => Some('2'),
            'S' | 's' => Some('5'),
            'B' => Some('8'),
            _ => None,
        })
        .collect();
    match fixed {
        Some(fixed) if digits * 2 >= number.len().saturating_sub(2) && digits > 0 => format!("{prefix}{fixed}"),
        _ => word.to_owned(),
    }
}

fn median(values: &mut [f32]) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::page;

    #[test]
    fn words_side_by_side_make_a_row_and_wide_gaps_make_segments() {
        let pages = [page(&["SUBTOTAL          28.50", "TOTAL   RM 30.20"])];
        let rows = rows(&pages);
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        assert_eq!(texts, ["SUBTOTAL 28.50", "TOTAL RM 30.20"]);
        assert_eq!(rows[0].segments, [0..8, 9..14]);
        assert_eq!(rows[1].span(6..14).map(|span| span.text), Some("RM 30.20".to_owned()));
    }

    #[test]
    fn a_sloping_line_stays_one_row() {
        let mut page = page(&["A BB CCC DDDD EEEEE FFFFFF GGGGGGG", "H II JJJ KKKK LLLLL MMMMMM NNNNNNN"]);
        for word in &mut page.words {
            let drop = word.bbox.left() * 0.06;
            word.bbox.0[1] += drop;
            word.bbox.0[3] += drop;
        }
        assert_eq!(rows(&[page]).len(), 2);
    }

    #[test]
    fn misread_digits_are_put_right_only_in_numbers() {
        for (read, meant) in
            [("3O/O3/2O18", "30/03/2018"), ("RM1S.0O", "RM15.00"), ("SODA", "SODA"), ("B", "B"), ("l2.50", "12.50"), ("7UP", "7UP")]
        {
            assert_eq!(forgive(read), meant, "{read}");
        }
    }
}

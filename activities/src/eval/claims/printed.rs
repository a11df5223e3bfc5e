//! Amounts that stand on a document beside its total: what was handed over, what came back, the sum before tax. From the labelled lines.

use std::path::Path;

use domain::block::{BBox, PageWords, Source, Word};
use rust_decimal::Decimal;

use crate::extract::entry;
use crate::extract::row::rows;

/// The amounts in the labelled lines beside the file, with what their words call them. Nothing where there are no such lines.
pub fn amounts(file: &Path) -> Vec<(&'static str, Decimal)> {
    std::fs::read_to_string(file.with_extension("lines.csv")).ok().and_then(|text| page(&text)).map(|page| named(&page)).unwrap_or_default()
}

fn named(page: &PageWords) -> Vec<(&'static str, Decimal)> {
    let pages = std::slice::from_ref(page);
    let mut found: Vec<(&'static str, Decimal)> = Vec::new();
    for entry in entry::read(&rows(pages)) {
        let cues = if entry.cues.any { entry.cues } else { entry.above };
        let name = if cues.change {
            "change"
        } else if cues.cash {
            "cash"
        } else if cues.subtotal || (cues.total && cues.exclusive) {
            "subtotal"
        } else {
            continue;
        };
        let is_new = found.iter().all(|(held, _)| *held != name);
        if entry.amount.decimals && entry.amount.value > Decimal::ZERO && is_new {
            found.push((name, entry.amount.value));
        }
    }
    found
}

/// Lines of eight corner coordinates and a text; the text may hold commas.
fn page(text: &str) -> Option<PageWords> {
    let lines: Vec<([f32; 4], &str)> = text.lines().filter_map(line).collect();
    let far = |side: usize| lines.iter().map(|(corners, _)| corners[side]).fold(0.0, f32::max);
    let (width, height) = (far(2), far(3));
    if width <= 0.0 || height <= 0.0 {
        return None;
    }
    let words = lines
        .into_iter()
        .flat_map(|([left, top, right, bottom], text)| {
            // A word's share of its line goes by its letters.
            let step = (right - left) / text.chars().count().max(1) as f32;
            let mut at = 0;
            text.split(' ')
                .filter_map(move |word| {
                    let begin = at;
                    at += word.chars().count() + 1;
                    let (from, to) = (left + begin as f32 * step, left + (at - 1) as f32 * step);
                    let bbox = BBox([from / width, top / height, to / width, bottom / height]);
                    (!word.is_empty()).then(|| Word { text: word.to_owned(), bbox, confidence: 1.0 })
                })
                .collect::<Vec<_>>()
        })
        .collect();
    Some(PageWords { page: 1, aspect: width / height, source: Source::Ocr, words })
}

fn line(line: &str) -> Option<([f32; 4], &str)> {
    let mut parts = line.splitn(9, ',');
    let corners: Vec<f32> = parts.by_ref().take(8).map_while(|number| number.trim().parse().ok()).collect();
    let text = parts.next()?;
    match corners.as_slice() {
        [left, top, _, _, right, bottom, _, _] => Some(([*left, *top, *right, *bottom], text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_called_what_stands_beside_them() {
        let row = |top: u32, left: u32, text: &str| {
            let right = left + 10 * u32::try_from(text.len()).unwrap();
            format!("{left},{top},{right},{top},{right},{0},{left},{0},{text}", top + 16)
        };
        let lines = [
            row(10, 10, "CORNER, STORE"),
            row(40, 10, "SUB TOTAL"),
            row(40, 300, "8.50"),
            row(70, 10, "TOTAL RM 9.00"),
            row(100, 10, "CASH"),
            row(100, 300, "10.00"),
            row(130, 10, "CHANGE 1.00"),
            "not a line".to_owned(),
        ];
        let found = named(&page(&lines.join("\n")).unwrap());
        let expected = [("subtotal", "8.50"), ("cash", "10.00"), ("change", "1.00")];
        assert_eq!(found, expected.map(|(name, amount)| (name, amount.parse().unwrap())));
        assert_eq!(page(""), None);
    }
}

//! The words that were read on pages of evidence: found where the worker kept them, put into lines, searched.

use std::ops::Range;

use domain::block::{BBox, PageWords, Word};
use domain::reading::{self, ReadPage, ReadWindow};
use store::evidence::EvidenceRow;
use store::stage::{self, FoundResult};
use store::{StoreError, TenantTx};

use crate::problem::Problem;
use crate::state::AppState;

/// Words of a page that are handed out; a dense page of small print has a third of it.
pub const MOST_WORDS: usize = 4_000;
/// Characters of one word that are handed out.
pub const LONGEST_WORD: usize = 200;
/// Characters of what is searched for.
pub const LONGEST_WISH: usize = 100;
/// Characters shown on either side of a hit.
const AROUND: usize = 40;

/// Where the readings of these windows lie, whichever version of the reader made them. In no order.
pub async fn locate(
    tx: &mut TenantTx,
    state: &AppState,
    row: &EvidenceRow,
    windows: &[(u32, u32)],
) -> Result<Vec<FoundResult>, StoreError> {
    let hashes: Vec<[u8; 32]> =
        windows.iter().map(|(first, last)| reading::read_hash(&state.page_version, &row.sha256, *first, *last)).collect();
    stage::newest(tx, reading::STAGE, &hashes).await
}

/// All windows of a file.
pub fn windows(row: &EvidenceRow) -> Vec<(u32, u32)> {
    let total = pages(row);
    (1..=total).step_by(reading::WINDOW_PAGES as usize).filter_map(|first| reading::window_of(first, total)).collect()
}

/// How many pages the file has; 0 until they were counted.
pub fn pages(row: &EvidenceRow) -> u32 {
    row.pages.map_or(0, i32::unsigned_abs)
}

/// A reading. None when its object is gone, or is none of ours.
pub async fn fetch(state: &AppState, found: FoundResult) -> Result<Option<Vec<ReadPage>>, Problem> {
    let parsed = match found.content {
        Some(content) => serde_json::from_value::<ReadWindow>(content),
        None => {
            let bytes = match state.images.get(&found.object_key) {
                Some(bytes) => bytes,
                None => {
                    let Some(bytes) = state.objects.get(&found.object_key).await? else { return Ok(None) };
                    state.images.insert(found.object_key.clone(), bytes.clone());
                    bytes
                }
            };
            // Sixteen dense pages are half a megabyte, which is too long for a thread that serves others.
            match tokio::task::spawn_blocking(move || serde_json::from_slice::<ReadWindow>(&bytes)).await {
                Ok(parsed) => parsed,
                Err(_) => return Ok(None),
            }
        }
    };
    Ok(parsed.ok().map(|window| window.pages))
}

/// The words of one page, and the version of the reader that read them. None while it is unread, or cannot be.
pub async fn words(state: &AppState, found: Vec<FoundResult>, page: u32) -> Result<Option<(String, PageWords)>, Problem> {
    for found in found {
        let version = found.version.clone();
        let read = fetch(state, found).await?.into_iter().flatten().find(|read| read.page == page);
        if let Some(words) = read.and_then(|read| read.words) {
            return Ok(Some((version, words)));
        }
    }
    Ok(None)
}

/// The words by lines: a new one begins where a word starts left of the one before, or stands beside none of its height.
pub fn lines(words: &[Word]) -> Vec<Range<usize>> {
    let mut lines: Vec<Range<usize>> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| words[before].bbox);
        let goes_on = before.is_some_and(|before| {
            let middle = (word.bbox.top() + word.bbox.bottom()) / 2.0;
            word.bbox.left() >= before.left() && (before.top()..=before.bottom()).contains(&middle)
        });
        match lines.last_mut() {
            Some(line) if goes_on => line.end = index + 1,
            _ => lines.push(index..index + 1),
        }
    }
    lines
}

/// What is searched for, as it is compared: small letters, single spaces, not too long. None when nothing is left.
pub fn wish(text: &str) -> Option<String> {
    let folded = text.split_whitespace().map(fold).collect::<Vec<_>>().join(" ");
    let wish: String = folded.chars().take(LONGEST_WISH).collect();
    Some(wish.trim_end().to_owned()).filter(|wish| !wish.is_empty())
}

/// One place where the wish stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// A box for each line that it runs over.
    pub boxes: Vec<BBox>,
    pub before: String,
    pub text: String,
    pub after: String,
}

/// Every place on a page where the wish stands, at most so many.
pub fn find(words: &[Word], wish: &str, most: usize) -> Vec<Hit> {
    let (mut text, mut starts) = (String::new(), Vec::with_capacity(words.len()));
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        starts.push(text.len());
        text.push_str(&fold(&word.text));
    }
    let word_at = |at: usize| starts.partition_point(|start| *start <= at) - 1;
    let lines = lines(words);
    let hits = text.match_indices(wish).map(|(at, found)| word_at(at)..word_at(at + found.len() - 1) + 1);
    hits.take(most).map(|range| hit(words, &lines, range)).collect()
}

fn hit(words: &[Word], lines: &[Range<usize>], range: Range<usize>) -> Hit {
    let within = |line: &Range<usize>| range.start.max(line.start)..range.end.min(line.end);
    let crossed = lines.iter().map(within).filter(|part| !part.is_empty());
    let one = |part: Range<usize>| words[part].iter().map(|word| word.bbox).reduce(|a, b| a.union(&b));
    let line = lines.iter().find(|line| line.contains(&range.start)).cloned().unwrap_or(range.clone());
    let (before, after) = (joined(&words[line.start..range.start]), joined(&words[range.end..line.end.max(range.end)]));
    let skipped = before.chars().count().saturating_sub(AROUND);
    Hit {
        boxes: crossed.filter_map(one).collect(),
        before: before.chars().skip(skipped).collect(),
        text: joined(&words[range]).chars().take(LONGEST_WORD).collect(),
        after: after.chars().take(AROUND).collect(),
    }
}

/// The words with spaces between.
pub fn joined(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, left: f32, top: f32) -> Word {
        Word { text: text.to_owned(), bbox: BBox([left, top, left + 0.1, top + 0.02]), confidence: 0.9 }
    }

    fn page() -> Vec<Word> {
        vec![
            word("Kedai", 0.1, 0.1),
            word("Bunga", 0.3, 0.105),
            word("Total", 0.1, 0.2),
            word("RM", 0.5, 0.2),
            word("9.00", 0.6, 0.2),
            word("ÄPFEL", 0.1, 0.3),
        ]
    }

    #[test]
    fn words_beside_each_other_are_one_line() {
        assert_eq!(lines(&page()), [0..2, 2..5, 5..6]);
        assert!(lines(&[]).is_empty());
        // Two columns that were read one after the other.
        assert_eq!(lines(&[word("left", 0.1, 0.1), word("right", 0.6, 0.1), word("left", 0.1, 0.1)]), [0..2, 2..3]);
    }

    #[test]
    fn what_is_searched_for_is_found_across_words_and_lines() {
        let page = page();
        let found = |text: &str| {
            let hits = find(&page, &wish(text).unwrap(), 10);
            hits.into_iter().map(|hit| (hit.before, hit.text, hit.after, hit.boxes.len())).collect::<Vec<_>>()
        };
        let hit = |before: &str, text: &str, after: &str, boxes| vec![(before.to_owned(), text.to_owned(), after.to_owned(), boxes)];
        assert_eq!(found("rm  9.0"), hit("Total", "RM 9.00", "", 1));
        assert_eq!(found("otal"), hit("", "Total", "RM 9.00", 1));
        assert_eq!(found("bunga total"), hit("Kedai", "Bunga Total", "", 2));
        assert_eq!(found("äpfel"), hit("", "ÄPFEL", "", 1));
        assert!(found("10.00").is_empty());
        assert_eq!(find(&page, "a", 1).len(), 1, "no more than asked for");
    }

    #[test]
    fn a_wish_is_bounded_and_may_be_none() {
        for (text, wished) in [("", None), (" \t", None), (" Two\n Words ", Some("two words"))] {
            assert_eq!(wish(text).as_deref(), wished);
        }
        assert_eq!(wish(&"x".repeat(LONGEST_WISH + 1)).unwrap().len(), LONGEST_WISH);
    }
}

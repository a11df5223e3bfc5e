//! Free text: the same words, give or take a slip of the reader. Also the folding that other kinds build on.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Comparison;

/// From here on two texts are one text with slips of the reader: one wrong letter in ten.
const SAME: f64 = 0.9;
/// Below this they are two texts.
const DIFFERENT: f64 = 0.6;

pub(super) fn compare(claimed: &str, found: &str) -> Comparison {
    let similarity = strsim::normalized_levenshtein(&words(claimed).join(" "), &words(found).join(" "));
    Comparison::by_similarity(similarity, SAME, DIFFERENT, "similar_text")
}

/// Words without accents, case and punctuation. An apostrophe or a dot inside a word is no gap: `Domino's`, `Sdn.Bhd`.
pub(super) fn words(text: &str) -> Vec<String> {
    let plain: String =
        text.nfkd().filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '\u{2019}' | '`')).flat_map(char::to_uppercase).collect();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

//! Identifiers: letter by letter after dropping case, spaces and separators. A pair that readers confuse makes it unclear, never the same.

use unicode_normalization::UnicodeNormalization;

use super::Comparison;

pub(super) fn compare(claimed: &str, found: &str) -> Comparison {
    let (claimed, found) = (normal(claimed), normal(found));
    if claimed == found && !claimed.is_empty() {
        return Comparison::Same { similarity: 1.0 };
    }
    let similarity = strsim::normalized_levenshtein(&claimed, &found).min(0.99);
    if !claimed.is_empty() && confusable(&claimed) == confusable(&found) {
        return Comparison::Unclear { similarity, reason: "confusable_characters" };
    }
    Comparison::Different { similarity }
}

fn normal(text: &str) -> String {
    text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Folds the pairs that optical readers mix up into one sign each.
fn confusable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'O' | 'Q' | 'D' => '0',
            'I' | 'L' => '1',
            'Z' => '2',
            'S' => '5',
            'G' => '6',
            'B' => '8',
            other => other,
        })
        .collect()
}

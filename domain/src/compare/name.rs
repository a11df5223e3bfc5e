//! Names of companies and people: words in any order, without legal forms, forgiving slips of the reader.

use super::Comparison;
use super::text::words;

/// From here on one name: a slip or two of the reader.
const SAME: f64 = 0.85;
/// Below this two names.
const DIFFERENT: f64 = 0.6;

/// A word with half of its letters misread is still looked for among the other's.
const LIKE: f64 = 0.5;

/// Words that say what kind of company it is, not which.
const LEGAL_FORMS: &[&str] = &[
    "SDN",
    "BHD",
    "BERHAD",
    "PTE",
    "PTY",
    "LTD",
    "LIMITED",
    "LLC",
    "LLP",
    "INC",
    "INCORPORATED",
    "CORP",
    "CORPORATION",
    "CO",
    "COMPANY",
    "PLC",
    "GMBH",
    "AG",
    "KG",
    "UG",
    "BV",
    "NV",
    "SA",
    "SAS",
    "SARL",
    "SRL",
    "SPA",
    "AB",
    "AS",
    "OY",
    "M",
    "THE",
];

pub(super) fn compare(claimed: &str, found: &str) -> Comparison {
    let (a, b) = (core(claimed), core(found));
    if a.is_empty() || b.is_empty() {
        return Comparison::Different { similarity: 0.0 };
    }
    let similarity = if a == b { 1.0 } else { similarity(&a, &b) };
    let within = contains(&a, &b) || contains(&b, &a);
    match Comparison::by_similarity(similarity, SAME, DIFFERENT, "similar_name") {
        // `Tin Works Seafood Restaurant` and `Mill Lane Seafood Restaurant` are alike in most letters and two firms all the same.
        Comparison::Same { similarity } if has_a_stranger(&a, &b) => {
            Comparison::Unclear { similarity: similarity.min(0.99), reason: "another_word" }
        }
        same @ Comparison::Same { .. } => same,
        // `Mydin` is printed as `MYDIN MOHAMED HOLDINGS`, and a chain's firms differ in the word at the end: somebody should look.
        _ if within => Comparison::Unclear { similarity: similarity.max(DIFFERENT), reason: "part_of_name" },
        other => other,
    }
}

/// Whether one of them has a word that is nowhere in the other, however forgivingly it is looked for. Words that both have cancel out first.
fn has_a_stranger(a: &[String], b: &[String]) -> bool {
    let without = |words: &[String], other: &[String]| {
        let mut left = words.to_vec();
        for word in other {
            if let Some(at) = left.iter().position(|own| own == word) {
                left.swap_remove(at);
            }
        }
        left
    };
    let (left_a, left_b) = (without(a, b), without(b, a));
    let strangers = |words: &[String], left: &[String], all: &[String]| {
        let letters = all.concat();
        words.iter().filter(|word| word.chars().count() > 1).any(|word| {
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            let like = |other: &String| !is_number && strsim::normalized_levenshtein(word, other) >= LIKE;
            // A gap that the reader lost makes one word of two.
            !letters.contains(word.as_str()) && !left.iter().any(like)
        })
    };
    strangers(&left_a, &left_b, b) || strangers(&left_b, &left_a, a)
}

fn core(name: &str) -> Vec<String> {
    let all = words(name);
    let core: Vec<String> = all.iter().filter(|word| !LEGAL_FORMS.contains(&word.as_str())).cloned().collect();
    // A name of nothing but legal forms is still a name.
    if core.is_empty() { all } else { core }
}

/// The better of two views: letters in a row, which forgives gaps read wrongly, and words in any order.
fn similarity(a: &[String], b: &[String]) -> f64 {
    let in_a_row = strsim::normalized_levenshtein(&a.concat(), &b.concat());
    let sorted = |words: &[String]| {
        let mut words = words.to_vec();
        words.sort_unstable();
        words.join(" ")
    };
    in_a_row.max(strsim::normalized_levenshtein(&sorted(a), &sorted(b)))
}

fn contains(long: &[String], short: &[String]) -> bool {
    short
        .iter()
        .all(|word| long.iter().any(|other| other == word || (word.len() >= 5 && strsim::normalized_levenshtein(word, other) >= 0.8)))
}

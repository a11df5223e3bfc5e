//! Names of companies and people: words in any order, without legal forms, forgiving slips of the reader.

use super::Comparison;
use super::text::words;

/// From here on one name: a slip or two of the reader.
const SAME: f64 = 0.85;
/// Below this two names.
const DIFFERENT: f64 = 0.6;

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
    // `Mydin` is printed as `MYDIN MOHAMED HOLDINGS`: a whole name within a longer one is close, but somebody should look when it is much longer.
    if within && similarity < SAME {
        let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
        let letters: usize = (if a.len() < b.len() { &a } else { &b }).iter().map(String::len).sum();
        return if letters >= 5 && short * 2 >= long {
            Comparison::Same { similarity: SAME }
        } else {
            Comparison::Unclear { similarity: similarity.max(DIFFERENT), reason: "part_of_name" }
        };
    }
    Comparison::by_similarity(similarity, SAME, DIFFERENT, "similar_name")
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

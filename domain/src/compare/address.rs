//! Addresses by their parts: numbers must not contradict each other, most words must be shared.

use super::Comparison;
use super::text::words;

/// From here on one address, if no number contradicts.
const SAME: f64 = 0.75;
/// Below this two addresses.
const DIFFERENT: f64 = 0.4;

pub(super) fn compare(claimed: &str, found: &str) -> Comparison {
    let (a, b) = (words(claimed), words(found));
    if a.is_empty() || b.is_empty() {
        return Comparison::Different { similarity: 0.0 };
    }
    let similarity = shared(&a, &b);
    let postcodes = (postcode(&a), postcode(&b));
    if matches!(postcodes, (Some(a), Some(b)) if a != b) {
        return if similarity < DIFFERENT {
            Comparison::Different { similarity }
        } else {
            Comparison::Unclear { similarity: similarity.min(0.99), reason: "postcode" }
        };
    }
    let comparison = Comparison::by_similarity(similarity, SAME, DIFFERENT, "parts_of_address");
    // Next door and the next floor share every word but one. What a reader lost is missing on one side only.
    let other_numbers = has_more_numbers(&a, &b) && has_more_numbers(&b, &a);
    match comparison {
        Comparison::Same { similarity } if other_numbers => {
            Comparison::Unclear { similarity: similarity.min(0.99), reason: "number_in_address" }
        }
        other => other,
    }
}

/// Whether a word with digits stands there more often than in the other.
fn has_more_numbers(words: &[String], other: &[String]) -> bool {
    let times = |words: &[String], number: &String| words.iter().filter(|word| *word == number).count();
    let mut numbers = words.iter().filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    numbers.any(|number| times(words, number) > times(other, number))
}

/// Twice the letters of shared words over all letters (Dice), each word used once.
fn shared(a: &[String], b: &[String]) -> f64 {
    let mut free: Vec<&String> = b.iter().collect();
    let mut matched = 0;
    for word in a {
        let place = free.iter().position(|other| *other == word).or_else(|| free.iter().position(|other| near(word, other)));
        if let Some(place) = place {
            matched += word.len() + free.swap_remove(place).len();
        }
    }
    let all: usize = a.iter().chain(b).map(String::len).sum();
    matched as f64 / all as f64
}

/// Long words may hold a slip; numbers may not.
fn near(a: &str, b: &str) -> bool {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !number(a) && !number(b) && a.len() >= 4 && strsim::normalized_levenshtein(a, b) >= 0.75
}

/// The first number of five or six digits.
fn postcode(words: &[String]) -> Option<&String> {
    words.iter().find(|word| (5..=6).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit()))
}

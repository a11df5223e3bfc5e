//! The words of a line that was read, each with its place in the crop.

use super::alphabet::Alphabet;
use super::ctc::Symbol;

/// A letter is about this many frames wide; the net speaks in its middle, so the edge of a word lies half of one further out.
const LETTER: f32 = 4.0;

/// A word of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    pub text: String,
    /// Its edges, as shares of the crop's width from the left, 0 to 1.
    pub left: f32,
    pub right: f32,
    /// The lowest of its symbols' posteriors, 0 to 1: a word is wrong when one letter is.
    pub confidence: f32,
}

/// Splits at spaces. `frames` is how many the line has.
pub(super) fn words(symbols: &[Symbol], alphabet: &Alphabet, frames: usize) -> Vec<Word> {
    let letter = |symbol: &Symbol| alphabet.symbol(symbol.number).unwrap_or(' ');
    let whole = frames.max(1) as f32;
    let mut words = Vec::new();
    // Where the space before a word lies: what is left of it belongs to the word before.
    let mut from = 0.0_f32;
    for part in symbols.split_inclusive(|symbol| letter(symbol) == ' ') {
        let letters = part.iter().take_while(|symbol| letter(symbol) != ' ');
        let (Some(first), Some(last)) = (letters.clone().next(), letters.clone().last()) else {
            from = part.last().map_or(from, middle);
            continue;
        };
        let until = part.last().filter(|symbol| letter(symbol) == ' ').map_or(whole, middle);
        words.push(Word {
            text: letters.clone().map(letter).collect(),
            left: (middle(first) - LETTER / 2.0).max(from) / whole,
            right: (middle(last) + LETTER / 2.0).min(until) / whole,
            confidence: letters.map(|symbol| symbol.posterior).fold(1.0, f32::min),
        });
        from = until;
    }
    words
}

/// The middle of a symbol's frames, in frames.
fn middle(symbol: &Symbol) -> f32 {
    (symbol.first + symbol.last + 1) as f32 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, step: usize, frames: usize) -> Vec<Word> {
        let alphabet = Alphabet::learn([" 012AB"]).expect("symbols");
        let symbols = alphabet.encode(text).expect("known symbols").into_iter().enumerate().map(|(place, number)| Symbol {
            number,
            first: place * step,
            last: place * step,
            posterior: 1.0 - place as f32 / 100.0,
        });
        words(&symbols.collect::<Vec<_>>(), &alphabet, frames)
    }

    #[test]
    fn words_lie_in_their_order_between_the_spaces() {
        let words = read("AB 012 A", 5, 40);
        assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["AB", "012", "A"]);
        assert!(words.iter().all(|word| word.left < word.right && word.left >= 0.0 && word.right <= 1.0), "{words:?}");
        assert!(words.windows(2).all(|pair| pair[0].right <= pair[1].left), "{words:?}");
        assert_eq!((words[1].left, words[1].right), (13.5 / 40.0, 27.5 / 40.0));
        assert_eq!(words[1].confidence, 0.95);
    }

    #[test]
    fn spaces_alone_are_no_words() {
        for (text, expected) in [("", 0), (" ", 0), ("  ", 0), (" A ", 1), ("A  B", 2)] {
            assert_eq!(read(text, 4, 30).len(), expected, "{text:?}");
        }
    }
}

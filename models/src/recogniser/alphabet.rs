//! The symbols that the recogniser knows, learned from its training data and stored beside its weights.

use std::collections::BTreeSet;

use thiserror::Error;

/// Why a list of symbols is no alphabet.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AlphabetError {
    #[error("an alphabet needs 1 to {MOST} symbols, not {0}")]
    Size(usize),
    #[error("symbols must stand in order and only once")]
    Order,
}

/// Far beyond what the net's width could tell apart; a file that claims more is broken.
const MOST: usize = 4_096;

/// Symbols in the order of their code points. The number of a symbol is its place; the number after the last means blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    symbols: Vec<char>,
}

impl Alphabet {
    /// Every symbol that occurs in the lines.
    pub fn learn<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, AlphabetError> {
        let symbols: BTreeSet<char> = lines.into_iter().flat_map(str::chars).collect();
        Self::parse(&symbols.into_iter().collect::<String>())
    }

    /// The stored form: all symbols in order, as one string.
    pub fn parse(stored: &str) -> Result<Self, AlphabetError> {
        let symbols: Vec<char> = stored.chars().collect();
        if symbols.is_empty() || symbols.len() > MOST {
            return Err(AlphabetError::Size(symbols.len()));
        }
        if !symbols.is_sorted_by(|before, after| before < after) {
            return Err(AlphabetError::Order);
        }
        Ok(Self { symbols })
    }

    pub fn stored(&self) -> String {
        self.symbols.iter().collect()
    }

    /// How many symbols, the blank not counted.
    #[expect(clippy::len_without_is_empty, reason = "an alphabet is never empty")]
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// The number of the blank.
    pub fn blank(&self) -> usize {
        self.symbols.len()
    }

    /// The numbers of a text's symbols; None where it holds one that the alphabet lacks.
    pub fn encode(&self, text: &str) -> Option<Vec<usize>> {
        text.chars().map(|symbol| self.symbols.binary_search(&symbol).ok()).collect()
    }

    /// The symbol of a number.
    pub fn symbol(&self, number: usize) -> Option<char> {
        self.symbols.get(number).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learned_is_sorted_and_comes_back_from_its_stored_form() {
        let alphabet = Alphabet::learn(["BEAD", "CAB 1"]).expect("symbols");
        assert_eq!(alphabet.stored(), " 1ABCDE");
        assert_eq!(Alphabet::parse(&alphabet.stored()), Ok(alphabet.clone()));
        let numbers = alphabet.encode("A 1 B").expect("known symbols");
        assert_eq!(numbers.into_iter().map(|number| alphabet.symbol(number)).collect::<Option<String>>(), Some("A 1 B".to_owned()));
        assert_eq!(alphabet.encode("AZ"), None);
        assert_eq!(alphabet.blank(), alphabet.len());
    }

    #[test]
    fn broken_lists_are_refused() {
        assert_eq!(Alphabet::parse(""), Err(AlphabetError::Size(0)));
        assert_eq!(Alphabet::parse("BA"), Err(AlphabetError::Order));
        assert_eq!(Alphabet::parse("AA"), Err(AlphabetError::Order));
        assert_eq!(Alphabet::learn([]), Err(AlphabetError::Size(0)));
    }
}

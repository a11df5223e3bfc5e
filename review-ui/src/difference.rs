//! Where two short texts differ, letter by letter: what only the one has, and what only the other has. Large and small letters are the same.

/// Letters of a text that are compared one by one; longer ones are compared as wholes, for the work grows with the square.
const LONGEST: usize = 300;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    /// The other text does not have it.
    pub only_here: bool,
}

/// Both texts in pieces. Joined, the pieces of each are the text.
pub fn pieces(one: &str, other: &str) -> (Vec<Piece>, Vec<Piece>) {
    if one.chars().count() > LONGEST || other.chars().count() > LONGEST {
        let whole = |text: &str| vec![Piece { text: text.to_owned(), only_here: one.to_lowercase() != other.to_lowercase() }];
        return (whole(one), whole(other));
    }
    let (words, others): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    let (mut here, mut there) = (Vec::new(), Vec::new());
    if words.len() == others.len() {
        // Word by word: a currency that is the same says nothing of the amounts before it.
        for (index, (word, other)) in words.iter().zip(&others).enumerate() {
            if index > 0 {
                push(&mut here, ' ', false);
                push(&mut there, ' ', false);
            }
            compare(word, other, &mut here, &mut there);
        }
    } else {
        compare(one, other, &mut here, &mut there);
    }
    (here, there)
}

fn compare(one: &str, other: &str, here: &mut Vec<Piece>, there: &mut Vec<Piece>) {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let common = common(&a, &b);
    // A few letters in common by chance would leave confetti: such texts are other texts as a whole.
    let alike = common.len() * 3 >= a.len().max(b.len()) * 2;
    let shared = |at: usize, of: fn(&(usize, usize)) -> usize| alike && common.iter().any(|pair| of(pair) == at);
    for (at, letter) in a.iter().enumerate() {
        push(here, *letter, !shared(at, |pair| pair.0));
    }
    for (at, letter) in b.iter().enumerate() {
        push(there, *letter, !shared(at, |pair| pair.1));
    }
}

/// Puts a letter to the last piece, or begins another.
fn push(pieces: &mut Vec<Piece>, letter: char, only_here: bool) {
    match pieces.last_mut() {
        Some(piece) if piece.only_here == only_here => piece.text.push(letter),
        _ => pieces.push(Piece { text: letter.to_string(), only_here }),
    }
}

fn same(one: char, other: char) -> bool {
    one == other || one.to_lowercase().eq(other.to_lowercase())
}

/// The longest common subsequence, as pairs of places.
fn common(a: &[char], b: &[char]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut longest = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if same(a[i], b[j]) {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if same(a[i], b[j]) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece]) -> String {
        pieces.iter().map(|piece| if piece.only_here { format!("[{}]", piece.text) } else { piece.text.clone() }).collect()
    }

    #[test]
    fn what_only_one_has_is_marked() {
        for (one, other, marked) in [
            ("9.00 MYR", "9.80 MYR", ("9.[0]0 MYR", "9.[8]0 MYR")),
            ("9.00 MYR", "19.00 MYR", ("9.00 MYR", "[1]9.00 MYR")),
            ("12345.00 GBP", "57141.05 GBP", ("[12345.00] GBP", "[57141.05] GBP")),
            ("80.20 MYR", "28.50 MYR", ("[80.20] MYR", "[28.50] MYR")),
            ("Kedai Bunga", "Kedai Bunga Raya", ("Kedai Bunga", "Kedai Bunga[ Raya]")),
            ("same", "same", ("same", "same")),
            ("Warung Senja", "WARUNG SENJA", ("Warung Senja", "WARUNG SENJA")),
            ("Kedai", "Züri", ("[Kedai]", "[Züri]")),
            ("", "x", ("", "[x]")),
        ] {
            let (a, b) = pieces(one, other);
            assert_eq!((shown(&a).as_str(), shown(&b).as_str()), marked);
        }
    }

    #[test]
    fn long_texts_are_compared_as_wholes() {
        let (long, other) = ("a".repeat(LONGEST + 1), "b".repeat(5));
        let (a, b) = pieces(&long, &other);
        assert!(a.len() == 1 && a[0].only_here && b[0].only_here);
        assert!(!pieces(&long, &long).0[0].only_here);
    }
}

//! How alike two texts are: the share of letters in common blocks, as Ratcliff and Obershelp count it.

/// 0..=1 over letters and digits in upper case, white space and punctuation left out.
pub fn ratio(a: &str, b: &str) -> f64 {
    let (a, b) = (letters(a), letters(b));
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    2.0 * common(&a, &b) as f64 / (a.len() + b.len()) as f64
}

fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Letters in the longest common block, and in those to its left and right.
fn common(a: &[char], b: &[char]) -> usize {
    let mut total = 0;
    let mut open = vec![(a, b)];
    while let Some((a, b)) = open.pop() {
        let (length, at_a, at_b) = longest_block(a, b);
        if length > 0 {
            total += length;
            open.push((&a[..at_a], &b[..at_b]));
            open.push((&a[at_a + length..], &b[at_b + length..]));
        }
    }
    total
}

fn longest_block(a: &[char], b: &[char]) -> (usize, usize, usize) {
    let mut best = (0, 0, 0);
    let mut above = vec![0; b.len() + 1];
    for (i, x) in a.iter().enumerate() {
        let mut here = vec![0; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            if x == y {
                here[j + 1] = above[j] + 1;
                if here[j + 1] > best.0 {
                    best = (here[j + 1], i + 1 - here[j + 1], j + 1 - here[j + 1]);
                }
            }
        }
        above = here;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_is_one_for_the_same_and_falls_with_every_slip() {
        assert_eq!(ratio("Tin Works (M) Sdn. Bhd.", "TIN WORKS M SDN BHD"), 1.0);
        assert_eq!(ratio("", ""), 1.0);
        assert_eq!(ratio("abc", ""), 0.0);
        // 13 of 14 letters in common blocks, on each side.
        assert!((ratio("TIN WORKS LIMITED", "TIN W0RKS LIMITED") - 14.0 / 15.0).abs() < 1e-9);
        assert!(ratio("TIN WORKS", "COPPER KETTLE") < 0.5);
    }
}

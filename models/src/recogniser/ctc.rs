//! Connectionist temporal classification (Graves et al. 2006): the loss of a text under scores per frame with its gradient, and the reading of the best path.

/// A line's scores: frame after frame, `classes` numbers each, of which the last is the blank.
#[derive(Clone, Copy)]
pub struct Scores<'a> {
    pub numbers: &'a [f32],
    pub classes: usize,
}

impl<'a> Scores<'a> {
    fn frames(&self) -> impl DoubleEndedIterator<Item = &'a [f32]> + ExactSizeIterator {
        self.numbers.chunks_exact(self.classes)
    }

    fn blank(&self) -> usize {
        self.classes - 1
    }
}

/// What a text costs, and how each score should change.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Negative logarithm of the text's probability, in nats.
    pub nats: f32,
    /// Its derivative by each score, laid out as the scores.
    pub gradient: Vec<f32>,
}

/// A symbol of the best path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Symbol {
    pub number: usize,
    /// The frames that say so, from `first` to `last`.
    pub first: usize,
    pub last: usize,
    /// Its highest posterior among them, 0 to 1.
    pub posterior: f32,
}

/// The text that the best path spells, and how sure the net was.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub symbols: Vec<Symbol>,
    /// Mean and lowest posterior along the best path, over all frames, 0 to 1. Zero where there is no frame.
    pub mean: f32,
    pub lowest: f32,
}

/// Frames that a text needs: one per symbol, and one between two that are equal.
pub fn frames_needed(text: &[usize]) -> usize {
    text.len() + text.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// Loss and gradient of `text` under `scores`. None where the frames are too few for the text or the scores are no numbers, since no finite loss exists.
pub fn loss(scores: Scores<'_>, text: &[usize]) -> Option<Loss> {
    let frames = scores.frames().len();
    if frames == 0 || frames_needed(text) > frames || text.iter().any(|&symbol| symbol >= scores.blank()) {
        return None;
    }
    let posteriors = log_posteriors(scores);
    let states = States { text, blank: scores.blank() };
    let log_of = |frame: usize, state: usize| posteriors[frame * scores.classes + states.symbol(state)];
    let forward = sweep(&states, frames, log_of, true);
    let backward = sweep(&states, frames, log_of, false);
    let last = &forward[(frames - 1) * states.count()..];
    let total = last.iter().rev().take(2).copied().fold(f64::NEG_INFINITY, log_add);
    if !total.is_finite() {
        return None;
    }

    // Posterior of the frame less the share of the text's paths that pass through the symbol there.
    let mut gradient: Vec<f32> = posteriors.iter().map(|log| log.exp() as f32).collect();
    for frame in 0..frames {
        let row = &mut gradient[frame * scores.classes..][..scores.classes];
        for state in 0..states.count() {
            let at = frame * states.count() + state;
            // Both sweeps count the frame itself.
            let share = forward[at] + backward[at] - log_of(frame, state) - total;
            row[states.symbol(state)] -= share.exp() as f32;
        }
    }
    Some(Loss { nats: -total as f32, gradient })
}

/// The surest symbol of each frame, repeats taken together and blanks left out.
pub fn read(scores: Scores<'_>) -> Reading {
    let mut reading = Reading { symbols: Vec::new(), mean: 0.0, lowest: 0.0 };
    let frames = scores.frames().len();
    if frames == 0 {
        return reading;
    }
    let mut before = scores.blank();
    let (mut sum, mut lowest) = (0.0_f64, f32::INFINITY);
    for (place, frame) in scores.frames().enumerate() {
        let (best, score) = frame
            .iter()
            .copied()
            .enumerate()
            .fold((scores.blank(), f32::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best });
        let posterior = 1.0 / frame.iter().map(|other| (other - score).exp()).sum::<f32>();
        let posterior = if posterior.is_finite() { posterior } else { 0.0 };
        sum += f64::from(posterior);
        lowest = lowest.min(posterior);
        if best != before {
            if best != scores.blank() {
                reading.symbols.push(Symbol { number: best, first: place, last: place, posterior });
            }
        } else if let Some(symbol) = reading.symbols.last_mut().filter(|_| best != scores.blank()) {
            symbol.last = place;
            symbol.posterior = symbol.posterior.max(posterior);
        }
        before = best;
    }
    reading.mean = (sum / frames as f64) as f32;
    reading.lowest = lowest;
    reading
}

/// The text with a blank before, between and after its symbols.
struct States<'a> {
    text: &'a [usize],
    blank: usize,
}

impl States<'_> {
    fn count(&self) -> usize {
        2 * self.text.len() + 1
    }

    fn symbol(&self, state: usize) -> usize {
        if state.is_multiple_of(2) { self.blank } else { self.text[state / 2] }
    }

    /// Whether a path may go to this state from two before it: over a blank, between different symbols.
    fn may_skip(&self, state: usize) -> bool {
        !state.is_multiple_of(2) && state >= 3 && self.symbol(state) != self.symbol(state - 2)
    }
}

/// Logarithms of the sums over all paths that reach each state at each frame from the start (or, backwards, from the end), the frame itself counted.
fn sweep(states: &States<'_>, frames: usize, log_of: impl Fn(usize, usize) -> f64, forward: bool) -> Vec<f64> {
    let count = states.count();
    let mut sums = vec![f64::NEG_INFINITY; frames * count];
    for step in 0..frames {
        let frame = if forward { step } else { frames - 1 - step };
        for index in 0..count {
            let state = if forward { index } else { count - 1 - index };
            let arrived = if step == 0 {
                if index < 2 { 0.0 } else { f64::NEG_INFINITY }
            } else {
                let earlier = if forward { &sums[(frame - 1) * count..][..count] } else { &sums[(frame + 1) * count..][..count] };
                let neighbour = |distance: usize| {
                    let other = if forward { state.checked_sub(distance)? } else { state + distance };
                    let skips = distance < 2 || states.may_skip(if forward { state } else { other.min(count - 1) });
                    earlier.get(other).copied().filter(|_| skips)
                };
                (0..3).filter_map(neighbour).fold(f64::NEG_INFINITY, log_add)
            };
            sums[frame * count + state] = arrived + log_of(frame, state);
        }
    }
    sums
}

fn log_posteriors(scores: Scores<'_>) -> Vec<f64> {
    let of_frame = |frame: &[f32]| {
        let highest = frame.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total = frame.iter().map(|score| f64::from(score - highest).exp()).sum::<f64>().ln();
        frame.iter().map(|score| f64::from(score - highest) - total).collect::<Vec<f64>>()
    };
    scores.frames().flat_map(of_frame).collect()
}

fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn random(frames: usize, classes: usize, rng: &mut StdRng) -> Vec<f32> {
        (0..frames * classes).map(|_| rng.random_range(-3.0..3.0)).collect()
    }

    fn collapse(path: &[usize], blank: usize) -> Vec<usize> {
        let mut text = path.to_vec();
        text.dedup();
        text.retain(|&symbol| symbol != blank);
        text
    }

    /// Probability of the text, summed over every path there is.
    fn by_enumeration(scores: Scores<'_>, text: &[usize]) -> f64 {
        let frames = scores.frames().len();
        let posteriors = log_posteriors(scores);
        let mut total = 0.0;
        for code in 0..scores.classes.pow(frames as u32) {
            let path: Vec<usize> = (0..frames).map(|frame| code / scores.classes.pow(frame as u32) % scores.classes).collect();
            if collapse(&path, scores.blank()) == text {
                total += path.iter().enumerate().map(|(frame, &symbol)| posteriors[frame * scores.classes + symbol]).sum::<f64>().exp();
            }
        }
        total
    }

    #[test]
    fn the_loss_is_the_sum_over_all_paths() {
        let mut rng = StdRng::seed_from_u64(1);
        let texts: [&[usize]; 9] = [&[], &[0], &[1], &[0, 1], &[0, 0], &[1, 0, 1], &[1, 1, 0], &[0, 0, 0], &[2, 1, 0]];
        for frames in 1..=6 {
            let numbers = random(frames, 4, &mut rng);
            let scores = Scores { numbers: &numbers, classes: 4 };
            for text in texts {
                let probability = by_enumeration(scores, text);
                match loss(scores, text) {
                    None => assert_eq!(probability, 0.0, "{text:?} in {frames} frames"),
                    Some(loss) => assert!((f64::from(loss.nats) + probability.ln()).abs() < 1e-5, "{text:?} in {frames} frames"),
                }
            }
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let mut rng = StdRng::seed_from_u64(2);
        for text in [&[0, 1, 1][..], &[2], &[], &[0, 1, 2, 0]] {
            let numbers = random(7, 4, &mut rng);
            let at = |numbers: &[f32]| loss(Scores { numbers, classes: 4 }, text).expect("enough frames");
            let exact = at(&numbers).gradient;
            for index in 0..numbers.len() {
                let nudged = |by: f32| {
                    let mut numbers = numbers.clone();
                    numbers[index] += by;
                    at(&numbers).nats
                };
                let difference = (nudged(0.01) - nudged(-0.01)) / 0.02;
                assert!((difference - exact[index]).abs() < 2e-3, "{text:?}, {index}: {difference} and {}", exact[index]);
            }
        }
    }

    #[test]
    fn texts_that_cannot_be_are_refused() {
        let numbers = [0.0; 8];
        let scores = Scores { numbers: &numbers, classes: 4 };
        assert!(loss(scores, &[0, 0]).is_none());
        assert!(loss(scores, &[3]).is_none());
        assert!(loss(Scores { numbers: &[], classes: 4 }, &[]).is_none());
        assert!(loss(Scores { numbers: &[f32::NAN; 8], classes: 4 }, &[0]).is_none());
        assert_eq!(frames_needed(&[1, 1, 2, 2, 2]), 8);
    }

    #[test]
    fn a_long_line_has_a_finite_loss() {
        let mut rng = StdRng::seed_from_u64(3);
        let numbers: Vec<f32> = random(600, 69, &mut rng).iter().map(|score| score * 20.0).collect();
        let text: Vec<usize> = (0..250).map(|_| rng.random_range(0..68)).collect();
        let loss = loss(Scores { numbers: &numbers, classes: 69 }, &text).expect("enough frames");
        assert!(loss.nats.is_finite() && loss.gradient.iter().all(|number| number.is_finite()));
    }

    #[test]
    fn the_best_path_is_read_with_its_posteriors() {
        let sure = |symbol: usize| (0..3).map(move |class| if class == symbol { 10.0 } else { 0.0 });
        let numbers: Vec<f32> = [0, 0, 2, 0, 1, 1, 2].into_iter().flat_map(sure).collect();
        let reading = read(Scores { numbers: &numbers, classes: 3 });
        let places: Vec<_> = reading.symbols.iter().map(|symbol| (symbol.number, symbol.first, symbol.last)).collect();
        assert_eq!(places, [(0, 0, 1), (0, 3, 3), (1, 4, 5)]);
        assert!(reading.symbols.iter().all(|symbol| symbol.posterior > 0.999));
        assert!(reading.mean > 0.999 && reading.lowest > 0.999 && reading.lowest <= reading.mean);

        let unsure = read(Scores { numbers: &[0.0, 0.0, 0.0, 9.0, 0.0, 0.0], classes: 3 });
        assert!((unsure.lowest - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(read(Scores { numbers: &[], classes: 3 }), Reading { symbols: vec![], mean: 0.0, lowest: 0.0 });
    }
}

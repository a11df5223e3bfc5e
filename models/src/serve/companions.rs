//! Which items share a batch: those whose lengths waste least when all are filled up to the longest.

/// What a batch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub items: usize,
    /// With filling: the longest length times the items.
    pub cost: usize,
}

impl Room {
    /// How many items fit when the longest has this length. One always does: an item larger than a batch runs alone.
    fn most(&self, longest: usize) -> usize {
        self.items.min(self.cost / longest.max(1)).max(1)
    }

    /// What a batch costs besides its items, in their cost, guessed as an eighth of a full one: the recurrent steps and the weights that
    /// are read once a batch. It is what makes a fuller batch worth some filling.
    fn overhead(&self) -> usize {
        self.cost / 8
    }
}

/// Positions of the candidates that join the items that are already in the batch. Among equals the first come first, so the order of
/// arrival is kept.
pub(super) fn companions(taken: &[usize], candidates: &[usize], room: Room) -> Vec<usize> {
    let mut by_length: Vec<usize> = (0..candidates.len()).collect();
    by_length.sort_by_key(|&position| std::cmp::Reverse(candidates[position]));
    let longest_taken = taken.iter().copied().max().unwrap_or(0);
    let useful: usize = taken.iter().sum();

    // For every length that the batch could be filled up to, the longest items below it waste least.
    let joining = |longest: usize| {
        let free = room.most(longest).saturating_sub(taken.len());
        let fitting = by_length.iter().copied().filter(move |&position| candidates[position] <= longest);
        fitting.take(free).collect::<Vec<usize>>()
    };
    let worth = |longest: usize, joined: &[usize]| {
        let useful = useful + joined.iter().map(|&position| candidates[position]).sum::<usize>();
        useful as f64 / (longest * (taken.len() + joined.len()) + room.overhead()).max(1) as f64
    };
    let mut best = joining(longest_taken);
    let mut best_worth = worth(longest_taken, &best);
    let mut longer: Vec<usize> = candidates.iter().copied().filter(|&length| length > longest_taken).collect();
    longer.sort_unstable();
    longer.dedup();
    for longest in longer {
        // Lengths grow, so from here on not even one more fits.
        if room.most(longest) <= taken.len() {
            break;
        }
        let joined = joining(longest);
        let worth = worth(longest, &joined);
        if worth > best_worth {
            (best, best_worth) = (joined, worth);
        }
    }
    best.sort_unstable();
    best
}

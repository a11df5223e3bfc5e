//! The last N calls: a ring of outcomes and their sum. A call costs the same however large the ring is.

use super::window::{Call, Tally};

#[derive(Debug)]
pub(super) struct CountWindow {
    ring: Box<[Call]>,
    /// Where the next call goes; once the ring is full, also the oldest one.
    next: usize,
    sum: Tally,
}

impl CountWindow {
    /// `size` is at least 1.
    pub(super) fn new(size: u32) -> Self {
        let size = usize::try_from(size.max(1)).unwrap_or(1);
        Self { ring: vec![Call::default(); size].into_boxed_slice(), next: 0, sum: Tally::default() }
    }

    pub(super) fn record(&mut self, call: Call) -> Tally {
        let is_full = usize::try_from(self.sum.calls).is_ok_and(|calls| calls >= self.ring.len());
        if let Some(place) = self.ring.get_mut(self.next) {
            if is_full {
                self.sum.remove(*place);
            }
            *place = call;
            self.sum.add(call);
        }
        self.next = (self.next + 1) % self.ring.len();
        self.sum
    }

    pub(super) fn tally(&self) -> Tally {
        self.sum
    }

    /// Outcomes of before stay in the ring unread: the sum says how many count.
    pub(super) fn clear(&mut self) {
        self.next = 0;
        self.sum = Tally::default();
    }
}

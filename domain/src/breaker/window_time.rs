//! The calls of the last N seconds: a bucket for each second and their sum, from which a bucket is taken off when its second is over.

use super::window::{Call, Tally};

#[derive(Debug)]
pub(super) struct TimeWindow {
    buckets: Box<[Tally]>,
    /// The second of the newest bucket, which lies at this number modulo the size.
    newest: u64,
    sum: Tally,
}

impl TimeWindow {
    /// `seconds` is at least 1.
    pub(super) fn new(seconds: u32) -> Self {
        let seconds = usize::try_from(seconds.max(1)).unwrap_or(1);
        Self { buckets: vec![Tally::default(); seconds].into_boxed_slice(), newest: 0, sum: Tally::default() }
    }

    pub(super) fn record(&mut self, second: u64, call: Call) -> Tally {
        self.slide(second);
        self.sum.add(call);
        let place = self.place(self.newest);
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.add(call);
        }
        self.sum
    }

    pub(super) fn tally(&mut self, second: u64) -> Tally {
        self.slide(second);
        self.sum
    }

    pub(super) fn clear(&mut self) {
        self.buckets.fill(Tally::default());
        self.sum = Tally::default();
    }

    /// Makes room for this second. At most all buckets are emptied, however long nothing happened, and each second empties one.
    fn slide(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest).min(self.buckets.len() as u64);
        self.newest = second;
        for back in 0..passed {
            let place = self.place(self.newest.saturating_sub(back));
            if let Some(bucket) = self.buckets.get_mut(place) {
                self.sum.minus(std::mem::take(bucket));
            }
        }
    }

    fn place(&self, second: u64) -> usize {
        usize::try_from(second % self.buckets.len() as u64).unwrap_or(0)
    }
}

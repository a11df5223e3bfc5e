//! Leave to make one call, and its vote on how the call went.

use std::time::Duration;

use super::handle::Shared;
use super::rules::{Ballot, Vote};
use super::sync::Arc;

/// Leave to make one call. Dropped without a vote it gives its place back, so a future cancelled at any await leaves nothing behind.
///
/// A vote is counted if the breaker has not changed its state since; otherwise it is dropped.
#[must_use = "dropped at once, the call counts as abandoned"]
pub struct Permit {
    shared: Arc<Shared>,
    epoch: u64,
    units: u32,
    asked: Option<Duration>,
    voted: bool,
}

impl Permit {
    pub(super) fn new(shared: Arc<Shared>, epoch: u64) -> Self {
        Self { shared, epoch, units: 1, asked: None, voted: false }
    }

    /// Says how much work the call is, such as its pages: it is slow only when it took longer than the limit times this. 0 counts as 1.
    pub fn sized(mut self, units: u32) -> Self {
        self.units = units.max(1);
        self
    }

    /// Says that the dependency asked us to stay away for this long (`Retry-After`): once the vote is counted, a closed breaker opens for
    /// it, at most 24 hours. An ignored call's wish is ignored with it (Resilience4j 2.4.0, `transitionOnResult`).
    pub fn asked_to_wait(mut self, wait: Duration) -> Self {
        self.asked = Some(wait);
        self
    }

    /// The dependency did what it should, be it that it reported our own mistake. `elapsed` is how long the call took.
    pub fn succeeded(self, elapsed: Duration) {
        self.cast(Vote::Succeeded { elapsed });
    }

    /// The dependency failed after so long.
    pub fn failed(self, elapsed: Duration) {
        self.cast(Vote::Failed { elapsed });
    }

    /// The call says nothing about the dependency; its place is another's.
    pub fn ignored(self, elapsed: Duration) {
        self.cast(Vote::Ignored { elapsed });
    }

    fn cast(mut self, vote: Vote) {
        self.voted = true;
        self.settle(vote);
    }

    fn settle(&self, vote: Vote) {
        self.shared.settle(Ballot { epoch: self.epoch, units: self.units, asked: self.asked, vote });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.voted {
            self.settle(Vote::Abandoned);
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").field("epoch", &self.epoch).field("units", &self.units).field("asked", &self.asked).finish_non_exhaustive()
    }
}

//! The breaker as callers hold it: a handle on rules that threads share. The lock is short; no listener and no clock is called under it.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::clock::Monotonic;
use super::config::Config;
use super::event::{Batch, Listener};
use super::permit::Permit;
use super::rules::{Ballot, Rules};
use super::snapshot::Snapshot;
use super::state::{Override, State};
use super::sync::{Arc, AtomicU64, Mutex, Ordering};
use super::window::Windows;

/// Bits of the gate below the epoch, which hold the number of the state.
const STATE_BITS: u32 = 3;

/// A call that may not be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the breaker is {}", state.as_str())]
pub struct Refused {
    /// Open, half-open with every permit taken, or forced open.
    pub state: State,
    /// From when on asking again can help: the end of an open breaker's wait, the end of a half-open breaker's longest stay. `None` where
    /// nothing but a probe's vote or an operator ends it.
    pub until: Option<Instant>,
}

/// A circuit breaker. Clones are handles on the same one.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

/// What handles and permits share.
pub(super) struct Shared {
    /// Epoch and state as one number, written under the lock: what a call through a closed breaker needs to know.
    gate: AtomicU64,
    rules: Mutex<Rules>,
    // These two never change, so they stay the standard library's even where the tests put a model checker's primitives in place.
    clock: std::sync::Arc<dyn Monotonic>,
    listener: Option<std::sync::Arc<dyn Listener>>,
}

impl Breaker {
    /// A breaker to which nobody listens; closed, or in metrics only if its mode says so.
    pub fn new(config: Config, clock: std::sync::Arc<dyn Monotonic>) -> Self {
        Self::build(config, clock, None)
    }

    /// A breaker whose events go to this listener.
    pub fn with_listener(config: Config, clock: std::sync::Arc<dyn Monotonic>, listener: std::sync::Arc<dyn Listener>) -> Self {
        Self::build(config, clock, Some(listener))
    }

    fn build(config: Config, clock: std::sync::Arc<dyn Monotonic>, listener: Option<std::sync::Arc<dyn Listener>>) -> Self {
        let rules = Rules::new(config, clock.now());
        let gate = AtomicU64::new(gate(&rules));
        Self { shared: Arc::new(Shared { gate, rules: Mutex::new(rules), clock, listener }) }
    }

    /// Asks for one call. The permit wants its vote when the call is over.
    ///
    /// # Errors
    /// [`Refused`], at once and without waiting, when the call may not be made.
    pub fn try_acquire(&self) -> Result<Permit, Refused> {
        let admitted = match passing(self.shared.gate.load(Ordering::Acquire)) {
            Some(epoch) => Ok(epoch),
            None => self.shared.touch(Rules::admit),
        };
        match admitted {
            Ok(epoch) => Ok(Permit::new(Arc::clone(&self.shared), epoch)),
            Err(refusal) => Err(Refused { state: refusal.state, until: refusal.until }),
        }
    }

    /// Does what is due by time alone, and says when something is due again: the work of a timer. Without one, the next touch does it, but
    /// where an open breaker keeps the calls themselves from coming, as by a closed valve, nothing would touch it and it stayed open.
    pub fn tick(&self) -> Option<Instant> {
        self.shared.touch(|rules, _, _| rules.due())
    }

    /// The breaker in numbers.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.touch(|rules, now, _| rules.snapshot(now))
    }

    /// Imposes a state until it is lifted; expiry is the caller's to watch. Imposing the same again changes nothing.
    pub fn force(&self, imposed: Override) {
        self.shared.touch(|rules, now, batch| rules.force(imposed, now, batch));
    }

    /// Lifts what was imposed. The breaker begins anew, closed or in metrics only by its mode. Without anything imposed, nothing changes.
    pub fn lift(&self) {
        self.shared.touch(|rules, now, batch| rules.lift(now, batch));
    }

    /// Begins anew from every state, as after [`Breaker::new`], with the totals kept. What was imposed is lifted, too.
    pub fn reset(&self) {
        self.shared.touch(|rules, now, batch| rules.reset(now, batch));
    }

    /// Opens at once and for this long, at most 24 hours: what another process saw, or what the dependency announced. It does not count as
    /// an opening that lengthens the wait of the next. `false` where a state is imposed or in metrics only, which never open.
    pub fn open_for(&self, wait: Duration) -> bool {
        self.shared.touch(|rules, now, batch| rules.open_for(wait, now, batch))
    }

    /// Goes on under another configuration. The state stays unless the mode changed, and so does the end of a wait that has begun; a window
    /// of another kind or size begins empty, a half-open breaker begins its stay again.
    pub fn reconfigure(&self, config: Config) {
        let fresh = Windows::of(&config);
        let retired = self.shared.touch(|rules, now, batch| rules.reconfigure(config, fresh, now, batch));
        drop(retired);
    }
}

impl Shared {
    pub(super) fn settle(&self, ballot: Ballot) {
        self.touch(|rules, now, batch| rules.settle(ballot, now, batch));
    }

    /// The only way to the rules: time first, then the act, then, outside the lock, the events.
    fn touch<T>(&self, act: impl FnOnce(&mut Rules, Instant, &mut Batch) -> T) -> T {
        let now = self.clock.now();
        let mut batch = Batch::default();
        let answer = {
            let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
            let now = rules.catch_up(now, &mut batch);
            let answer = act(&mut rules, now, &mut batch);
            // Written only when it changed, so that votes do not take its cache line from the calls that enter.
            let gate = gate(&rules);
            if self.gate.load(Ordering::Relaxed) != gate {
                self.gate.store(gate, Ordering::Release);
            }
            answer
        };
        if let Some(listener) = &self.listener {
            batch.iter().for_each(|event| listener.hear(event));
        }
        answer
    }
}

fn gate(rules: &Rules) -> u64 {
    rules.epoch() << STATE_BITS | u64::from(rules.state().code())
}

/// The stay that a call may enter without asking the rules.
fn passing(gate: u64) -> Option<u64> {
    let code = gate & ((1 << STATE_BITS) - 1);
    let admits = State::ALL.into_iter().any(|state| u64::from(state.code()) == code && state.admits_all());
    admits.then_some(gate >> STATE_BITS)
}

/// Without the rules: to look at them takes the lock and lets time have its effect.
impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker").finish_non_exhaustive()
    }
}

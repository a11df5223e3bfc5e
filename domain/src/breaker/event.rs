//! What a breaker tells of itself as it happens, and who hears it.

use std::time::{Duration, Instant};

use super::state::State;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// From 1 without gaps, in the order in which things happened. Threads may deliver their events in another.
    pub number: u64,
    /// For a longest stay that ended while nobody looked, when it ended.
    pub at: Instant,
    pub kind: Kind,
}

/// What happened. The names of Resilience4j (`CircuitBreakerEvent.Type`) stand in parentheses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A call succeeded (SUCCESS).
    Succeeded { elapsed: Duration, slow: bool },
    /// A call failed (ERROR).
    Failed { elapsed: Duration, slow: bool },
    /// A call ended in a way that says nothing about the dependency (IGNORED_ERROR).
    Ignored { elapsed: Duration },
    /// A permit was dropped without a vote: the call was cancelled or panicked. Ours.
    Abandoned,
    /// A vote or a dropped permit came after the state that had admitted its call, and changed nothing. Ours.
    Stale,
    /// A call was refused (NOT_PERMITTED).
    NotPermitted,
    /// The state changed (STATE_TRANSITION). `until` is the end of the wait when it is now open.
    Transition { from: State, to: State, until: Option<Instant> },
    /// An operator began anew (RESET).
    Reset,
    /// Too many calls fail (FAILURE_RATE_EXCEEDED), in percent. In metrics only, told once per stay.
    FailureRateExceeded { rate: f64 },
    /// Too many calls are slow (SLOW_CALL_RATE_EXCEEDED), in percent. In metrics only, told once per stay.
    SlowCallRateExceeded { rate: f64 },
}

/// Hears every event of a breaker, on the thread that caused it and with no lock held, so it may use the breaker.
///
/// It runs inside every call: it should count, or put the event into a channel, and return. It must not panic, since a permit that is
/// dropped while another panic unwinds would then end the process.
pub trait Listener: Send + Sync {
    fn hear(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Listener for F {
    fn hear(&self, event: &Event) {
        self(event);
    }
}

/// The most that one touch brings about: a vote, both rates exceeded and the change; or two changes that were due, a third, and a reset.
const MOST: usize = 4;

/// The events of one touch, kept on the stack until the lock is released.
#[derive(Debug, Default)]
pub(super) struct Batch {
    events: [Option<Event>; MOST],
    len: usize,
}

impl Batch {
    pub(super) fn push(&mut self, event: Event) {
        if let Some(place) = self.events.get_mut(self.len) {
            *place = Some(event);
            self.len += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().take(self.len).flatten()
    }
}

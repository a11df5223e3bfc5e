//! A circuit breaker: whether a dependency may be called, judged from how the last calls went. No I/O, no timer, no runtime.
//!
//! The rules are those of Resilience4j 2.4.0 (its documentation, chapter "CircuitBreaker"), so its settings, metrics and boards can be
//! read here. As there: *closed* = calls flow, *open* = calls are refused, *half-open* = a bounded number of calls probes.
//!
//! | state | a call | a vote | left by |
//! |---|---|---|---|
//! | closed | passes | counted in the window, judged at once | a rate at its threshold → open |
//! | open | refused until the wait is over | - | the first call after the wait → half-open; by [`Breaker::tick`] if `auto_half_open` |
//! | half-open | passes while permits last | counted in a window of its own | both rates below → closed, else → open; the longest stay |
//! | disabled | passes | not counted | an operator |
//! | forced open | refused | - | an operator |
//! | metrics only | passes | counted and judged, with no consequence | an operator, or the setting `mode` |
//!
//! Where it differs from Resilience4j, on purpose:
//! - A permit is a value. Dropped without a vote, as a cancelled future does, it gives its place back and is counted as abandoned.
//! - A vote counts only in the very stay in the state that admitted its call. A late one is dropped and counted as stale.
//! - Time is monotonic, so a clock that jumps opens and closes nothing. Seconds of a window begin with the breaker, not with the epoch.
//! - Nothing runs by itself: what a timer would do happens on the next touch. A longest stay that ended unseen is dated to its end, and the
//!   wait that follows counts from there; probing begins when it is noticed, so that probes have their full time.
//! - A call at the very end of the wait is the first probe; there it has to come after it.
//! - Imposing the state that is already imposed changes nothing, so a poller may repeat itself.
//!
//! [`Breaker`] is a handle: clones share one breaker. None of its methods waits for anything but the short turns of other threads. A call
//! through a closed breaker takes no lock to enter, and neither entering nor voting allocates.

mod clock;
mod config;
mod event;
mod handle;
mod permit;
mod phase;
mod rules;
mod settings;
mod snapshot;
mod state;
mod sync;
mod window;
mod window_count;
mod window_time;

pub use clock::{ManualMonotonic, Monotonic, SystemMonotonic};
pub use config::{AfterHalfOpen, Config, Mode, OpenWait, Slow, WindowSize};
pub use event::{Event, Kind, Listener};
pub use handle::{Breaker, Refused};
pub use permit::Permit;
pub use settings::{Fault, Settings, SlowSettings, WindowSettings};
pub use snapshot::{Snapshot, Totals, UNKNOWN_RATE};
pub use state::{Override, State};

#[cfg(test)]
mod tests;

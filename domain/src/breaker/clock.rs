//! Time that only moves forward, as an argument. The time of day ([`crate::clock::Clock`]) jumps when a machine is corrected, and
//! this does not.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tells how far time has moved on.
pub trait Monotonic: Send + Sync {
    fn now(&self) -> Instant;
}

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemMonotonic;

impl Monotonic for SystemMonotonic {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct ManualMonotonic {
    start: Instant,
    moved: Mutex<Duration>,
}

impl ManualMonotonic {
    /// Begins at an instant without meaning of its own: only differences count.
    pub fn starting(start: Instant) -> Self {
        Self { start, moved: Mutex::new(Duration::ZERO) }
    }

    pub fn advance(&self, by: Duration) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Monotonic for ManualMonotonic {
    fn now(&self) -> Instant {
        self.start + *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

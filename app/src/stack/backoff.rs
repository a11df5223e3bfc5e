//! How long to wait before a part that ended is started again.

use std::time::Duration;

/// A part that ran at least this long had a good start, so the next wait is the shortest again.
const GOOD_RUN: Duration = Duration::from_secs(20);
/// A single crash costs little: most are a part that was killed and will run again at once.
const SHORTEST: Duration = Duration::from_millis(100);
/// A part that cannot start is tried this often for as long as the stack is up.
const LONGEST: Duration = Duration::from_secs(10);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after a run of this length ended without being asked to.
    pub fn after(&mut self, run: Duration) -> Duration {
        if run >= GOOD_RUN {
            self.failures = 0;
        }
        self.failures += 1;
        SHORTEST.saturating_mul(1 << (self.failures - 1).min(16)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_start_over_after_a_good_run() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff.after(GOOD_RUN).as_millis(), 100);
    }
}

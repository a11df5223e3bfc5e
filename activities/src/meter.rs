//! What a stage cost: wall time for the histogram, CPU time for the ledger.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::metric;

/// Runs from the start of an activity.
pub(crate) struct Meter {
    began: Instant,
    cpu: Duration,
}

impl Meter {
    pub fn start() -> Self {
        Self { began: Instant::now(), cpu: thread_cpu() }
    }

    /// CPU seconds of this thread since the start. Only work on one thread, between two awaits, is counted right.
    pub fn cpu_seconds(&self) -> f64 {
        thread_cpu().saturating_sub(self.cpu).as_secs_f64()
    }

    /// Counts a stage that was done.
    pub fn finish(self, stage: &'static str) {
        metrics::histogram!(metric::STAGE_SECONDS, "stage" => stage).record(self.began.elapsed().as_secs_f64());
    }
}

/// CPU time of the calling thread.
pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

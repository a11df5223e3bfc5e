//! Which pool does an activity, and how long it may take.
//!
//! Infrastructure that is away is waited for, however long: a database that is away for an hour must not end a verification. Failures that
//! another try cannot cure are non-retryable at their source, and an engine that keeps failing is given up there after a number of tries.

use std::time::Duration;

use temporalio_common::{Priority, RetryPolicy};
use temporalio_workflow::{ActivityOptions, WorkflowCancellationToken};

use crate::pool::Pool;

/// The timing of one kind of activity.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub pool: Pool,
    /// One attempt. Also the backstop for a completion that got lost.
    pub start_to_close: Duration,
    /// A worker that dies is noticed after this long. `None` for activities of milliseconds.
    pub heartbeat: Option<Duration>,
}

/// Decoding a window of 16 pages takes seconds; its child has a limit of its own below this.
pub const PREPARE: Timing = Timing { pool: Pool::Cpu, start_to_close: Duration::from_secs(180), heartbeat: Some(Duration::from_secs(20)) };
/// 16 pages at up to 5 s each, twice over.
pub const READ: Timing = Timing { pool: Pool::Ocr, start_to_close: Duration::from_secs(300), heartbeat: Some(Duration::from_secs(20)) };
/// Rules over words: milliseconds a page, plus the words of up to 1,000 pages from the store. Models will have the pool `gpu`.
pub const UNDERSTAND: Timing =
    Timing { pool: Pool::Workflow, start_to_close: Duration::from_secs(120), heartbeat: Some(Duration::from_secs(20)) };
/// One transaction and a few objects.
pub const DECIDE: Timing = Timing { pool: Pool::Workflow, start_to_close: Duration::from_secs(30), heartbeat: None };
/// One call of at most 15 s to a client's endpoint between two transactions.
pub const DELIVER: Timing = Timing { pool: Pool::Export, start_to_close: Duration::from_secs(60), heartbeat: None };

/// The options of one call. `summary` is read by operators in the Web UI: ids and numbers only.
pub fn activity(timing: Timing, summary: String, priority: Priority, token: WorkflowCancellationToken) -> ActivityOptions {
    let options = ActivityOptions::with_start_to_close_timeout(timing.start_to_close)
        .task_queue(timing.pool.task_queue())
        .retry_policy(retry())
        .summary(summary)
        .priority(priority)
        .cancellation_token(token)
        .maybe_heartbeat_timeout(timing.heartbeat);
    options.build()
}

/// Quick at first, because most faults are a restart; never more than half a minute, so that recovery is noticed.
fn retry() -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(Duration::from_millis(500))
        .backoff_coefficient(2.0)
        .maximum_interval(Duration::from_secs(30))
        .build()
}

//! Reviews: tasks for people, leased to one at a time, decided at most once.

mod ask;
mod decide;
mod draft;
mod lease;
mod list;
mod queue;
mod row;

pub use ask::{NewRequest, ask};
pub use decide::{DecideOutcome, DecisionRow, NewDecision, decide, decision, recorded};
pub use draft::{draft, keep_draft};
pub use lease::{
    ClaimOutcome, ExpireLease, Lease, Proof, RenewOutcome, claim, claim_next, escalate, expire, expire_lease, held_by, release, renew,
    retake, take_over,
};
pub use list::{ReviewFilter, by_verification, get, list};
pub use queue::{QueueCounts, QueueFilter, QueueItem, counts, queue};
pub use row::ReviewRow;

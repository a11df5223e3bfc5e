//! Reviews: tasks for people, leased to one at a time, decided at most once. Those of one round want independent answers.

mod ask;
mod backlog;
mod claim;
mod count;
mod decide;
mod decision;
mod draft;
mod escalate;
mod lease;
mod list;
pub(crate) mod measure;
mod neighbour;
mod queue;
mod round;
mod row;
mod standing;
mod tally;
mod time;

pub use ask::{NewRequest, ask};
pub use backlog::{Backlog, backlog};
pub use claim::{ClaimOutcome, Reach, claim, claim_next, held_by, retake, take_over};
pub use count::count;
pub use decide::{DecideOutcome, NewDecision, decide};
pub use decision::{DecisionRow, decision, recorded, settled};
pub use draft::{draft, keep_draft};
pub use escalate::{escalate, escalate_overdue};
pub use lease::{ExpireLease, Lease, Proof, RenewOutcome, expire, expire_lease, release, renew};
pub use list::{ReviewFilter, by_verification, get, list};
pub use neighbour::{after, before};
pub use queue::{QueueCounts, QueueFilter, QueueItem, counts, queue};
pub use round::{Answer, answers, answers_blind, has_answered, is_barred, round_id};
pub use row::ReviewRow;
pub use standing::{Standing, standing};
pub use tally::{Tally, tally};
pub use time::spend;

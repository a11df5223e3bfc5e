//! Reviews: tasks for people, leased to one at a time, decided at most once.

mod decide;
mod lease;
mod list;
mod row;

pub use decide::{DecideOutcome, DecisionRow, NewDecision, decide, decision, recorded};
pub use lease::{
    ClaimOutcome, ExpireLease, Lease, RenewOutcome, claim, claim_next, escalate, expire, expire_lease, release, renew, retake,
};
pub use list::{ReviewFilter, by_verification, get, list};
pub use row::ReviewRow;

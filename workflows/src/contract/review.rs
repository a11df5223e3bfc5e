//! Pool `workflow`: the clockwork of a review. Decisions arrive by update, see `verification::VerificationWorkflow::decide_review`.

use domain::id::ReviewId;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use super::Work;

/// Which review, by its first part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRef {
    pub work: Work,
    pub review_id: ReviewId,
}

/// Which lease of which part of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRef {
    pub work: Work,
    pub review_id: ReviewId,
    /// Grows with each lease of the review; an older timer never ends a newer lease.
    pub generation: i64,
}

/// What became of the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    /// Seconds until it runs out, if its holder renewed it. `None`: it is free.
    pub remaining_seconds: Option<u64>,
}

pub struct ReviewContract;

#[activity_definitions]
impl ReviewContract {
    /// The SLA has passed: marks the part of the review that is open as escalated.
    #[activity(name = "review.escalate")]
    pub async fn escalate(request: ReviewRef) -> () {
        unimplemented!()
    }

    /// Frees a lease that was not renewed.
    #[activity(name = "review.expire_lease")]
    pub async fn expire_lease(request: LeaseRef) -> LeaseState {
        unimplemented!()
    }
}

pub use review_contract::{Escalate as EscalateActivity, ExpireLease as ExpireLeaseActivity};

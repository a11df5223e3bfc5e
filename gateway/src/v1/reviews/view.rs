//! A review as clients see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::id::{ReviewId, VerificationId};
use serde::Serialize;
use store::review::{Lease, ReviewRow};
use utoipa::ToSchema;

use crate::v1::verifications::view::{BlockerView, OutcomeView};

/// A task for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Review {
    #[schema(value_type = String, example = "rev_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: ReviewId,
    #[schema(value_type = String)]
    pub verification_id: VerificationId,
    /// `pending`, `escalated`, `decided`, `expired`, `canceled`. The set may grow.
    pub status: &'static str,
    /// Why a person is needed.
    pub blockers: Vec<BlockerView>,
    /// The promised time; later it is escalated.
    pub due_at: DateTime<Utc>,
    /// Undecided by then, the verification ends as `insufficient`.
    pub expires_at: DateTime<Utc>,
    pub overdue: bool,
    pub escalated_at: Option<DateTime<Utc>>,
    /// Who has it now, if anybody.
    pub lease: Option<LeaseView>,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    /// The machine's result, which the person confirms or overturns. Only on a single review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisional: Option<OutcomeView>,
    pub links: BTreeMap<&'static str, String>,
}

/// A lease as others see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewLease)]
pub struct LeaseView {
    pub holder: String,
    pub generation: i64,
    pub expires_at: DateTime<Utc>,
}

/// A lease as its holder gets it, once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TakenLease)]
pub struct TakenLease {
    #[schema(value_type = String)]
    pub review_id: ReviewId,
    /// Needed to renew, release and decide. Shown only here.
    pub token: String,
    /// Grows with each lease of the review.
    pub generation: i64,
    pub expires_at: DateTime<Utc>,
    pub review: Review,
}

impl Review {
    /// The row as it is shown at that time.
    pub fn of(row: ReviewRow, now: DateTime<Utc>) -> Self {
        let links = BTreeMap::from([
            ("self", format!("/v1/reviews/{}", row.id)),
            ("verification", format!("/v1/verifications/{}", row.verification_id)),
        ]);
        let lease = match (row.lease_holder, row.lease_expires_at) {
            (Some(holder), Some(expires_at)) if expires_at > now => {
                Some(LeaseView { holder, generation: row.lease_generation, expires_at })
            }
            _ => None,
        };
        Self {
            id: row.id,
            verification_id: row.verification_id,
            status: row.status.as_str(),
            blockers: row.blockers.iter().map(BlockerView::of).collect(),
            due_at: row.due_at,
            expires_at: row.expires_at,
            overdue: row.status.is_open() && row.due_at <= now,
            escalated_at: row.escalated_at,
            lease,
            created_at: row.created_at,
            decided_at: row.decided_at,
            provisional: None,
            links,
        }
    }
}

impl TakenLease {
    /// The lease with its review.
    pub fn of(lease: Lease, review: Review) -> Self {
        Self { review_id: lease.review_id, token: lease.token, generation: lease.generation, expires_at: lease.expires_at, review }
    }
}

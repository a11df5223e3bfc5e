//! A review as clients see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::id::{ReviewId, VerificationId};
use domain::review::Part;
use serde::Serialize;
use store::review::{self, Answer, Lease, ReviewRow};
use store::{TenantTx, verification};
use utoipa::ToSchema;

use super::error::Error;
use crate::v1::verifications::view::{BlockerView, OutcomeView};

/// A task for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Review {
    #[schema(value_type = String, example = "rev_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: ReviewId,
    #[schema(value_type = String)]
    pub verification_id: VerificationId,
    /// `pending`, `escalated`, `decided`, `asked`, `expired`, `canceled`. The set may grow.
    pub status: &'static str,
    /// From 1, one more each time that evidence was asked for and came.
    pub round: i32,
    /// Which answer of its round it wants: 1 first, 2 second, 3 adjudication where the two differ.
    #[schema(minimum = 1, maximum = 3)]
    pub part: u8,
    /// How many independent answers the round wants: 1 or 2, by the policy.
    #[schema(minimum = 1, maximum = 2)]
    pub wanted: u8,
    /// Why a person is needed. Empty for a second answer that is not given yet: it is given without the machine's view.
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
    /// The machine's result, which the person confirms or overturns. Only on a single review, and not on a second answer that is not given yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisional: Option<OutcomeView>,
    /// What people answered in the round, once it is settled or the verification has ended; before that only with the lease of part 3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswerView>,
    pub links: BTreeMap<&'static str, String>,
}

/// What a person answered in a round that wants two.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewAnswer)]
pub struct AnswerView {
    pub part: u8,
    pub holder: String,
    pub verdict: &'static str,
    pub note: Option<String>,
    /// The result that would follow from it.
    pub outcome: OutcomeView,
    /// Whether it is the one that counts.
    pub settles: bool,
    pub decided_at: DateTime<Utc>,
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
        let blockers = if is_blind(&row) { Vec::new() } else { row.blockers.iter().map(BlockerView::of).collect() };
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
            round: row.round,
            part: row.part.number(),
            wanted: row.wanted,
            blockers,
            due_at: row.due_at,
            expires_at: row.expires_at,
            overdue: row.status.is_open() && row.due_at <= now,
            escalated_at: row.escalated_at,
            lease,
            created_at: row.created_at,
            decided_at: row.decided_at,
            provisional: None,
            answers: Vec::new(),
            links,
        }
    }

    /// The same with what belongs to a single review, as far as this holder may see it.
    pub async fn whole(tx: &mut TenantTx, row: ReviewRow, now: DateTime<Utc>, viewer: &str) -> Result<Self, Error> {
        let verification = verification::get(tx, row.verification_id).await?.ok_or(Error::NotFound)?;
        let answers = if row.wanted > 1 { review::answers(tx, &row, viewer).await? } else { Vec::new() };
        let provisional = verification.provisional.as_ref().filter(|_| !is_blind(&row)).map(OutcomeView::of);
        Ok(Self { provisional, answers: answers.into_iter().map(AnswerView::of).collect(), ..Self::of(row, now) })
    }
}

/// Whether the review is a second answer that is still to be given.
fn is_blind(row: &ReviewRow) -> bool {
    row.part == Part::Second && row.status.is_open()
}

impl AnswerView {
    fn of(answer: Answer) -> Self {
        Self {
            part: answer.part.number(),
            holder: answer.holder,
            verdict: answer.decision.verdict.as_str(),
            note: answer.decision.note,
            outcome: OutcomeView::of(&answer.outcome),
            settles: answer.settles,
            decided_at: answer.created_at,
        }
    }
}

impl TakenLease {
    /// The lease with its review.
    pub fn of(lease: Lease, review: Review) -> Self {
        Self { review_id: lease.review_id, token: lease.token, generation: lease.generation, expires_at: lease.expires_at, review }
    }
}

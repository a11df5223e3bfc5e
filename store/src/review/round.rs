//! A round of review: up to three answers, each by another person, and who may see them before it is settled.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Json, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, VerificationId};
use domain::review::{Decision, Part};
use domain::verification::Outcome;
use serde_json::Value;
use uuid::Uuid;

use super::decision::from_json;
use super::row::{ReviewRow, read_part};
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

/// SQL: whether the holder may answer the review `r`. Four eyes are two people's, so who answered in a round has no other part of it.
macro_rules! other_eyes {
    ($holder:literal) => {
        concat!(
            "(r.part = 1 or not exists (select from decisions d where d.tenant_id = r.tenant_id and d.verification_id = r.verification_id",
            " and d.round = r.round and d.holder = ",
            $holder,
            "))"
        )
    };
}
pub(super) use other_eyes;

/// An answer that was given in a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub part: Part,
    pub holder: String,
    pub decision: Decision,
    /// The result that would follow from it.
    pub outcome: Outcome,
    /// Whether it is the round's word.
    pub settles: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = SmallInt)]
    part: i16,
    #[diesel(sql_type = Text)]
    holder: String,
    #[diesel(sql_type = Json)]
    decision: Value,
    #[diesel(sql_type = Json)]
    outcome: Value,
    #[diesel(sql_type = Bool)]
    settles: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

/// The answers of a review's round, in their order, as far as this person may see them: all of them once the round is settled or the
/// verification has ended, and before that only for who holds the adjudication at the moment. A page that asks too early gets nothing.
pub async fn answers(tx: &mut TenantTx, review: &ReviewRow, viewer: &str) -> Result<Vec<Answer>, StoreError> {
    let rows: Vec<Raw> = sql("select d.id, d.part, d.holder, d.decision, d.outcome, d.settles, d.created_at from decisions d
        where d.tenant_id = $1 and d.verification_id = $2 and d.round = $3 and (
            exists (select from decisions s where s.tenant_id = $1 and s.verification_id = $2 and s.round = $3 and s.settles)
            or exists (select from verifications v where v.tenant_id = $1 and v.id = $2 and v.finished_at is not null)
            or exists (select from reviews r where r.tenant_id = $1 and r.verification_id = $2 and r.round = $3 and r.part = 3
                and r.status in ('pending', 'escalated') and r.lease_holder = $4 and r.lease_expires_at > clock_timestamp())
        )
        order by d.part")
    .uuid(tx.tenant.0)
    .uuid(review.verification_id.0)
    .i32(review.round)
    .text(viewer)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("read the answers of a round"))?;
    let read = |raw: Raw| {
        let id = domain::id::DecisionId(raw.id);
        Ok(Answer {
            part: read_part(id, raw.part)?,
            holder: raw.holder,
            decision: from_json(id, raw.decision)?,
            outcome: from_json(id, raw.outcome)?,
            settles: raw.settles,
            created_at: raw.created_at,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Whether the person answered in the round of this review.
pub async fn has_answered(tx: &mut TenantTx, review: &ReviewRow, holder: &str) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        answered: bool,
    }
    let found: Found = sql("select exists (
            select from decisions where tenant_id = $1 and verification_id = $2 and round = $3 and holder = $4
        ) as answered")
    .uuid(tx.tenant.0)
    .uuid(review.verification_id.0)
    .i32(review.round)
    .text(holder)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("look for an answer"))?;
    Ok(found.answered)
}

/// Whether four eyes keep this person from a review: they answered in its round before.
pub async fn is_barred(tx: &mut TenantTx, id: ReviewId, holder: &str) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        barred: bool,
    }
    let found: Option<Found> =
        sql(concat!("select not ", other_eyes!("$3"), " as barred from reviews r where r.tenant_id = $1 and r.id = $2"))
            .uuid(tx.tenant.0)
            .uuid(id.0)
            .text(holder)
            .get_result(tx.connection()?)
            .await
            .optional()
            .map_err(failed_to("see who may answer"))?;
    Ok(found.is_some_and(|found| found.barred))
}

/// Of which of these verifications this person may still give the second answer, or gives it at the moment: there the machine's answer is not
/// for them. Whoever has answered in the round has seen it already.
pub async fn blind(tx: &mut TenantTx, of: &[VerificationId], holder: &str) -> Result<BTreeSet<VerificationId>, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        verification_id: Uuid,
    }
    let found: Vec<Found> = sql(concat!(
        "select r.verification_id from reviews r
        where r.tenant_id = $1 and r.verification_id = any($2) and r.part = 2 and r.status in ('pending', 'escalated') and ",
        other_eyes!("$3")
    ))
    .uuid(tx.tenant.0)
    .uuids(of.iter().map(|id| id.0).collect())
    .text(holder)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("see what is answered blind"))?;
    Ok(found.into_iter().map(|found| VerificationId(found.verification_id)).collect())
}

/// The first part of a review's round, by which the engine knows the whole round.
pub async fn round_id(tx: &mut TenantTx, review: &ReviewRow) -> Result<ReviewId, StoreError> {
    if review.part == Part::First {
        return Ok(review.id);
    }
    let first: Id = sql("select id from reviews where tenant_id = $1 and verification_id = $2 and round = $3 and part = 1")
        .uuid(tx.tenant.0)
        .uuid(review.verification_id.0)
        .i32(review.round)
        .get_result(tx.connection()?)
        .await
        .map_err(failed_to("look for the first part of a round"))?;
    Ok(ReviewId(first.id))
}

#[derive(QueryableByName)]
pub(super) struct Id {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: Uuid,
}

/// Locks the verification of a review until the transaction ends. None when there is no such review.
///
/// Whatever needs the rows of both, a verification and its reviews, takes the verification's first: publishing and ending come from there,
/// so a decision that began with the review could wait for them while they wait for it. None of them changes its key, and none locks it as if
/// it did: a foreign key that is looked at meanwhile, from a review that is locked already, need not wait. It also makes those who open, close and escalate
/// the parts of a round come one after the other.
pub(super) async fn hold(tx: &mut TenantTx, id: ReviewId) -> Result<Option<VerificationId>, StoreError> {
    let held: Option<Id> = sql("select id from verifications
        where tenant_id = $1 and id = (select verification_id from reviews where tenant_id = $1 and id = $2) for no key update")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("lock the verification of a review"))?;
    Ok(held.map(|held| VerificationId(held.id)))
}

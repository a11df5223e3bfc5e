//! A person's decision: stored once, whatever the engine is doing. One that settles its round is delivered by the outbox; one that another
//! person must confirm opens the round's next part.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Json, SmallInt, Text};
use diesel_async::RunQueryDsl;
use domain::claim_type;
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::judge;
use domain::review::{Decision, Part, ReviewStatus};
use domain::verification::Outcome;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::decision::{DecisionRow, decision, from_json};
use super::escalate::escalate_late;
use super::lease::Proof;
use super::measure;
use super::round::hold;
use super::row::read_part;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// A decision about to be stored. Its form was checked against the review before.
#[derive(Debug, Clone)]
pub struct NewDecision<'a> {
    pub id: DecisionId,
    pub review_id: ReviewId,
    /// Of the lease under which it was made.
    pub proof: Proof<'a>,
    pub generation: i64,
    pub decision: &'a Decision,
    /// The result that follows from it.
    pub outcome: &'a Outcome,
    pub holder: &'a str,
}

/// What deciding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecideOutcome {
    /// It is the word of its round, and on its way to the workflow.
    Recorded,
    /// It is kept, and another person answers before anything follows from it.
    Answered {
        next: Part,
    },
    /// This very decision was stored before, under the same id and with the same words.
    AlreadyRecorded,
    /// The lease ran out or is somebody else's by now.
    LeaseLost,
    NotOpen(ReviewStatus),
    /// This person answered in the round before: the database takes one answer of each.
    FourEyes,
    NotFound,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    round_id: Uuid,
    #[diesel(sql_type = Integer)]
    round: i32,
    #[diesel(sql_type = SmallInt)]
    part: i16,
    #[diesel(sql_type = SmallInt)]
    wanted: i16,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    leased: bool,
}

/// An open review in the hands of who asks.
pub(super) struct Open {
    pub verification_id: VerificationId,
    /// The first part of the round.
    round_id: ReviewId,
    pub round: i32,
    part: Part,
    wanted: u8,
}

/// A review that was locked for whoever holds it.
pub(super) enum Lock {
    Held(Open),
    Closed(ReviewStatus),
    Lost,
    NotFound,
}

/// Locks the verification and then the review: a second decision waits here, and then sees what the first one did.
pub(super) async fn lock(tx: &mut TenantTx, id: ReviewId, proof: Proof<'_>, generation: i64, who: &str) -> Result<Lock, StoreError> {
    let tenant = tx.tenant;
    let Some(verification_id) = hold(tx, id).await? else { return Ok(Lock::NotFound) };
    let (token, holder) = proof.columns();
    let locked: Locked = sql("select r.round, r.part, r.wanted, r.status,
            (select f.id from reviews f where f.tenant_id = $4 and f.verification_id = r.verification_id and f.round = r.round and f.part = 1)
                as round_id,
            coalesce(($1::bytea is null or lease_token_sha256 = $1) and ($6::text is null or lease_holder = $6)
                and lease_generation = $2 and lease_holder = $3 and lease_expires_at > clock_timestamp(), false) as leased
        from reviews r where r.tenant_id = $4 and r.id = $5 for update")
    .maybe_bytes(token.as_ref().map(|digest| &digest[..]))
    .i64(generation)
    .text(who)
    .uuid(tenant.0)
    .uuid(id.0)
    .maybe_text(holder)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("lock a review"))?;
    let corrupt = |what: &str| StoreError::Corrupt { what: format!("{what} of {id}"), source: None };
    let status = ReviewStatus::parse(&locked.status).ok_or_else(|| corrupt("the status"))?;
    let part = read_part(id, locked.part)?;
    let wanted = u8::try_from(locked.wanted).map_err(|_| corrupt("the wanted answers"))?;
    Ok(match (status.is_open(), locked.leased) {
        (false, _) => Lock::Closed(status),
        (true, false) => Lock::Lost,
        (true, true) => Lock::Held(Open { verification_id, round_id: ReviewId(locked.round_id), round: locked.round, part, wanted }),
    })
}

/// Stores a decision and closes its review. Where it settles the round the delivery to the workflow is ordered, else the next part opened.
pub async fn decide(tx: &mut TenantTx, new: &NewDecision<'_>) -> Result<DecideOutcome, StoreError> {
    match lock(tx, new.review_id, new.proof, new.generation, new.holder).await? {
        Lock::Held(open) => {
            let agrees = open.part == Part::Second && agrees(tx, &open, new.outcome).await?;
            record(tx, new, &open, open.part.next(open.wanted, agrees)).await
        }
        Lock::Closed(status) => {
            // In a statement of its own, whose snapshot is younger than the wait for the lock.
            let same = |row: DecisionRow| row.review_id == new.review_id && row.decision == *new.decision;
            let recorded = decision(tx, new.id).await?.is_some_and(same);
            Ok(if recorded { DecideOutcome::AlreadyRecorded } else { DecideOutcome::NotOpen(status) })
        }
        Lock::Lost => Ok(DecideOutcome::LeaseLost),
        Lock::NotFound => Ok(DecideOutcome::NotFound),
    }
}

/// Whether an answer is the same as the first one of its round.
async fn agrees(tx: &mut TenantTx, open: &Open, outcome: &Outcome) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct First {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = Json)]
        outcome: Value,
        #[diesel(sql_type = Text)]
        claim_type: String,
        #[diesel(sql_type = Integer)]
        claim_type_version: i32,
    }
    let first: First = sql("select d.id, d.outcome, v.claim_type, v.claim_type_version
        from decisions d join verifications v on v.tenant_id = d.tenant_id and v.id = d.verification_id
        where d.tenant_id = $1 and d.verification_id = $2 and d.round = $3 and d.part = 1")
    .uuid(tx.tenant.0)
    .uuid(open.verification_id.0)
    .i32(open.round)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("read the first answer"))?;
    let claim_type = claim_type::find_version(&first.claim_type, first.claim_type_version.unsigned_abs());
    let first: Outcome = from_json(DecisionId(first.id), first.outcome)?;
    Ok(judge::agree(claim_type.as_ref(), &first, outcome))
}

async fn record(tx: &mut TenantTx, new: &NewDecision<'_>, open: &Open, next: Option<Part>) -> Result<DecideOutcome, StoreError> {
    #[derive(QueryableByName)]
    struct Stepped {
        #[diesel(sql_type = BigInt)]
        sequence: i64,
        #[diesel(sql_type = Bool)]
        overdue: bool,
        /// That the promised time of the round has passed.
        #[diesel(sql_type = Bool)]
        told: bool,
    }
    let (tenant, verification_id) = (tx.tenant, open.verification_id);
    let decision = to_json(new.decision)?;
    let digest = hex::encode(Sha256::digest(decision.to_string()));
    let opened = ReviewId::new();
    // One event for the answer, one more for the part that it opens. The promise is for the round, so its times go on. What was typed for the
    // answer is worth nothing from now on.
    let steps = if next.is_some() { 2 } else { 1 };
    let stepped: Option<Stepped> = sql("with decided as (
            insert into decisions (tenant_id, id, review_id, verification_id, holder, lease_generation, decision, outcome, round, part, settles)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $11, $12, $13 = 0)
            on conflict on constraint decisions_four_eyes do nothing returning id
        ), closed as (
            update reviews set status = 'decided', decided_at = now(), version = version + 1,
                lease_holder = null, lease_token_sha256 = null, lease_expires_at = null
            where tenant_id = $1 and id = $3 and exists (select from decided)
            -- The clock escalates and tells of what is pending: a person who escalated in time has kept it from that.
            returning wanted, blockers, due_at, expires_at, due_at <= clock_timestamp() as overdue,
                escalated_at is not null and (escalated_by is null or escalated_at > due_at) as told
        ), opened as (
            insert into reviews (tenant_id, id, verification_id, round, part, wanted, status, blockers, due_at, expires_at)
            select $1, $14, $4, $11, $13, wanted, 'pending', blockers, due_at, expires_at from closed where $13 > 0
        ), ordered as (
            insert into outbox (tenant_id, id, verification_id, kind, payload) select $1, $9, $4, 'decision', $10 from decided where $13 = 0
        ), forgotten as (
            delete from drafts where tenant_id = $1 and review_id = $3 and holder = $5 and exists (select from decided)
        )
        update verifications set sequence = sequence + $15, version = version + 1, updated_at = now()
        where tenant_id = $1 and id = $4 and exists (select from decided)
        returning sequence, coalesce((select overdue from closed), false) as overdue, coalesce((select told from closed), false) as told")
    .uuid(tenant.0)
    .uuid(new.id.0)
    .uuid(new.review_id.0)
    .uuid(verification_id.0)
    .text(new.holder)
    .i64(new.generation)
    .json(decision)
    .json(to_json(new.outcome)?)
    .uuid(Uuid::now_v7())
    // The workflow knows the round by its first part.
    .json(json!({ "review_id": open.round_id, "decision_id": new.id }))
    .i32(open.round)
    .i32(open.part.number().into())
    .i32(next.map_or(0, |part| part.number().into()))
    .uuid(opened.0)
    .i64(steps)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("store a decision"))?;
    let Some(Stepped { sequence, overdue, told }) = stepped else { return Ok(DecideOutcome::FourEyes) };
    measure::keep(tx, new.id, new.outcome).await?;
    match next {
        None => {
            let data = json!({
                "review_id": new.review_id, "decision_id": new.id, "verdict": new.decision.verdict, "decision_sha256": digest,
            });
            tx.record(Change::step("review.decided", new.holder, verification_id, sequence, data));
        }
        Some(part) => {
            // The timeline is read by whoever answers next, so it says that there is an answer and nothing of it. Its proof is in the chain.
            let data = json!({ "review_id": new.review_id, "part": open.part.number() });
            tx.record(Change::step("review.answered", new.holder, verification_id, sequence - 1, data));
            let data = json!({ "review_id": opened, "part": part.number() });
            tx.record(Change::step("review.opened", "system", verification_id, sequence, data));
            let data = json!({ "review_id": new.review_id, "decision_sha256": digest });
            tx.record(Change::of("decision.recorded", new.holder, new.id, data));
            if overdue {
                escalate_late(tx, opened, told).await?;
            }
        }
    }
    tx.notify(verification_id, sequence);
    Ok(next.map_or(DecideOutcome::Recorded, |next| DecideOutcome::Answered { next }))
}

fn to_json(value: &impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Query { doing: "write a decision", source: error.into() })
}

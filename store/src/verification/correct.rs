//! Overturning what was settled: a result that follows a person's later word, beside the one that it takes the place of.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Json, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{DecisionId, VerificationId};
use domain::review::Decision;
use domain::verification::{Outcome, Status};
use domain::webhook::event::EventType;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::publish::digest;
use super::row::{read_status, to_json};
use crate::error::{StoreError, failed_to};
use crate::review::measure;
use crate::schema::corrections;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::webhook::{self, Event};

/// A correction about to be stored. Its form was checked against the result that it corrects.
#[derive(Debug, Clone)]
pub struct NewCorrection<'a> {
    pub id: DecisionId,
    /// How many corrections there were when the person looked.
    pub seen: u32,
    pub decision: &'a Decision,
    /// The result that follows.
    pub outcome: &'a Outcome,
    pub actor: &'a str,
}

/// A stored correction.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectionRow {
    pub id: DecisionId,
    /// From 1.
    pub number: u32,
    pub actor: String,
    pub decision: Decision,
    pub before: Outcome,
    pub outcome: Outcome,
    pub created_at: DateTime<Utc>,
}

/// What correcting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectOutcome {
    Corrected,
    /// This very correction was stored before.
    AlreadyCorrected,
    /// Somebody corrected it since the person looked.
    Stale,
    /// There is no settled result to correct.
    NotSettled(Status),
    NotFound,
}

#[derive(QueryableByName)]
struct Settled {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = Nullable<Json>)]
    final_outcome: Option<Value>,
    #[diesel(sql_type = Integer)]
    corrections: i32,
}

/// Puts a new result in the place of the settled one, once, and keeps both. One that nobody decided in time is `final` from then on.
pub async fn correct(tx: &mut TenantTx, id: VerificationId, new: &NewCorrection<'_>) -> Result<CorrectOutcome, StoreError> {
    let settled: Option<Settled> = sql("select status, verdict, final_outcome, corrections from verifications
        where tenant_id = $1 and id = $2 for no key update")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("lock a verification"))?;
    let Some(settled) = settled else { return Ok(CorrectOutcome::NotFound) };
    // In a statement of its own, whose snapshot is younger than the wait for the lock.
    if correction(tx, id, new.id).await?.is_some() {
        return Ok(CorrectOutcome::AlreadyCorrected);
    }
    let status = read_status(id, &settled.status)?;
    let Some(before) = settled.final_outcome.filter(|_| matches!(status, Status::Final | Status::Expired)) else {
        return Ok(CorrectOutcome::NotSettled(status));
    };
    if settled.corrections.unsigned_abs() != new.seen {
        return Ok(CorrectOutcome::Stale);
    }
    record(tx, id, new, before, settled.verdict.as_deref()).await?;
    Ok(CorrectOutcome::Corrected)
}

async fn record(
    tx: &mut TenantTx,
    id: VerificationId,
    new: &NewCorrection<'_>,
    before: Value,
    from: Option<&str>,
) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Stepped {
        #[diesel(sql_type = BigInt)]
        sequence: i64,
    }
    let outcome = to_json("write a result", new.outcome)?;
    let (sha256, superseded) = (digest(&outcome), digest(&before));
    let stepped: Stepped = sql("with kept as (
            insert into corrections (tenant_id, id, verification_id, number, actor, decision, before, outcome)
            values ($1, $3, $2, $4, $5, $6, $7, $8)
        )
        update verifications set status = 'final', verdict = $9, final_outcome = $8, corrections = $4, updated_at = now(),
            version = version + 1, sequence = sequence + 1
        where tenant_id = $1 and id = $2 returning sequence")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .uuid(new.id.0)
    .i32(i32::try_from(new.seen).unwrap_or(i32::MAX).saturating_add(1))
    .text(new.actor)
    .json(to_json("write a decision", new.decision)?)
    .json(before)
    .json(outcome)
    .text(new.outcome.verdict.as_str())
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("store a correction"))?;
    let to = new.outcome.verdict;
    measure::corrected(tx, id, to).await?;
    let data = json!({ "decision_id": new.id, "from": from, "to": to, "outcome_sha256": sha256, "superseded_sha256": superseded });
    tx.record(Change::step("verification.corrected", new.actor, id, stepped.sequence, data));
    let data = json!({ "status": Status::Final, "verdict": to, "from": from });
    let event = Event { kind: EventType::VerificationCorrected, about: Some((id, stepped.sequence)), data };
    webhook::emit(tx, &[event]).await?;
    tx.notify(id, stepped.sequence);
    Ok(())
}

/// One correction of a verification.
pub async fn correction(tx: &mut TenantTx, of: VerificationId, id: DecisionId) -> Result<Option<CorrectionRow>, StoreError> {
    let raw: Option<Raw> = corrections::table
        .filter(corrections::tenant_id.eq(tx.tenant.0))
        .filter(corrections::id.eq(id.0))
        .filter(corrections::verification_id.eq(of.0))
        .select(COLUMNS)
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a correction"))?;
    raw.map(read).transpose()
}

/// The corrections of a verification, the latest first; no more than `limit`.
pub async fn corrections(tx: &mut TenantTx, of: VerificationId, limit: i64) -> Result<Vec<CorrectionRow>, StoreError> {
    let raw: Vec<Raw> = corrections::table
        .filter(corrections::tenant_id.eq(tx.tenant.0))
        .filter(corrections::verification_id.eq(of.0))
        .order(corrections::number.desc())
        .limit(limit)
        .select(COLUMNS)
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list corrections"))?;
    raw.into_iter().map(read).collect()
}

type Raw = (Uuid, i32, String, Value, Value, Value, DateTime<Utc>);

const COLUMNS: (
    corrections::id,
    corrections::number,
    corrections::actor,
    corrections::decision,
    corrections::before,
    corrections::outcome,
    corrections::created_at,
) = (
    corrections::id,
    corrections::number,
    corrections::actor,
    corrections::decision,
    corrections::before,
    corrections::outcome,
    corrections::created_at,
);

fn read((id, number, actor, decision, before, outcome, created_at): Raw) -> Result<CorrectionRow, StoreError> {
    fn json<T: DeserializeOwned>(id: Uuid, value: Value) -> Result<T, StoreError> {
        serde_json::from_value(value).map_err(|error| StoreError::corrupt(format!("the content of {}", DecisionId(id)), error))
    }
    Ok(CorrectionRow {
        id: DecisionId(id),
        number: number.unsigned_abs(),
        actor,
        decision: json(id, decision)?,
        before: json(id, before)?,
        outcome: json(id, outcome)?,
        created_at,
    })
}

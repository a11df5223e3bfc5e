//! What is measured of each answer, written with it, and what becomes of it later.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Json, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::claim_type;
use domain::id::{DecisionId, VerificationId};
use domain::judge;
use domain::review::Part;
use domain::verdict::Verdict;
use domain::verification::Outcome;
use serde_json::Value;
use uuid::Uuid;

use super::decision::from_json;
use super::row::read_part;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    review_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    verification_id: Uuid,
    #[diesel(sql_type = Text)]
    holder: String,
    #[diesel(sql_type = Integer)]
    round: i32,
    #[diesel(sql_type = SmallInt)]
    part: i16,
    #[diesel(sql_type = Bool)]
    settles: bool,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    claim_type: String,
    #[diesel(sql_type = Integer)]
    claim_type_version: i32,
    #[diesel(sql_type = Nullable<Json>)]
    provisional: Option<Value>,
    #[diesel(sql_type = Bool)]
    sampled: bool,
    #[diesel(sql_type = Bool)]
    timely: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    waited_ms: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    held_ms: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    active_ms: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    open_ms: Option<i64>,
}

/// Measures an answer that was stored in this transaction, and what it means for the others of its round.
pub(super) async fn keep(tx: &mut TenantTx, id: DecisionId, outcome: &Outcome) -> Result<(), StoreError> {
    let tenant = tx.tenant.0;
    // What happened in one transaction has the time of its beginning, so a difference may fall below nothing. What is unknown stays unknown:
    // `greatest` passes over nulls. A lease may be older than the columns that note when it began.
    let facts: Facts = sql("select d.review_id, d.verification_id, d.holder, d.round, d.part, d.settles, d.created_at as decided_at,
            v.claim_type, v.claim_type_version, v.provisional,
            strpos(r.blockers::text, '\"kind\":\"policy_sample\"') > 0 as sampled, d.created_at <= r.due_at as timely,
            case when r.first_leased_at is not null
                then greatest(0, extract(epoch from r.first_leased_at - r.created_at) * 1000)::bigint end as waited_ms,
            case when r.leased_at is not null
                then greatest(0, extract(epoch from d.created_at - r.leased_at) * 1000)::bigint end as held_ms, t.active_ms, t.open_ms
        from decisions d join reviews r on r.tenant_id = d.tenant_id and r.id = d.review_id
            join verifications v on v.tenant_id = d.tenant_id and v.id = d.verification_id
            left join review_times t on t.tenant_id = d.tenant_id and t.review_id = d.review_id and t.actor = d.holder
        where d.tenant_id = $1 and d.id = $2")
    .uuid(tenant)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("measure an answer"))?;
    let of = VerificationId(facts.verification_id);
    let part = read_part(id, facts.part)?;
    let machine = facts.provisional.ok_or_else(|| StoreError::Corrupt { what: format!("the provisional result of {of}"), source: None })?;
    let machine: Outcome = from_json(id, machine)?;
    sql("insert into measures (tenant_id, decision_id, verification_id, review_id, actor, round, part, settles, claim_type, verdict,
            machine_verdict, machine_score, sampled, waited_ms, held_ms, active_ms, open_ms, timely, decided_at, peer_verdict)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, coalesce($17, $15), $18, $19,
            case when $7 = 2 then
                (select verdict from measures where tenant_id = $1 and verification_id = $3 and round = $6 and part = 1) end)")
    .uuid(tenant)
    .uuid(id.0)
    .uuid(of.0)
    .uuid(facts.review_id)
    .text(&facts.holder)
    .i32(facts.round)
    .i32(facts.part.into())
    .bool(facts.settles)
    .text(&facts.claim_type)
    .text(outcome.verdict.as_str())
    .text(machine.verdict.as_str())
    .f64(machine.confidence)
    .bool(facts.sampled)
    .maybe_i64(facts.waited_ms)
    .maybe_i64(facts.held_ms)
    .maybe_i64(facts.active_ms)
    .maybe_i64(facts.open_ms)
    .bool(facts.timely)
    .maybe_time(Some(facts.decided_at))
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("measure an answer"))?;
    if part == Part::Second || facts.settles {
        sql("update measures set settled = settled or $5,
                peer_verdict = case when part = 1 and $6 = 2 then $4 else peer_verdict end
            where tenant_id = $1 and verification_id = $2 and round = $3")
        .uuid(tenant)
        .uuid(of.0)
        .i32(facts.round)
        .text(outcome.verdict.as_str())
        .bool(facts.settles)
        .i32(facts.part.into())
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("measure a round"))?;
    }
    if part == Part::Adjudication {
        adjudicated(tx, of, facts.round, (&facts.claim_type, facts.claim_type_version), outcome).await?;
    }
    Ok(())
}

/// Marks the answers that a third person did not agree with, in verdict or in value.
async fn adjudicated(
    tx: &mut TenantTx,
    of: VerificationId,
    round: i32,
    (name, version): (&str, i32),
    word: &Outcome,
) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Earlier {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = Json)]
        outcome: Value,
    }
    let earlier: Vec<Earlier> =
        sql("select id, outcome from decisions where tenant_id = $1 and verification_id = $2 and round = $3 and part < 3")
            .uuid(tx.tenant.0)
            .uuid(of.0)
            .i32(round)
            .get_results(tx.connection()?)
            .await
            .map_err(failed_to("read the answers before"))?;
    let claim_type = claim_type::find_version(name, version.unsigned_abs());
    let mut against = Vec::new();
    for answer in earlier {
        let outcome: Outcome = from_json(DecisionId(answer.id), answer.outcome)?;
        if !judge::agree(claim_type.as_ref(), &outcome, word) {
            against.push(answer.id);
        }
    }
    sql("update measures set overturned = 'adjudication' where tenant_id = $1 and decision_id = any($2)")
        .uuid(tx.tenant.0)
        .uuids(against)
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("mark what was decided otherwise"))
}

/// A settled verdict is another one from now on: the answers of the round that settled it stand or do not.
pub(crate) async fn corrected(tx: &mut TenantTx, of: VerificationId, to: Verdict) -> Result<(), StoreError> {
    // What a third person overruled was overruled whatever is said later.
    sql("update measures set overturned = case when overturned = 'adjudication' then overturned when verdict <> $3 then 'correction' end
        where tenant_id = $1 and verification_id = $2
            and round = (select max(round) from measures where tenant_id = $1 and verification_id = $2 and settles)")
    .uuid(tx.tenant.0)
    .uuid(of.0)
    .text(to.as_str())
    .execute(tx.connection()?)
    .await
    .map(|_| ())
    .map_err(failed_to("mark what was corrected"))
}

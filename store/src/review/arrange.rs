//! A lead arranges the queue: what is urgent, whose a review is to answer, what waits, and what is for leads. Nothing here decides anything.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, UserId, VerificationId};
use domain::queue::aside_until;
use domain::review::ReviewStatus;
use serde_json::json;
use uuid::Uuid;

use super::escalate::{HANDED_ON, escalate};
use super::round::other_eyes;
use crate::comment;
use crate::error::{StoreError, failed_to};
use crate::sql::{Sql, sql};
use crate::tx::{Change, TenantTx};
use crate::user;

/// An open review, locked to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movable {
    pub id: ReviewId,
    pub verification_id: VerificationId,
    /// A person handed it to a lead.
    pub for_lead: bool,
    pub boosted: bool,
    pub assigned_to: Option<UserId>,
    due_at: DateTime<Utc>,
    at: DateTime<Utc>,
}

/// Locks an open review until the transaction ends. None when there is no such review, or it is settled.
pub async fn movable(tx: &mut TenantTx, id: ReviewId) -> Result<Option<Movable>, StoreError> {
    #[derive(QueryableByName)]
    struct Raw {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        verification_id: Uuid,
        #[diesel(sql_type = Bool)]
        for_lead: bool,
        #[diesel(sql_type = Bool)]
        boosted: bool,
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Uuid>)]
        assigned_to: Option<Uuid>,
        #[diesel(sql_type = Timestamptz)]
        due_at: DateTime<Utc>,
        #[diesel(sql_type = Timestamptz)]
        at: DateTime<Utc>,
    }
    let raw: Option<Raw> =
        sql("select verification_id, escalated_by is not null as for_lead, boosted_at is not null as boosted, assigned_to,
            due_at, clock_timestamp() as at
        from reviews where tenant_id = $1 and id = $2 and status in ('pending', 'escalated') for update")
        .uuid(tx.tenant.0)
        .uuid(id.0)
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("lock a review"))?;
    Ok(raw.map(|raw| Movable {
        id,
        verification_id: VerificationId(raw.verification_id),
        for_lead: raw.for_lead,
        boosted: raw.boosted,
        assigned_to: raw.assigned_to.map(UserId),
        due_at: raw.due_at,
        at: raw.at,
    }))
}

/// Puts it before everything that is not overdue, or back to its place; why is kept as a comment. False when it stood there.
pub async fn boost(tx: &mut TenantTx, review: &Movable, urgent: bool, actor: &str, reason: &str) -> Result<bool, StoreError> {
    if review.boosted == urgent {
        return Ok(false);
    }
    let moved = sql("update reviews set boosted_at = case when $3 then clock_timestamp() end, version = version + 1
        where tenant_id = $1 and id = $2");
    apply(tx, moved, review, |moved| moved.bool(urgent)).await?;
    let comment = comment::add(tx, review.verification_id, None, actor, reason).await?;
    let kind = if urgent { "review.boosted" } else { "review.unboosted" };
    tx.record(Change::of(kind, actor, review.id, json!({ "comment_id": comment })));
    Ok(true)
}

/// Makes it one person's to answer, or nobody's in particular. False when it was so.
pub async fn assign(tx: &mut TenantTx, review: &Movable, to: Option<UserId>, actor: &str) -> Result<bool, StoreError> {
    if review.assigned_to == to {
        return Ok(false);
    }
    let moved = sql("update reviews set assigned_to = $3, assigned_at = clock_timestamp(), version = version + 1
        where tenant_id = $1 and id = $2");
    apply(tx, moved, review, |moved| moved.maybe_uuid(to.map(|id| id.0))).await?;
    let data = json!({ "from": review.assigned_to.map(user::actor), "to": to.map(user::actor) });
    tx.record(Change::of("review.assigned", actor, review.id, data));
    Ok(true)
}

/// Makes it nobody's next for so many seconds, at most until its promised time; 0 ends that. None when its promised time has passed.
pub async fn snooze(tx: &mut TenantTx, review: &Movable, seconds: u32, actor: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let until = aside_until(review.at, seconds, review.due_at);
    if seconds > 0 && until.is_none() {
        return Ok(None);
    }
    let moved = sql("update reviews set snoozed_until = $3, version = version + 1 where tenant_id = $1 and id = $2");
    apply(tx, moved, review, |moved| moved.maybe_time(until)).await?;
    tx.record(Change::of("review.snoozed", actor, review.id, json!({ "until": until })));
    Ok(until.or(Some(review.at)))
}

/// Hands it to the leads; why is kept as a comment. False when it was theirs.
pub async fn hand_to_leads(tx: &mut TenantTx, review: &Movable, actor: &str, reason: &str) -> Result<bool, StoreError> {
    if !escalate(tx, review.id, actor, HANDED_ON).await? {
        return Ok(false);
    }
    comment::add(tx, review.verification_id, None, actor, reason).await?;
    Ok(true)
}

/// Takes it out of the leads' part of the queue; why is kept as a comment. What the clock escalated stays marked as late. False when it was
/// not there.
pub async fn hand_back(tx: &mut TenantTx, review: &Movable, actor: &str, reason: &str) -> Result<bool, StoreError> {
    if !review.for_lead {
        return Ok(false);
    }
    let late = review.due_at <= review.at;
    let moved = sql("update reviews set escalated_by = null, version = version + 1, status = case when $3 then status else $4 end,
            escalated_at = case when $3 then escalated_at end
        where tenant_id = $1 and id = $2");
    apply(tx, moved, review, |moved| moved.bool(late).text(ReviewStatus::Pending.as_str())).await?;
    let comment = comment::add(tx, review.verification_id, None, actor, reason).await?;
    tx.record(Change::of("review.handed_back", actor, review.id, json!({ "comment_id": comment })));
    Ok(true)
}

async fn apply<'a>(
    tx: &mut TenantTx,
    statement: Sql<'a>,
    review: &Movable,
    more: impl FnOnce(Sql<'a>) -> Sql<'a>,
) -> Result<(), StoreError> {
    let statement = more(statement.uuid(tx.tenant.0).uuid(review.id.0));
    statement.execute(tx.connection()?).await.map(|_| ()).map_err(failed_to("move a review"))
}

/// How many open reviews each person has to answer, by what is assigned to them. Until the transaction ends nobody else counts, so that two
/// leads who hand out at once do not both take the same room.
pub async fn loads(tx: &mut TenantTx) -> Result<BTreeMap<UserId, u32>, StoreError> {
    #[derive(QueryableByName)]
    struct Load {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        person: Uuid,
        #[diesel(sql_type = BigInt)]
        many: i64,
    }
    sql("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .text(&format!("assay.assign {}", tx.tenant.0))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("wait for who assigns"))?;
    // In a statement of its own, whose snapshot is younger than the wait.
    let loads: Vec<Load> = sql("select assigned_to as person, count(*) as many from reviews
        where tenant_id = $1 and assigned_to is not null and status in ('pending', 'escalated') group by assigned_to")
    .uuid(tx.tenant.0)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("count what is assigned"))?;
    Ok(loads.into_iter().map(|load| (UserId(load.person), u32::try_from(load.many).unwrap_or(u32::MAX))).collect())
}

/// Who of these people may answer the review: not those who answered in its round, nor who handed it to a lead.
pub async fn eligible(tx: &mut TenantTx, id: ReviewId, people: &[UserId]) -> Result<Vec<UserId>, StoreError> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        actor: String,
    }
    let actors: Vec<String> = people.iter().map(|id| user::actor(*id)).collect();
    let able: Vec<Name> = sql(concat!(
        "select p.actor from reviews r, unnest($3) as p(actor)
        where r.tenant_id = $1 and r.id = $2 and r.escalated_by is distinct from p.actor and ",
        other_eyes!("p.actor")
    ))
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .texts(actors.iter().map(String::as_str).collect())
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("see who may answer"))?;
    Ok(people.iter().copied().filter(|id| able.iter().any(|able| able.actor == user::actor(*id))).collect())
}

/// How often each person put a review aside since then. Skipping is not reviewing, so it is counted apart from answers.
pub async fn skips(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<BTreeMap<String, u64>, StoreError> {
    #[derive(QueryableByName)]
    struct Skips {
        #[diesel(sql_type = Text)]
        actor: String,
        #[diesel(sql_type = BigInt)]
        many: i64,
    }
    let rows: Vec<Skips> = sql("select actor, count(*) as many from skips where tenant_id = $1 and skipped_at >= $2 group by actor")
        .uuid(tx.tenant.0)
        .maybe_time(Some(since))
        .get_results(tx.connection()?)
        .await
        .map_err(failed_to("count what was put aside"))?;
    Ok(rows.into_iter().map(|row| (row.actor, row.many.unsigned_abs())).collect())
}

//! The log of deliveries, and putting back what did not arrive.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{DeliveryId, EndpointId, EventId, VerificationId};
use serde_json::json;
use uuid::Uuid;

use super::endpoint::get;
use crate::error::{StoreError, failed_to};
use crate::schema::{webhook_attempts, webhook_deliveries, webhook_events};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// Deliveries that one [`replay`] puts back at most, oldest first; the rest waits for the next call.
pub const REPLAY_LIMIT: i64 = 1_000;

/// An attempt that is this late, in seconds, is nobody's any more: calls and retries of the engine take less.
const OVERDUE_SECONDS: f64 = 600.0;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// To be tried, or tried again.
    Waiting,
    Delivered,
    /// The last attempt of the schedule failed, or the endpoint said that it is gone.
    Dead,
    /// Its endpoint was switched off or deleted.
    Canceled,
}

impl DeliveryStatus {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Dead, Self::Canceled];

    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    pub(super) fn read(id: DeliveryId, word: &str) -> Result<Self, StoreError> {
        Self::parse(word).ok_or_else(|| StoreError::Corrupt { what: format!("the status of delivery {id}"), source: None })
    }
}

/// Which deliveries, newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub endpoint_id: Option<EndpointId>,
    pub status: Option<DeliveryStatus>,
    pub verification_id: Option<VerificationId>,
    /// The last one of the page before.
    pub before: Option<(DateTime<Utc>, DeliveryId)>,
    pub limit: i64,
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub endpoint_id: EndpointId,
    pub event_id: EventId,
    /// The word: an older binary may not know the kind.
    pub event: String,
    pub verification_id: Option<VerificationId>,
    pub status: DeliveryStatus,
    pub attempts: u32,
    /// While it waits.
    pub next_at: Option<DateTime<Utc>>,
    /// What the last attempt was answered with.
    pub last_status: Option<u16>,
    /// Why the last attempt had no answer, as a stable word.
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    pub number: u32,
    pub at: DateTime<Utc>,
    pub status: Option<u16>,
    pub milliseconds: u32,
    pub error: Option<String>,
}

/// What retrying did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOutcome {
    /// An attempt comes at once, under the id of the same event.
    Ordered,
    /// Its endpoint is off or deleted.
    EndpointOff,
    NotFound,
}

#[derive(Queryable)]
struct Raw {
    id: Uuid,
    endpoint_id: Uuid,
    event_id: Uuid,
    event: String,
    verification_id: Option<Uuid>,
    status: String,
    attempts: i32,
    next_at: Option<DateTime<Utc>>,
    last_status: Option<i32>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

/// A page of deliveries, newest first.
pub async fn deliveries(tx: &mut TenantTx, filter: &DeliveryFilter) -> Result<Vec<DeliveryRow>, StoreError> {
    use webhook_deliveries::{created_at, id};
    let mut query = joined(tx.tenant.0).into_boxed();
    if let Some(endpoint) = filter.endpoint_id {
        query = query.filter(webhook_deliveries::endpoint_id.eq(endpoint.0));
    }
    if let Some(status) = filter.status {
        query = query.filter(webhook_deliveries::status.eq(status.as_str()));
    }
    if let Some(verification) = filter.verification_id {
        query = query.filter(webhook_events::verification_id.eq(verification.0));
    }
    if let Some((at, last)) = filter.before {
        // The first half is implied by the second; it is what the index can start from.
        query = query.filter(created_at.le(at)).filter(created_at.lt(at).or(id.lt(last.0)));
    }
    let raw: Vec<Raw> = query
        .order((created_at.desc(), id.desc()))
        .limit(filter.limit)
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list deliveries"))?;
    raw.into_iter().map(read).collect()
}

/// One delivery.
pub async fn delivery(tx: &mut TenantTx, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError> {
    let raw: Option<Raw> = joined(tx.tenant.0)
        .filter(webhook_deliveries::id.eq(id.0))
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a delivery"))?;
    raw.map(read).transpose()
}

/// The attempts of a delivery, first to last.
pub async fn attempts(tx: &mut TenantTx, id: DeliveryId) -> Result<Vec<AttemptRow>, StoreError> {
    type Raw = (i32, DateTime<Utc>, Option<i32>, i32, Option<String>);
    let raw: Vec<Raw> = webhook_attempts::table
        .filter(webhook_attempts::tenant_id.eq(tx.tenant.0))
        .filter(webhook_attempts::delivery_id.eq(id.0))
        .order(webhook_attempts::number)
        .select((
            webhook_attempts::number,
            webhook_attempts::at,
            webhook_attempts::status,
            webhook_attempts::milliseconds,
            webhook_attempts::error,
        ))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list the attempts of a delivery"))?;
    let read = |(number, at, status, milliseconds, error): Raw| AttemptRow {
        number: number.unsigned_abs(),
        at,
        status: status.and_then(|status| u16::try_from(status).ok()),
        milliseconds: milliseconds.unsigned_abs(),
        error,
    };
    Ok(raw.into_iter().map(read).collect())
}

/// Orders an attempt at once. One that waits is tried now; one that has ended, delivered or not, begins its schedule anew.
pub async fn retry(tx: &mut TenantTx, id: DeliveryId, actor: &str) -> Result<RetryOutcome, StoreError> {
    let Some(row) = delivery(tx, id).await? else { return Ok(RetryOutcome::NotFound) };
    let on = get(tx, row.endpoint_id).await?.is_some_and(|endpoint| endpoint.enabled);
    if !on {
        return Ok(RetryOutcome::EndpointOff);
    }
    sql("with back as (
            update webhook_deliveries
            set attempts_before = case when status = 'waiting' then attempts_before else attempts end,
                status = 'waiting', next_at = now(), finished_at = null
            where tenant_id = $1 and id = $2
            returning id
        )
        insert into outbox (tenant_id, id, verification_id, kind, payload)
        select $1, gen_random_uuid(), coalesce($3, id), 'delivery',
            json_build_object('delivery_id', 'dlv_' || replace(id::text, '-', ''), 'by_hand', true) from back")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .maybe_uuid(row.verification_id.map(|id| id.0))
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("retry a delivery"))?;
    tx.record(Change::of("webhook.retried", actor, id, json!({ "endpoint_id": row.endpoint_id, "was": row.status.as_str() })));
    Ok(RetryOutcome::Ordered)
}

/// Puts back what was made in `from..to` and never arrived, at most [`REPLAY_LIMIT`] of it, and says how much that was.
/// `None` when there is no such endpoint or it is off.
pub async fn replay(
    tx: &mut TenantTx,
    endpoint_id: EndpointId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    actor: &str,
) -> Result<Option<usize>, StoreError> {
    let on = get(tx, endpoint_id).await?.is_some_and(|endpoint| endpoint.enabled);
    if !on {
        return Ok(None);
    }
    let replayed = sql("with lost as (
            select d.id, e.verification_id from webhook_deliveries d
            join webhook_events e on e.tenant_id = d.tenant_id and e.id = d.event_id
            where d.tenant_id = $1 and d.endpoint_id = $2 and d.created_at >= $3 and d.created_at < $4 and d.status in ('dead', 'canceled')
            order by d.created_at, d.id limit $5 for update of d
        ), back as (
            update webhook_deliveries d set attempts_before = d.attempts, status = 'waiting', next_at = now(), finished_at = null
            from lost where d.tenant_id = $1 and d.id = lost.id
            returning d.id, lost.verification_id
        )
        insert into outbox (tenant_id, id, verification_id, kind, payload)
        select $1, gen_random_uuid(), coalesce(verification_id, id), 'delivery',
            json_build_object('delivery_id', 'dlv_' || replace(id::text, '-', ''), 'by_hand', true) from back")
    .uuid(tx.tenant.0)
    .uuid(endpoint_id.0)
    .maybe_time(Some(from))
    .maybe_time(Some(to))
    .i64(REPLAY_LIMIT)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("replay deliveries"))?;
    if replayed > 0 {
        tx.record(Change::of("webhook.replayed", actor, endpoint_id, json!({ "from": from, "to": to, "deliveries": replayed })));
    }
    Ok(Some(replayed))
}

/// Orders anew what should have been tried a while ago, and says how much that was: the engine may have forgotten it. Where it has not, the
/// order changes nothing.
pub async fn order_overdue(tx: &mut TenantTx, limit: i64) -> Result<usize, StoreError> {
    // The first order of a delivery has its id, so at most one waits to be told.
    sql("insert into outbox (tenant_id, id, verification_id, kind, payload)
        select $1, d.id, coalesce(e.verification_id, d.id), 'delivery',
            json_build_object('delivery_id', 'dlv_' || replace(d.id::text, '-', ''))
        from webhook_deliveries d join webhook_events e on e.tenant_id = d.tenant_id and e.id = d.event_id
        where d.tenant_id = $1 and d.status = 'waiting' and d.next_at < now() - make_interval(secs => $2)
        order by d.next_at limit $3
        on conflict (tenant_id, id) do nothing")
    .uuid(tx.tenant.0)
    .f64(OVERDUE_SECONDS)
    .i64(limit)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("order overdue deliveries"))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn joined(tenant: Uuid) -> _ {
    let event_of = webhook_events::tenant_id.eq(webhook_deliveries::tenant_id).and(webhook_events::id.eq(webhook_deliveries::event_id));
    let of_tenant: diesel::dsl::Eq<webhook_deliveries::tenant_id, Uuid> = webhook_deliveries::tenant_id.eq(tenant);
    webhook_deliveries::table.inner_join(webhook_events::table.on(event_of)).filter(of_tenant).select((
        webhook_deliveries::id,
        webhook_deliveries::endpoint_id,
        webhook_deliveries::event_id,
        webhook_events::type_,
        webhook_events::verification_id,
        webhook_deliveries::status,
        webhook_deliveries::attempts,
        webhook_deliveries::next_at,
        webhook_deliveries::last_status,
        webhook_deliveries::last_error,
        webhook_deliveries::created_at,
        webhook_deliveries::finished_at,
    ))
}

fn read(raw: Raw) -> Result<DeliveryRow, StoreError> {
    let id = DeliveryId(raw.id);
    Ok(DeliveryRow {
        id,
        endpoint_id: EndpointId(raw.endpoint_id),
        event_id: EventId(raw.event_id),
        event: raw.event,
        verification_id: raw.verification_id.map(VerificationId),
        status: DeliveryStatus::read(id, &raw.status)?,
        attempts: raw.attempts.unsigned_abs(),
        next_at: raw.next_at,
        last_status: raw.last_status.and_then(|status| u16::try_from(status).ok()),
        last_error: raw.last_error,
        created_at: raw.created_at,
        finished_at: raw.finished_at,
    })
}

//! What the engine must still be told: written with the change itself, delivered at least once by whoever comes first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable};
use diesel_async::RunQueryDsl;
use domain::id::{TenantId, VerificationId};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::outbox;
use crate::sql::sql;
use crate::tx::{RelayTx, TenantTx};

/// How long a new order to start is left to the gateway that wrote it, in seconds. After that the relay takes it.
pub(crate) const HEAD_START_SECONDS: f64 = 2.0;
/// How long a claimed row stays invisible to other relays, in seconds: longer than any call to the engine.
const CLAIM_SECONDS: f64 = 30.0;

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxKind {
    /// Start the workflow.
    Start,
    /// The client wants it canceled.
    Cancel,
    /// A person decided.
    Decision,
    /// A reviewer took a lease: the workflow's timer must end it.
    Lease,
    /// A webhook is to be delivered. Where its event belongs to no verification, the row's is the delivery's own id.
    Delivery,
    /// More evidence came: the machine is to answer anew.
    Evidence,
}

impl OutboxKind {
    /// The stable word for SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Cancel => "cancel",
            Self::Decision => "decision",
            Self::Lease => "lease",
            Self::Delivery => "delivery",
            Self::Evidence => "evidence",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Start, Self::Cancel, Self::Decision, Self::Lease, Self::Delivery, Self::Evidence]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
    pub kind: OutboxKind,
    pub payload: Value,
    /// This one included.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
#[diesel(table_name = outbox, check_for_backend(diesel::pg::Pg))]
struct Raw {
    id: Uuid,
    tenant_id: Uuid,
    verification_id: Uuid,
    kind: String,
    payload: Value,
    attempts: i32,
    created_at: DateTime<Utc>,
}

/// How much is waiting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    pub count: i64,
    /// Age of the oldest, in seconds.
    pub oldest_seconds: Option<f64>,
}

/// Takes what is due, oldest first. Rows that another relay holds are passed over.
///
/// A taken row comes back by itself after half a minute, so the caller may commit before it tells the engine, or after.
pub async fn claim_due(tx: &mut RelayTx, limit: i64) -> Result<Vec<OutboxRow>, StoreError> {
    let rows: Vec<Raw> = sql("with due as (
            select tenant_id, id from outbox where available_at <= now() order by available_at, created_at limit $1 for update skip locked
        )
        update outbox o set attempts = attempts + 1, available_at = now() + make_interval(secs => $2)
        from due where o.tenant_id = due.tenant_id and o.id = due.id
        returning o.id, o.tenant_id, o.verification_id, o.kind, o.payload, o.attempts, o.created_at")
    .i64(limit)
    .f64(CLAIM_SECONDS)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("claim outbox rows"))?;
    let mut rows = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

/// It was told.
pub async fn done(tx: &mut RelayTx, row: &OutboxRow) -> Result<(), StoreError> {
    diesel::delete(outbox::table.filter(outbox::tenant_id.eq(row.tenant_id.0)).filter(outbox::id.eq(row.id)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("remove an outbox row"))?;
    Ok(())
}

/// The engine did not take it: try again after a while.
pub async fn failed(tx: &mut RelayTx, row: &OutboxRow, retry_after: std::time::Duration) -> Result<(), StoreError> {
    sql("update outbox set available_at = clock_timestamp() + make_interval(secs => $1) where tenant_id = $2 and id = $3")
        .f64(retry_after.as_secs_f64())
        .uuid(row.tenant_id.0)
        .uuid(row.id)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("put an outbox row back"))?;
    Ok(())
}

/// It was told right after it was written. The id of an order to start is that of its verification.
pub async fn done_now(tx: &mut TenantTx, id: Uuid) -> Result<(), StoreError> {
    diesel::delete(outbox::table.filter(outbox::tenant_id.eq(tx.tenant.0)).filter(outbox::id.eq(id)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("remove an outbox row"))?;
    Ok(())
}

/// How much waits to be told, over all tenants.
pub async fn depth(tx: &mut RelayTx) -> Result<Depth, StoreError> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = Nullable<Double>)]
        oldest_seconds: Option<f64>,
    }
    let counted: Counted =
        sql("select count(*) as count, extract(epoch from now() - min(created_at))::float8 as oldest_seconds from outbox")
            .get_result(tx.connection()?)
            .await
            .map_err(failed_to("measure the outbox"))?;
    Ok(Depth { count: counted.count, oldest_seconds: counted.oldest_seconds })
}

fn read(raw: Raw) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        id: raw.id,
        tenant_id: TenantId(raw.tenant_id),
        verification_id: VerificationId(raw.verification_id),
        kind: OutboxKind::parse(&raw.kind)
            .ok_or_else(|| StoreError::Corrupt { what: format!("the kind of outbox row {}", raw.id), source: None })?,
        payload: raw.payload,
        attempts: raw.attempts,
        created_at: raw.created_at,
    })
}

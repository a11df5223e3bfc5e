//! All events of a tenant in the order of their commits, for whoever follows them instead of being called.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{EventId, TenantId};
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::webhook_events;
use crate::sql::sql;
use crate::tx::{RelayTx, TenantTx};

/// For this long an event is kept that was sent to nobody.
pub const KEPT_DAYS: i32 = 30;

/// An event with its place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// From 1 and rising, in the order in which the events became visible.
    pub number: i64,
    pub id: EventId,
    /// The word: an older binary may not know the kind.
    pub kind: String,
    /// What endpoints are sent, byte for byte.
    pub body: Vec<u8>,
}

/// The events after a number (0 for all that are kept), in their order.
pub async fn feed(tx: &mut TenantTx, after: i64, limit: i64) -> Result<Vec<FeedRow>, StoreError> {
    let rows: Vec<(Option<i64>, Uuid, String, Vec<u8>)> = webhook_events::table
        .filter(webhook_events::tenant_id.eq(tx.tenant.0))
        .filter(webhook_events::number.gt(after))
        .order(webhook_events::number)
        .limit(limit)
        .select((webhook_events::number, webhook_events::id, webhook_events::type_, webhook_events::body))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read the feed of events"))?;
    // The filter leaves no row without a number.
    let row = |(number, id, kind, body): (Option<i64>, _, _, _)| Some(FeedRow { number: number?, id: EventId(id), kind, body });
    Ok(rows.into_iter().filter_map(row).collect())
}

/// The number of the newest event that is kept; 0 where there is none.
pub async fn feed_end(tx: &mut TenantTx) -> Result<i64, StoreError> {
    let newest: Option<i64> = webhook_events::table
        .filter(webhook_events::tenant_id.eq(tx.tenant.0))
        .select(diesel::dsl::max(webhook_events::number))
        .first(tx.connection()?)
        .await
        .map_err(failed_to("find the end of the feed of events"))?;
    Ok(newest.unwrap_or_default())
}

/// The number after which all comes that happened since a time, and now and then an event from just before it.
pub async fn feed_since(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<i64, StoreError> {
    let first: Option<i64> = webhook_events::table
        .filter(webhook_events::tenant_id.eq(tx.tenant.0))
        .filter(webhook_events::created_at.ge(since))
        .select(diesel::dsl::min(webhook_events::number))
        .first(tx.connection()?)
        .await
        .map_err(failed_to("find a time in the feed of events"))?;
    match first {
        Some(first) => Ok(first - 1),
        None => feed_end(tx).await,
    }
}

/// Forgets events of a tenant that are older than [`KEPT_DAYS`] and were sent to nobody, the oldest first. Those that were sent belong to the
/// log of deliveries.
pub async fn forget(tx: &mut RelayTx, tenant: TenantId, limit: i64) -> Result<usize, StoreError> {
    sql("delete from webhook_events where tenant_id = $1 and id in (
            select e.id from webhook_events e
            where e.tenant_id = $1 and e.created_at < now() - make_interval(days => $2)
                and not exists (select from webhook_deliveries d where d.tenant_id = $1 and d.event_id = e.id)
            order by e.created_at limit $3
        )")
    .uuid(tenant.0)
    .i32(KEPT_DAYS)
    .i64(limit)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("forget old webhook events"))
}

//! All events of a tenant in the order of their commits, for whoever follows them instead of being called.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel_async::RunQueryDsl;
use domain::id::{EventId, TenantId};
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::webhook_events;
use crate::sql::sql;
use crate::tx::{RelayTx, TenantTx};

/// For this long an event is kept that was sent to nobody.
pub const KEPT_DAYS: i32 = 30;

/// No transaction with events lasts longer, in seconds: each statement ends within ten, and a connection that idles inside of one is closed
/// after thirty.
const LONGEST_TRANSACTION: f64 = 120.0;

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
    #[derive(QueryableByName)]
    struct First {
        #[diesel(sql_type = Nullable<BigInt>)]
        number: Option<i64>,
    }
    // The smallest number of all events since then would be looked for in the order of the numbers, through the whole feed. An event's time is
    // the beginning of its transaction and its number is given at the end: one that began later than the first by more than a transaction
    // lasts has a higher number, so only those just after the first are looked at. Materialized, or they would be planned as one; and the sum is
    // made apart, because row-level security keeps an addition out of the index's condition.
    let First { number } = sql("with first as materialized (
            select created_at as at, created_at + make_interval(secs => $3) as until
            from webhook_events where tenant_id = $1 and created_at >= $2 order by created_at limit 1
        ), near as materialized (
            select e.number from first join webhook_events e on e.tenant_id = $1 and e.created_at >= first.at and e.created_at < first.until
        )
        select min(number) as number from near")
    .uuid(tx.tenant.0)
    .maybe_time(Some(since))
    .f64(LONGEST_TRANSACTION)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("find a time in the feed of events"))?;
    match number {
        Some(first) => Ok(first - 1),
        None => feed_end(tx).await,
    }
}

/// Forgets events of a tenant that are older than [`KEPT_DAYS`] and were sent to nobody, the oldest first. Those that were sent belong to the
/// log of deliveries.
pub async fn forget(tx: &mut RelayTx, tenant: TenantId, limit: i64) -> Result<usize, StoreError> {
    sql("delete from webhook_events where tenant_id = $1 and id in (
            select id from webhook_events where tenant_id = $1 and not sent and created_at < now() - make_interval(days => $2)
            order by created_at limit $3
        )")
    .uuid(tenant.0)
    .i32(KEPT_DAYS)
    .i64(limit)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("forget old webhook events"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDatabase;

    /// One event a minute, in the order of their numbers, up to now.
    const MANY: &str = "alter table webhook_events disable trigger number_webhook_event;
        insert into webhook_events (tenant_id, id, type, body, created_at, number)
        select current_setting('app.tenant')::uuid, gen_random_uuid(), 'level.changed', '{}', now() - make_interval(mins => 20000 - n), n
        from generate_series(1, 20000) n;
        alter table webhook_events enable trigger number_webhook_event;
        analyze webhook_events";

    /// How many rows and entries of indexes this transaction has read.
    async fn read(tx: &mut TenantTx) -> i64 {
        #[derive(QueryableByName)]
        struct Read {
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        let counted = sql(
            "select sum(pg_stat_get_xact_tuples_returned(oid))::bigint as rows from pg_class
            where oid = 'webhook_events'::regclass or oid in (select indexrelid from pg_index where indrelid = 'webhook_events'::regclass)",
        );
        counted.get_result::<Read>(tx.connection().unwrap()).await.unwrap().rows
    }

    #[tokio::test]
    async fn a_time_in_the_middle_of_a_long_feed_is_found_without_walking_there() {
        let Some(database) = TestDatabase::start().await else { return };
        let store = database.store();
        let tenant = database.tenant(&store, "acme").await;
        let client = database.connect(&database.owner_url).await;
        client.batch_execute(&format!("set app.tenant = '{}'; {MANY}", tenant.0)).await.unwrap();
        for minutes in [19_000, 10_000, 2] {
            let mut tx = store.begin(tenant).await.unwrap();
            let since = Utc::now() - chrono::TimeDelta::minutes(minutes);
            let found = feed_since(&mut tx, since).await.unwrap();
            let expected = 20_000 - minutes;
            assert!((expected - 1..=expected + 1).contains(&found), "{found} of {minutes}");
            let rows = read(&mut tx).await;
            assert!(rows < 100, "{rows} read for {minutes} minutes");
        }
    }
}

//! The time that a person spends on a review, as the open page reports it while they hold it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Json, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::claim_type;
use domain::id::ReviewId;
use domain::measure::{self, Spent};
use serde_json::{Value, json};

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

#[derive(QueryableByName)]
struct Account {
    #[diesel(sql_type = Json)]
    places: Value,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    claim_type: String,
    #[diesel(sql_type = Integer)]
    claim_type_version: i32,
}

/// Adds what a page reports to the time that the person spent on the review. Believed is no more than what has passed since they got it or
/// reported last, in however many windows they have it open. False, and nothing added, when they do not hold it.
///
/// Takes no lock on the review or its verification, so a decision may follow in the same transaction.
pub async fn spend(tx: &mut TenantTx, id: ReviewId, actor: &str, reported: Vec<Spent>) -> Result<bool, StoreError> {
    let tenant = tx.tenant.0;
    sql("insert into review_times (tenant_id, review_id, actor, reported_at)
        select $1, id, $3, leased_at from reviews
        where tenant_id = $1 and id = $2 and lease_holder = $3 and lease_expires_at > clock_timestamp() and leased_at is not null
        on conflict (tenant_id, review_id, actor) do nothing")
    .uuid(tenant)
    .uuid(id.0)
    .text(actor)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("open an account of time"))?;
    // In a statement of its own, whose snapshot has the row that another window made meanwhile.
    let account: Option<Account> = sql("select t.places, greatest(t.reported_at, r.leased_at) as since, clock_timestamp() as now,
            v.claim_type, v.claim_type_version
        from review_times t join reviews r on r.tenant_id = t.tenant_id and r.id = t.review_id
            join verifications v on v.tenant_id = r.tenant_id and v.id = r.verification_id
        where t.tenant_id = $1 and t.review_id = $2 and t.actor = $3 and r.lease_holder = $3 and r.lease_expires_at > clock_timestamp()
        for update of t")
    .uuid(tenant)
    .uuid(id.0)
    .text(actor)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("read an account of time"))?;
    let Some(account) = account else { return Ok(false) };
    let claim_type = claim_type::find_version(&account.claim_type, account.claim_type_version.unsigned_abs());
    let passed = (account.now - account.since).num_milliseconds();
    let believed = measure::fit(claim_type.as_ref(), reported, passed);
    let mut places: BTreeMap<String, (i64, i64)> =
        serde_json::from_value(account.places).map_err(|error| StoreError::corrupt(format!("the times of {id}"), error))?;
    let (mut active, mut open) = (0, 0);
    for spent in believed {
        let place = places.entry(spent.place).or_default();
        *place = (place.0 + spent.active, place.1 + spent.open);
        active += spent.active;
        open += spent.open;
    }
    sql("update review_times set active_ms = active_ms + $4, open_ms = open_ms + $5, places = $6, reported_at = $7
        where tenant_id = $1 and review_id = $2 and actor = $3")
    .uuid(tenant)
    .uuid(id.0)
    .text(actor)
    .i64(active)
    .i64(open)
    .json(json!(places))
    .maybe_time(Some(account.now))
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("add to an account of time"))?;
    Ok(true)
}

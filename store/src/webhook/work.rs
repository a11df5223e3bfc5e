//! What the activity that delivers reads and writes: one attempt at a time, each known by its number.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{DeliveryId, EndpointId, EventId};
use domain::webhook::signature::Signer;
use serde_json::Value;
use uuid::Uuid;

use super::delivery::DeliveryStatus;
use super::endpoint::{DisabledReason, switch_off};
use super::secret::signers;
use crate::error::{StoreError, failed_to};
use crate::schema::{webhook_attempts, webhook_deliveries, webhook_endpoints, webhook_events};
use crate::sql::sql;
use crate::tx::TenantTx;

/// All that one attempt needs.
#[derive(Debug, Clone)]
pub struct Work {
    pub delivery_id: DeliveryId,
    pub endpoint_id: EndpointId,
    pub event_id: EventId,
    pub status: DeliveryStatus,
    /// Attempts made, of all rounds.
    pub attempts: u32,
    /// Those of earlier rounds, which the schedule no longer counts.
    pub attempts_before: u32,
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the endpoint is to be told anything.
    pub enabled: bool,
    /// It asked to be left alone until then.
    pub held_until: Option<DateTime<Utc>>,
    /// Since when every attempt at the endpoint has failed.
    pub failing_since: Option<DateTime<Utc>>,
    pub url: String,
    /// What signs now, newest first. Empty for an endpoint that was deleted.
    pub signers: Vec<Signer>,
    /// The bytes to sign and send.
    pub body: Vec<u8>,
}

/// One attempt that was made.
#[derive(Debug, Clone)]
pub struct NewAttempt<'a> {
    pub delivery_id: DeliveryId,
    /// From 1.
    pub number: u32,
    pub at: DateTime<Utc>,
    /// None where there was no answer.
    pub status: Option<u16>,
    pub milliseconds: i32,
    /// A stable word for why there was no answer.
    pub error: Option<&'a str>,
}

/// Reads what one attempt needs. The secrets are those that sign at `now`.
pub async fn load(tx: &mut TenantTx, id: DeliveryId, now: DateTime<Utc>) -> Result<Option<Work>, StoreError> {
    type Delivery = (Uuid, Uuid, String, i32, i32, Option<DateTime<Utc>>);
    type Endpoint = (bool, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>, String, Value);
    let endpoint_of =
        webhook_endpoints::tenant_id.eq(webhook_deliveries::tenant_id).and(webhook_endpoints::id.eq(webhook_deliveries::endpoint_id));
    let event_of = webhook_events::tenant_id.eq(webhook_deliveries::tenant_id).and(webhook_events::id.eq(webhook_deliveries::event_id));
    let found: Option<(Delivery, Endpoint, Vec<u8>)> = webhook_deliveries::table
        .inner_join(webhook_endpoints::table.on(endpoint_of))
        .inner_join(webhook_events::table.on(event_of))
        .filter(webhook_deliveries::tenant_id.eq(tx.tenant.0))
        .filter(webhook_deliveries::id.eq(id.0))
        .select((
            (
                webhook_deliveries::endpoint_id,
                webhook_deliveries::event_id,
                webhook_deliveries::status,
                webhook_deliveries::attempts,
                webhook_deliveries::attempts_before,
                webhook_deliveries::next_at,
            ),
            (
                webhook_endpoints::enabled,
                webhook_endpoints::deleted_at,
                webhook_endpoints::held_until,
                webhook_endpoints::failing_since,
                webhook_endpoints::url,
                webhook_endpoints::secrets,
            ),
            webhook_events::body,
        ))
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a delivery"))?;
    let Some((delivery, endpoint, body)) = found else { return Ok(None) };
    let (endpoint_id, event_id, status, attempts, attempts_before, next_at) = delivery;
    let (enabled, deleted_at, held_until, failing_since, url, secrets) = endpoint;
    let endpoint_id = EndpointId(endpoint_id);
    Ok(Some(Work {
        delivery_id: id,
        endpoint_id,
        event_id: EventId(event_id),
        status: DeliveryStatus::read(id, &status)?,
        attempts: attempts.unsigned_abs(),
        attempts_before: attempts_before.unsigned_abs(),
        next_at,
        enabled: enabled && deleted_at.is_none(),
        held_until,
        failing_since,
        url,
        signers: signers(endpoint_id, secrets, now)?,
        body,
    }))
}

/// Notes an attempt, once per number. False when this number was noted before: then nothing changed.
pub async fn record_attempt(tx: &mut TenantTx, attempt: &NewAttempt<'_>) -> Result<bool, StoreError> {
    let tenant = tx.tenant;
    let status = attempt.status.map(i32::from);
    let number = i32::try_from(attempt.number).unwrap_or(i32::MAX);
    let noted = diesel::insert_into(webhook_attempts::table)
        .values((
            webhook_attempts::tenant_id.eq(tenant.0),
            webhook_attempts::delivery_id.eq(attempt.delivery_id.0),
            webhook_attempts::number.eq(number),
            webhook_attempts::at.eq(attempt.at),
            webhook_attempts::status.eq(status),
            webhook_attempts::milliseconds.eq(attempt.milliseconds),
            webhook_attempts::error.eq(attempt.error),
        ))
        .on_conflict_do_nothing()
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("note an attempt"))?;
    if noted == 0 {
        return Ok(false);
    }
    diesel::update(webhook_deliveries::table.find((tenant.0, attempt.delivery_id.0)))
        .set((
            webhook_deliveries::attempts.eq(number),
            webhook_deliveries::last_status.eq(status),
            webhook_deliveries::last_error.eq(attempt.error),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("note an attempt"))?;
    Ok(true)
}

/// Another attempt comes then.
pub async fn wait_until(tx: &mut TenantTx, id: DeliveryId, next_at: DateTime<Utc>) -> Result<(), StoreError> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::tenant_id.eq(tx.tenant.0))
        .filter(webhook_deliveries::id.eq(id.0))
        .filter(webhook_deliveries::status.eq("waiting"));
    diesel::update(waiting)
        .set(webhook_deliveries::next_at.eq(next_at))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("note when a delivery is tried again"))?;
    Ok(())
}

/// Ends a delivery. One that arrived counts even if it was called off meanwhile; else the first ending stands.
pub async fn finish(tx: &mut TenantTx, id: DeliveryId, status: DeliveryStatus) -> Result<(), StoreError> {
    sql("update webhook_deliveries set status = $3, next_at = null, finished_at = now()
        where tenant_id = $1 and id = $2 and (status = 'waiting' or status = 'canceled' and $3 = 'delivered')")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .text(status.as_str())
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("end a delivery"))?;
    Ok(())
}

/// The endpoint took something: it is well again.
pub async fn endpoint_answered(tx: &mut TenantTx, id: EndpointId) -> Result<(), StoreError> {
    // Only where it says something new, so that deliveries side by side do not queue for one row.
    sql("update webhook_endpoints set failing_since = null, held_until = null
        where tenant_id = $1 and id = $2 and (failing_since is not null or held_until is not null)")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("note that an endpoint answered"))?;
    Ok(())
}

/// The endpoint did not take something. `hold_until` keeps all deliveries from it for a while.
pub async fn endpoint_failed(
    tx: &mut TenantTx,
    id: EndpointId,
    at: DateTime<Utc>,
    hold_until: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sql("update webhook_endpoints set failing_since = coalesce(failing_since, $3), held_until = greatest(held_until, $4)
        where tenant_id = $1 and id = $2 and (failing_since is null or $4 > coalesce(held_until, '-infinity'))")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .maybe_time(Some(at))
    .maybe_time(hold_until)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("note that an endpoint failed"))?;
    Ok(())
}

/// Switches an endpoint off because of how it answers, and calls off what is under way to it. False when it is off already.
pub async fn disable_endpoint(tx: &mut TenantTx, id: EndpointId, reason: DisabledReason) -> Result<bool, StoreError> {
    switch_off(tx, id, reason, "system").await
}

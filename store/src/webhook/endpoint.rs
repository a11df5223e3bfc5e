//! Addresses that a tenant wants to be told at.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::EndpointId;
use domain::webhook::address::Target;
use domain::webhook::event::EventFilter;
use domain::webhook::signature::Secret;
use serde_json::json;
use uuid::Uuid;

use super::secret::{first, new_secret};
use crate::error::{StoreError, failed_to};
use crate::schema::{webhook_deliveries, webhook_endpoints};
use crate::tx::{Change, TenantTx};

/// Endpoints of one tenant. Every event is written for each of them in the transaction of the change that it tells of.
pub const MAX_ENDPOINTS: i64 = 50;
/// Why an endpoint is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Somebody switched it off.
    ByHand,
    /// It answered 410.
    Gone,
    /// For days nothing but failure.
    Failing,
}

impl DisabledReason {
    const ALL: [Self; 3] = [Self::ByHand, Self::Gone, Self::Failing];

    /// The stable word for JSON, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// One endpoint, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRow {
    pub id: EndpointId,
    pub url: String,
    pub description: String,
    pub filter: EventFilter,
    pub enabled: bool,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_reason: Option<DisabledReason>,
    /// Since when every attempt has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// It asked to be left alone until then.
    pub held_until: Option<DateTime<Utc>>,
    /// Whether whole results are asked for. Kept for the day when bodies can carry them; they are thin until then.
    pub full_data: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Grows with each change by hand, and when the endpoint is switched off.
    pub version: i64,
}

/// A new endpoint.
#[derive(Debug, Clone)]
pub struct NewEndpoint<'a> {
    /// An address that was checked.
    pub target: &'a Target,
    pub description: &'a str,
    pub filter: EventFilter,
    pub full_data: bool,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange<'a> {
    pub target: Option<&'a Target>,
    pub description: Option<&'a str>,
    pub filter: Option<EventFilter>,
    pub full_data: Option<bool>,
}

/// What creating did.
#[derive(Debug, Clone)]
pub enum Created {
    /// The secret is shown once.
    Endpoint { row: EndpointRow, secret: Secret },
    /// The tenant has [`MAX_ENDPOINTS`].
    TooMany,
}

/// What changing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    Updated(EndpointRow),
    /// Somebody changed it since; this is how it is now.
    Stale(EndpointRow),
    NotFound,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_endpoints, check_for_backend(diesel::pg::Pg))]
struct Raw {
    id: Uuid,
    url: String,
    description: String,
    events: Vec<String>,
    enabled: bool,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<String>,
    failing_since: Option<DateTime<Utc>>,
    held_until: Option<DateTime<Utc>>,
    full_data: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

#[derive(AsChangeset)]
#[diesel(table_name = webhook_endpoints)]
struct Changed<'a> {
    url: Option<&'a str>,
    description: Option<&'a str>,
    events: Option<Vec<&'static str>>,
    full_data: Option<bool>,
}

/// Adds an endpoint and makes its secret.
pub async fn create(tx: &mut TenantTx, new: &NewEndpoint<'_>, actor: &str) -> Result<Created, StoreError> {
    let id = EndpointId::new();
    create_once(tx, id, new, actor).await?.ok_or_else(|| StoreError::missing("add a webhook endpoint", id))
}

/// Adds an endpoint under an id that was drawn before, by a form that may be sent twice. None when there is or was one of that id; nothing is
/// changed then.
pub async fn create_once(tx: &mut TenantTx, id: EndpointId, new: &NewEndpoint<'_>, actor: &str) -> Result<Option<Created>, StoreError> {
    let there: i64 = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::deleted_at.is_null())
        .count()
        .get_result(tx.connection()?)
        .await
        .map_err(failed_to("count webhook endpoints"))?;
    if there >= MAX_ENDPOINTS {
        return Ok(Some(Created::TooMany));
    }
    let secret = new_secret()?;
    let raw: Option<Raw> = diesel::insert_into(webhook_endpoints::table)
        .values((
            webhook_endpoints::tenant_id.eq(tx.tenant.0),
            webhook_endpoints::id.eq(id.0),
            webhook_endpoints::url.eq(new.target.url.as_str()),
            webhook_endpoints::description.eq(new.description),
            webhook_endpoints::events.eq(new.filter.words()),
            webhook_endpoints::secrets.eq(first(&secret)?),
            webhook_endpoints::full_data.eq(new.full_data),
        ))
        .on_conflict((webhook_endpoints::tenant_id, webhook_endpoints::id))
        .do_nothing()
        .returning(Raw::as_returning())
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("add a webhook endpoint"))?;
    let Some(raw) = raw else { return Ok(None) };
    let row = read(raw)?;
    // The host only: path and query are often a password.
    let data = json!({ "host": new.target.host.to_string(), "events": row.filter.words(), "full_data": row.full_data });
    tx.record(Change::of("webhook.created", actor, row.id, data));
    Ok(Some(Created::Endpoint { row, secret }))
}

/// One endpoint. `None` also for one that was deleted.
pub async fn get(tx: &mut TenantTx, id: EndpointId) -> Result<Option<EndpointRow>, StoreError> {
    let raw: Option<Raw> = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::id.eq(id.0))
        .filter(webhook_endpoints::deleted_at.is_null())
        .select(Raw::as_select())
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a webhook endpoint"))?;
    raw.map(read).transpose()
}

/// All endpoints, oldest first; there are never more than [`MAX_ENDPOINTS`].
pub async fn list(tx: &mut TenantTx) -> Result<Vec<EndpointRow>, StoreError> {
    let raw: Vec<Raw> = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::deleted_at.is_null())
        .order((webhook_endpoints::created_at, webhook_endpoints::id))
        .select(Raw::as_select())
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list webhook endpoints"))?;
    raw.into_iter().map(read).collect()
}

/// Changes an endpoint, if it is still as the caller saw it. What is under way goes to the new address.
pub async fn update(
    tx: &mut TenantTx,
    id: EndpointId,
    expected_version: i64,
    change: &EndpointChange<'_>,
    actor: &str,
) -> Result<UpdateOutcome, StoreError> {
    let changed = Changed {
        url: change.target.map(|target| target.url.as_str()),
        description: change.description,
        events: change.filter.as_ref().map(EventFilter::words),
        full_data: change.full_data,
    };
    let seen = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::id.eq(id.0))
        .filter(webhook_endpoints::version.eq(expected_version))
        .filter(webhook_endpoints::deleted_at.is_null());
    let raw: Option<Raw> = diesel::update(seen)
        .set((changed, webhook_endpoints::updated_at.eq(diesel::dsl::now), webhook_endpoints::version.eq(webhook_endpoints::version + 1)))
        .returning(Raw::as_returning())
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("change a webhook endpoint"))?;
    let Some(raw) = raw else {
        return Ok(get(tx, id).await?.map_or(UpdateOutcome::NotFound, UpdateOutcome::Stale));
    };
    let row = read(raw)?;
    let data = json!({
        "host": change.target.map(|target| target.host.to_string()), "events": change.filter.as_ref().map(EventFilter::words),
        "full_data": change.full_data, "described": change.description.is_some(), "version": row.version,
    });
    tx.record(Change::of("webhook.updated", actor, id, data));
    Ok(UpdateOutcome::Updated(row))
}

/// Forgets an endpoint and its secrets, and calls off what is under way to it. False when there is none.
pub async fn delete(tx: &mut TenantTx, id: EndpointId, actor: &str) -> Result<bool, StoreError> {
    let there = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::id.eq(id.0))
        .filter(webhook_endpoints::deleted_at.is_null());
    let deleted = diesel::update(there)
        .set((
            webhook_endpoints::deleted_at.eq(diesel::dsl::now),
            webhook_endpoints::secrets.eq(json!([])),
            webhook_endpoints::updated_at.eq(diesel::dsl::now),
            webhook_endpoints::version.eq(webhook_endpoints::version + 1),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("delete a webhook endpoint"))?;
    if deleted == 0 {
        return Ok(false);
    }
    let canceled = cancel_waiting(tx, id).await?;
    tx.record(Change::of("webhook.deleted", actor, id, json!({ "canceled": canceled })));
    Ok(true)
}

/// Switches an endpoint on, as if it had never failed. False when there is none or it is on.
pub async fn enable(tx: &mut TenantTx, id: EndpointId, actor: &str) -> Result<bool, StoreError> {
    let off = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::id.eq(id.0))
        .filter(webhook_endpoints::deleted_at.is_null())
        .filter(webhook_endpoints::enabled.eq(false));
    let changed = diesel::update(off)
        .set((
            webhook_endpoints::enabled.eq(true),
            webhook_endpoints::disabled_at.eq(None::<DateTime<Utc>>),
            webhook_endpoints::disabled_reason.eq(None::<String>),
            webhook_endpoints::failing_since.eq(None::<DateTime<Utc>>),
            webhook_endpoints::held_until.eq(None::<DateTime<Utc>>),
            webhook_endpoints::updated_at.eq(diesel::dsl::now),
            webhook_endpoints::version.eq(webhook_endpoints::version + 1),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("enable a webhook endpoint"))?;
    if changed == 1 {
        tx.record(Change::of("webhook.enabled", actor, id, json!({})));
    }
    Ok(changed == 1)
}

/// Switches an endpoint off by hand, and calls off what is under way to it. False when there is none or it is off.
pub async fn disable(tx: &mut TenantTx, id: EndpointId, actor: &str) -> Result<bool, StoreError> {
    switch_off(tx, id, DisabledReason::ByHand, actor).await
}

pub(super) async fn switch_off(tx: &mut TenantTx, id: EndpointId, reason: DisabledReason, actor: &str) -> Result<bool, StoreError> {
    let on = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::id.eq(id.0))
        .filter(webhook_endpoints::deleted_at.is_null())
        .filter(webhook_endpoints::enabled.eq(true));
    let changed = diesel::update(on)
        .set((
            webhook_endpoints::enabled.eq(false),
            webhook_endpoints::disabled_at.eq(diesel::dsl::now),
            webhook_endpoints::disabled_reason.eq(reason.as_str()),
            webhook_endpoints::updated_at.eq(diesel::dsl::now),
            webhook_endpoints::version.eq(webhook_endpoints::version + 1),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("disable a webhook endpoint"))?;
    if changed == 0 {
        return Ok(false);
    }
    let canceled = cancel_waiting(tx, id).await?;
    tx.record(Change::of("webhook.disabled", actor, id, json!({ "reason": reason.as_str(), "canceled": canceled })));
    Ok(true)
}

/// Nobody is told any more; the workflows find out when they wake.
async fn cancel_waiting(tx: &mut TenantTx, id: EndpointId) -> Result<usize, StoreError> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::tenant_id.eq(tx.tenant.0))
        .filter(webhook_deliveries::endpoint_id.eq(id.0))
        .filter(webhook_deliveries::status.eq("waiting"));
    diesel::update(waiting)
        .set((
            webhook_deliveries::status.eq("canceled"),
            webhook_deliveries::next_at.eq(None::<DateTime<Utc>>),
            webhook_deliveries::finished_at.eq(diesel::dsl::now),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("call deliveries off"))
}

fn read(raw: Raw) -> Result<EndpointRow, StoreError> {
    let id = EndpointId(raw.id);
    let filter = EventFilter::parse(raw.events.iter().map(String::as_str))
        .map_err(|error| StoreError::corrupt(format!("the filter of webhook endpoint {id}"), error))?;
    let reason = |word: String| {
        let what = || format!("why webhook endpoint {id} is off");
        DisabledReason::parse(&word).ok_or_else(|| StoreError::Corrupt { what: what(), source: None })
    };
    Ok(EndpointRow {
        id,
        url: raw.url,
        description: raw.description,
        filter,
        enabled: raw.enabled,
        disabled_at: raw.disabled_at,
        disabled_reason: raw.disabled_reason.map(reason).transpose()?,
        failing_since: raw.failing_since,
        held_until: raw.held_until,
        full_data: raw.full_data,
        created_at: raw.created_at,
        updated_at: raw.updated_at,
        version: raw.version,
    })
}

//! Tenants, with the policy that counts; its earlier versions are in `policy`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::TenantId;
use domain::policy::Policy;
use serde_json::{Value, json};

use crate::error::{StoreError, failed_to};
use crate::schema::tenants;
use crate::tx::{Change, RelayTx, TenantTx};

/// A tenant as operators see it.
#[derive(Debug, Clone)]
pub struct TenantRow {
    pub id: TenantId,
    pub name: String,
    pub policy: Policy,
    pub created_at: DateTime<Utc>,
}

type Raw = (uuid::Uuid, String, Value, DateTime<Utc>);

impl TenantRow {
    fn read((id, name, policy, created_at): Raw) -> Result<Self, StoreError> {
        Ok(Self { id: TenantId(id), name, policy: read_policy(TenantId(id), policy)?, created_at })
    }
}

/// Adds a tenant. A name that is taken is a [`StoreError::Conflict`].
pub async fn create(tx: &mut RelayTx, name: &str, policy: &Policy) -> Result<TenantId, StoreError> {
    let id = TenantId::new();
    diesel::insert_into(tenants::table)
        .values((tenants::id.eq(id.0), tenants::name.eq(name), tenants::policy.eq(write_policy(policy)?)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("create a tenant"))?;
    tx.record(id, Change::of("tenant.created", "operator", id, json!({ "policy_version": policy.version })));
    Ok(id)
}

/// The tenant of that name.
pub async fn by_name(tx: &mut RelayTx, name: &str) -> Result<Option<TenantRow>, StoreError> {
    let raw: Option<Raw> = tenants::table
        .filter(tenants::name.eq(name))
        .select((tenants::id, tenants::name, tenants::policy, tenants::created_at))
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("find a tenant by name"))?;
    raw.map(TenantRow::read).transpose()
}

/// All tenants, by name.
pub async fn list(tx: &mut RelayTx) -> Result<Vec<TenantRow>, StoreError> {
    let raw: Vec<Raw> = tenants::table
        .order(tenants::name)
        .select((tenants::id, tenants::name, tenants::policy, tenants::created_at))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list tenants"))?;
    raw.into_iter().map(TenantRow::read).collect()
}

/// The tenant's policy as it stands.
pub async fn policy(tx: &mut TenantTx) -> Result<Policy, StoreError> {
    let tenant = tx.tenant;
    let policy: Option<Value> = tenants::table
        .filter(tenants::id.eq(tenant.0))
        .select(tenants::policy)
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a policy"))?;
    read_policy(tenant, policy.ok_or_else(|| StoreError::missing("read a policy", tenant))?)
}

pub(crate) fn read_policy(tenant: TenantId, policy: Value) -> Result<Policy, StoreError> {
    serde_json::from_value(policy).map_err(|error| StoreError::corrupt(format!("the policy of {tenant}"), error))
}

pub(crate) fn write_policy(policy: &Policy) -> Result<Value, StoreError> {
    serde_json::to_value(policy).map_err(|error| StoreError::Query { doing: "write a policy", source: error.into() })
}

//! The versions of a tenant's policy: added, never edited. Work accepted before a change keeps the version that it was accepted under.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::policy::Policy;
use serde_json::{Value, json};

use crate::error::{StoreError, failed_to};
use crate::schema::{policies, tenants};
use crate::tenant::{read_policy, write_policy};
use crate::tx::{Change, TenantTx};

/// Who made the policy that a tenant began with.
const FIRST_ACTOR: &str = "operator";

/// One version, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    pub policy: Policy,
    /// As audit links name people and keys.
    pub actor: String,
    pub created_at: DateTime<Utc>,
}

/// What came of a wish for another policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It counts from the commit on, as this version.
    Changed(Policy),
    /// It is what counts already; no version was made.
    Unchanged(Policy),
    /// Somebody else changed it since; what counts now. Nothing was done.
    Stale { current: Policy },
}

/// Replaces the version `expected` by `new`, which gets the next number whatever its own is.
pub async fn change(tx: &mut TenantTx, expected: u32, new: Policy, actor: &str) -> Result<ChangeOutcome, StoreError> {
    // Who changes a policy waits for whoever does so now. The key stays as it is, so rows that name the tenant are written meanwhile.
    let (document, since) = standing(tx, true).await?;
    let current = read_policy(tx.tenant, document.clone())?;
    if current.version != expected {
        return Ok(ChangeOutcome::Stale { current });
    }
    let changed = current.differences(&new);
    if changed.is_empty() {
        return Ok(ChangeOutcome::Unchanged(current));
    }
    let version = expected.checked_add(1).ok_or_else(|| StoreError::corrupt("the version of a policy", "no number is left"))?;
    let new = Policy { version, ..new };
    let written = write_policy(&new)?;
    // Tenants have their first version from before there were rows for it.
    keep(tx, current.version, &document, FIRST_ACTOR, since).await?;
    if !keep(tx, new.version, &written, actor, Utc::now()).await? {
        return Err(StoreError::Conflict { doing: "store a version of a policy", constraint: "policies_pkey".to_owned() });
    }
    diesel::update(tenants::table.filter(tenants::id.eq(tx.tenant.0)))
        .set((tenants::policy.eq(&written), tenants::updated_at.eq(diesel::dsl::now)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("change a policy"))?;
    tx.record(Change::of("policy.changed", actor, tx.tenant, json!({ "from": expected, "version": version, "changed": changed })));
    Ok(ChangeOutcome::Changed(new))
}

/// The versions before `before`, newest first; from the one that counts if it is left out.
pub async fn history(tx: &mut TenantTx, before: Option<u32>, limit: i64) -> Result<Vec<PolicyVersion>, StoreError> {
    let tenant = tx.tenant;
    let rows: Vec<(Value, String, DateTime<Utc>)> = policies::table
        .filter(policies::tenant_id.eq(tenant.0))
        .filter(policies::version.lt(before.map_or(i64::MAX, i64::from)))
        .order(policies::version.desc())
        .limit(limit)
        .select((policies::document, policies::actor, policies::created_at))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list the versions of a policy"))?;
    if rows.is_empty() && before.is_none() {
        let (document, created_at) = standing(tx, false).await?;
        let policy = read_policy(tenant, document)?;
        return Ok(vec![PolicyVersion { policy, actor: FIRST_ACTOR.to_owned(), created_at }]);
    }
    let read = |(document, actor, created_at)| Ok(PolicyVersion { policy: read_policy(tenant, document)?, actor, created_at });
    rows.into_iter().map(read).collect()
}

/// The policy that counts, as it is kept, and since when; held against other changes if it is about to be changed.
async fn standing(tx: &mut TenantTx, held: bool) -> Result<(Value, DateTime<Utc>), StoreError> {
    let tenant = tx.tenant;
    let query = tenants::table.filter(tenants::id.eq(tenant.0)).select((tenants::policy, tenants::updated_at));
    let connection = tx.connection()?;
    let found = if held { query.for_no_key_update().first(connection).await } else { query.first(connection).await };
    let found = found.optional().map_err(failed_to("read a policy"))?;
    found.ok_or_else(|| StoreError::missing("read a policy", tenant))
}

/// Adds a version; false if it is there.
async fn keep(tx: &mut TenantTx, version: u32, document: &Value, actor: &str, created_at: DateTime<Utc>) -> Result<bool, StoreError> {
    diesel::insert_into(policies::table)
        .values((
            policies::tenant_id.eq(tx.tenant.0),
            policies::version.eq(i64::from(version)),
            policies::document.eq(document),
            policies::actor.eq(actor),
            policies::created_at.eq(created_at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.connection()?)
        .await
        .map(|added| added == 1)
        .map_err(failed_to("store a version of a policy"))
}

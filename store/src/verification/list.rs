//! Reading verifications.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{TenantId, VerificationId};
use domain::verdict::Verdict;
use domain::verification::Status;
use uuid::Uuid;

use super::row::{Raw, VerificationRow, read_status};
use crate::error::{StoreError, failed_to};
use crate::schema::verifications;
use crate::tx::{RelayTx, TenantTx};

/// Which verifications, newest first.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    pub status: Option<Status>,
    pub verdict: Option<Verdict>,
    pub claim_type: Option<String>,
    pub created_gte: Option<DateTime<Utc>>,
    pub created_lt: Option<DateTime<Utc>>,
    /// The last one of the page before.
    pub before: Option<(DateTime<Utc>, VerificationId)>,
    pub limit: i64,
}

/// How many verifications stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCount {
    pub status: Status,
    pub count: i64,
    /// When the oldest of them was accepted.
    pub oldest: DateTime<Utc>,
}

/// The tenant's verifications by status, in the order in which a verification goes through them. A status that none has is left out.
pub async fn counts(tx: &mut TenantTx) -> Result<Vec<StatusCount>, StoreError> {
    let rows: Vec<(String, i64, Option<DateTime<Utc>>)> = verifications::table
        .filter(verifications::tenant_id.eq(tx.tenant.0))
        .group_by(verifications::status)
        .select((verifications::status, diesel::dsl::count_star(), diesel::dsl::min(verifications::created_at)))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("count verifications"))?;
    let found = |status: Status| rows.iter().find(|(word, _, _)| word == status.as_str()).map(|(_, count, oldest)| (*count, *oldest));
    let counted = Status::ALL.into_iter().filter_map(|status| {
        let (count, oldest) = found(status)?;
        Some(StatusCount { status, count, oldest: oldest? })
    });
    Ok(counted.collect())
}

/// One verification.
pub async fn get(tx: &mut TenantTx, id: VerificationId) -> Result<Option<VerificationRow>, StoreError> {
    let raw: Option<Raw> = verifications::table
        .filter(verifications::tenant_id.eq(tx.tenant.0))
        .filter(verifications::id.eq(id.0))
        .select(Raw::as_select())
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a verification"))?;
    raw.map(VerificationRow::try_from).transpose()
}

/// A page of verifications, newest first.
pub async fn list(tx: &mut TenantTx, filter: &ListFilter) -> Result<Vec<VerificationRow>, StoreError> {
    let mut query = verifications::table.filter(verifications::tenant_id.eq(tx.tenant.0)).select(Raw::as_select()).into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(verifications::status.eq(status.as_str()));
    }
    if let Some(verdict) = filter.verdict {
        query = query.filter(verifications::verdict.eq(verdict.as_str()));
    }
    if let Some(claim_type) = &filter.claim_type {
        query = query.filter(verifications::claim_type.eq(claim_type));
    }
    if let Some(from) = filter.created_gte {
        query = query.filter(verifications::created_at.ge(from));
    }
    if let Some(until) = filter.created_lt {
        query = query.filter(verifications::created_at.lt(until));
    }
    if let Some((at, id)) = filter.before {
        // The first half is implied by the second; it is what the index can start from.
        query = query.filter(verifications::created_at.le(at)).filter(verifications::created_at.lt(at).or(verifications::id.lt(id.0)));
    }
    let raw: Vec<Raw> = query
        .order((verifications::created_at.desc(), verifications::id.desc()))
        .limit(filter.limit)
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list verifications"))?;
    raw.into_iter().map(VerificationRow::try_from).collect()
}

/// A verification that should still have a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    pub tenant_id: TenantId,
    pub id: VerificationId,
    pub status: Status,
    pub updated_at: DateTime<Utc>,
}

/// Unfinished verifications of all tenants that nothing has touched since `before`, longest untouched first; a further page begins
/// behind the `updated_at` and id of the last.
pub async fn unfinished(
    tx: &mut RelayTx,
    after: Option<(DateTime<Utc>, VerificationId)>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Unfinished>, StoreError> {
    let mut query = verifications::table
        .filter(verifications::finished_at.is_null())
        .filter(verifications::updated_at.lt(before))
        .select((verifications::tenant_id, verifications::id, verifications::status, verifications::updated_at))
        .into_boxed();
    if let Some((at, id)) = after {
        query = query.filter(verifications::updated_at.gt(at).or(verifications::updated_at.eq(at).and(verifications::id.gt(id.0))));
    }
    let rows: Vec<(Uuid, Uuid, String, DateTime<Utc>)> = query
        .order((verifications::updated_at, verifications::id))
        .limit(limit)
        .load(tx.connection()?)
        .await
        .map_err(failed_to("look for verifications without progress"))?;
    rows.into_iter()
        .map(|(tenant, id, status, updated_at)| {
            let id = VerificationId(id);
            Ok(Unfinished { tenant_id: TenantId(tenant), id, status: read_status(id, &status)?, updated_at })
        })
        .collect()
}

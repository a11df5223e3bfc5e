//! The cost ledger: one line per piece of work, whatever happens to the piece.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::VerificationId;
use domain::usage::Usage;

use crate::error::{StoreError, failed_to};
use crate::schema::usage_entries;
use crate::sql::sql;
use crate::tx::TenantTx;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRow {
    pub usage: Usage,
    pub idempotency_key: String,
    pub at: DateTime<Utc>,
}

/// Writes a line, unless one with this key is there. The key names the piece of work, not the attempt at it.
pub async fn append(tx: &mut TenantTx, id: VerificationId, usage: &Usage, idempotency_key: &str) -> Result<(), StoreError> {
    append_many(tx, id, &[(usage, idempotency_key)]).await
}

/// Writes several lines in one statement each, as [`append`] does.
pub async fn append_many(tx: &mut TenantTx, id: VerificationId, lines: &[(&Usage, &str)]) -> Result<(), StoreError> {
    let tenant = tx.tenant;
    for (usage, idempotency_key) in lines {
        sql("insert into usage_entries (tenant_id, verification_id, idempotency_key, accepted_at, stage, pages, cpu_seconds, bytes)
            select tenant_id, id, $1, created_at, $2, $3, $4, $5 from verifications where tenant_id = $6 and id = $7
            on conflict do nothing")
        .text(idempotency_key)
        .text(&usage.stage)
        .i32(i32::try_from(usage.pages).unwrap_or(i32::MAX))
        .f64(usage.cpu_seconds)
        .i64(i64::try_from(usage.bytes).unwrap_or(i64::MAX))
        .uuid(tenant.0)
        .uuid(id.0)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("write a usage entry"))?;
    }
    Ok(())
}

/// The lines of a verification, oldest first.
pub async fn list(tx: &mut TenantTx, id: VerificationId) -> Result<Vec<UsageRow>, StoreError> {
    let rows: Vec<(String, i32, f64, i64, String, DateTime<Utc>)> = usage_entries::table
        .filter(usage_entries::tenant_id.eq(tx.tenant.0))
        .filter(usage_entries::verification_id.eq(id.0))
        .order((usage_entries::at, usage_entries::idempotency_key))
        .select((
            usage_entries::stage,
            usage_entries::pages,
            usage_entries::cpu_seconds,
            usage_entries::bytes,
            usage_entries::idempotency_key,
            usage_entries::at,
        ))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read the usage of a verification"))?;
    let read = |(stage, pages, cpu_seconds, bytes, idempotency_key, at): (String, i32, f64, i64, String, DateTime<Utc>)| UsageRow {
        usage: Usage { stage, pages: pages.unsigned_abs(), cpu_seconds, bytes: bytes.unsigned_abs() },
        idempotency_key,
        at,
    };
    Ok(rows.into_iter().map(read).collect())
}

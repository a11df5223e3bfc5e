//! How much waits for people at all, whoever may answer what.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

/// The open reviews of a tenant together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Backlog {
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    #[diesel(sql_type = BigInt)]
    pub overdue: i64,
    #[diesel(sql_type = BigInt)]
    pub escalated: i64,
    /// When the one was opened that has been open the longest.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

/// Counts them.
pub async fn backlog(tx: &mut TenantTx) -> Result<Backlog, StoreError> {
    sql("select count(*) as waiting, count(*) filter (where due_at < clock_timestamp()) as overdue,
            count(*) filter (where status = 'escalated') as escalated, min(created_at) as oldest
        from reviews where tenant_id = $1 and status in ('pending', 'escalated')")
    .uuid(tx.tenant.0)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("count what waits for people"))
}

//! Month partitions: created ahead of time by whoever does background work, never dropped here.

use diesel_async::RunQueryDsl;

use crate::error::{StoreError, failed_to};
use crate::tx::RelayTx;

/// Months that must exist beyond the current one. Three leave a quarter to notice that nobody creates them any more.
pub const MONTHS_AHEAD: u32 = 3;

diesel::define_sql_function! {
    fn ensure_partitions(months_ahead: diesel::sql_types::Integer) -> diesel::sql_types::Integer;
}
diesel::define_sql_function! {
    fn partitions_ahead() -> diesel::sql_types::Integer;
}

/// Creates missing month partitions up to `months_ahead` months from now, and says how many were new.
pub async fn ensure(tx: &mut RelayTx, months_ahead: u32) -> Result<u32, StoreError> {
    let months_ahead = i32::try_from(months_ahead).unwrap_or(i32::MAX);
    let created: i32 =
        diesel::select(ensure_partitions(months_ahead)).get_result(tx.connection()?).await.map_err(failed_to("create partitions"))?;
    Ok(created.unsigned_abs())
}

/// How many months beyond the current one every partitioned table reaches; -1 when this month itself is missing.
pub async fn ahead(tx: &mut RelayTx) -> Result<i32, StoreError> {
    diesel::select(partitions_ahead()).get_result(tx.connection()?).await.map_err(failed_to("count the partitions ahead"))
}

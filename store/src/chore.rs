//! When work that recurs was last brought to its end, so that people notice when it no longer is.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::RelayTx;

/// Work that recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Partitions made ahead of time, old keys and sessions forgotten; finds the partitions that were missing.
    Housekeeping,
    /// One walk over all verifications that have not ended; finds those that no workflow works on.
    Patrol,
}

impl Chore {
    /// The stable word for SQL and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Housekeeping => "housekeeping",
            Self::Patrol => "patrol",
        }
    }
}

/// How a chore last ended.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ChoreRow {
    /// As [`Chore::as_str`] has it.
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = BigInt)]
    pub found: i64,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub ended_at: DateTime<Utc>,
}

/// The chore has just ended and found so much.
pub async fn ended(tx: &mut RelayTx, chore: Chore, found: u32) -> Result<(), StoreError> {
    sql("insert into chores (name, found) values ($1, $2)
        on conflict (name) do update set found = excluded.found, ended_at = excluded.ended_at")
    .text(chore.as_str())
    .i64(i64::from(found))
    .execute(tx.connection()?)
    .await
    .map(|_| ())
    .map_err(failed_to("write down the end of a chore"))
}

/// Every chore that ever ended.
pub async fn list(tx: &mut RelayTx) -> Result<Vec<ChoreRow>, StoreError> {
    sql("select name, found, ended_at from chores order by name").get_results(tx.connection()?).await.map_err(failed_to("list chores"))
}

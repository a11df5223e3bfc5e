//! Brings a database to the shape that this binary knows.

use diesel_async::{AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{Cause, StoreError, failed_to};
use crate::partition::MONTHS_AHEAD;
use crate::pool::connect_owner;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Applies what is missing, as the role that owns the tables, and creates the coming months' partitions. Returns the migrations applied.
///
/// Processes that migrate at the same time wait for each other. Creates the bare roles that serve where a cluster lacks them, which needs `CREATEROLE`.
pub async fn migrate(owner_url: &str) -> Result<Vec<String>, StoreError> {
    let mut connection = connect_owner(owner_url).await?;
    // Held by the session: released with the connection, whatever happens.
    connection
        .batch_execute("select pg_advisory_lock(hashtextextended('assay.migrate', 0))")
        .await
        .map_err(failed_to("wait for another migration"))?;
    let runtime = tokio::runtime::Handle::current();
    let applied = tokio::task::spawn_blocking(move || {
        // Diesel's migrations are blocking code over our asynchronous connection, hence the thread of its own.
        let _inside = runtime.enter();
        let mut harness = AsyncMigrationHarness::new(connection);
        harness.run_pending_migrations(MIGRATIONS).map(|versions| versions.iter().map(ToString::to_string).collect::<Vec<_>>())
    })
    .await
    .map_err(|error| failed(error.into()))?
    .map_err(failed)?;
    ensure_partitions(owner_url, MONTHS_AHEAD).await?;
    Ok(applied)
}

/// Creates the month partitions up to `months_ahead` months from now, as the owner, and says how many were new.
pub async fn ensure_partitions(owner_url: &str, months_ahead: u32) -> Result<u32, StoreError> {
    let mut connection = connect_owner(owner_url).await?;
    let created: i32 = diesel::select(crate::partition::ensure_partitions(i32::try_from(months_ahead).unwrap_or(i32::MAX)))
        .get_result(&mut connection)
        .await
        .map_err(failed_to("create partitions"))?;
    Ok(created.unsigned_abs())
}

fn failed(source: Cause) -> StoreError {
    StoreError::Query { doing: "migrate the database", source }
}

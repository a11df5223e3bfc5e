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

#[cfg(all(test, feature = "testing"))]
mod tests {
    use diesel::migration::{Migration, MigrationSource};
    use diesel::pg::Pg;

    use super::*;
    use crate::testing::TestDatabase;

    /// The rows that a migration brings along, tenant set.
    fn sample(migration: &dyn Migration<Pg>) -> String {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations")).join(migration.name().to_string());
        let rows = std::fs::read_to_string(folder.join("sample.sql")).unwrap_or_default();
        format!("begin; select set_config('app.tenant', '00000000-0000-7000-8000-000000000001', true); {rows} commit")
    }

    #[tokio::test]
    async fn every_migration_goes_up_down_and_up_again_over_rows() {
        let Some(database) = TestDatabase::start_empty().await else { return };
        let url = database.owner_url.clone();
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let connect = || runtime.block_on(connect_owner(&url)).unwrap();
            let all = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap();
            assert!(all.len() >= 8);
            let mut harness = AsyncMigrationHarness::new(connect());
            let _inside = runtime.enter();
            // Makes diesel's own table.
            assert!(harness.applied_migrations().unwrap().is_empty());
            for round in 0..2 {
                for migration in &all {
                    // Down and up again before anything builds on it.
                    harness.run_migration(migration).unwrap();
                    let mut connection = connect();
                    runtime.block_on(connection.batch_execute(&sample(migration))).unwrap();
                    harness.revert_migration(migration).unwrap();
                    harness.run_migration(migration).unwrap();
                    runtime.block_on(connection.batch_execute(&sample(migration))).unwrap();
                }
                for migration in all.iter().rev() {
                    harness.revert_migration(migration).unwrap_or_else(|error| panic!("round {round}: {}: {error}", migration.name()));
                }
            }
            let mut connection = connect();
            let left: Vec<String> = runtime
                .block_on(
                    diesel::dsl::sql::<diesel::sql_types::Text>(
                        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relname not like '\\_\\_diesel%'
                        union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace
                            and proname not like 'diesel\\_%'",
                    )
                    .load(&mut connection),
                )
                .unwrap();
            assert_eq!(left, Vec::<String>::new());
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn the_schema_names_the_columns_that_the_migrations_make() {
        use diesel::QueryDsl;

        use crate::schema::*;
        let Some(database) = TestDatabase::start().await else { return };
        let client = database.connect(&database.owner_url).await;
        macro_rules! check {
            ($($table:ident)*) => {$(
                let query = diesel::debug_query::<Pg, _>(&$table::table.select($table::all_columns)).to_string();
                let query = query.split(" -- ").next().unwrap_or_default();
                let known = client.prepare(query).await.unwrap();
                let count = format!("select count(*) from information_schema.columns where table_schema = 'public' and table_name = '{}'", stringify!($table));
                let there: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
                assert_eq!(known.columns().len() as i64, there, "{}", stringify!($table));
            )*};
        }
        check!(
            api_keys audit_events audit_heads audit_payloads comments decisions drafts events evidence idempotency_keys memberships outbox policies
            reviews sessions sign_ins stage_results stage_tries tenants usage_entries users verification_evidence verifications
            webhook_attempts webhook_deliveries webhook_endpoints webhook_events
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn migrating_twice_and_at_once_is_migrating_once() {
        let Some(database) = TestDatabase::start_empty().await else { return };
        let (one, two) = tokio::join!(migrate(&database.owner_url), migrate(&database.owner_url));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.is_empty() != two.is_empty(), "{one:?} {two:?}");
        assert!(migrate(&database.owner_url).await.unwrap().is_empty());
    }
}

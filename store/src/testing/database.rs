//! A database of its own for each test.

use std::sync::OnceLock;

use domain::id::TenantId;
use domain::policy::Policy;
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::cluster::Cluster;
use super::skip;
use crate::{DatabaseConfig, Store, tenant};

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();

/// A migrated database that nobody else uses, reached as each of the roles.
pub struct TestDatabase {
    cluster: &'static Cluster,
    name: String,
    /// Runs migrations; subject to row-level security like everybody.
    pub owner_url: String,
    /// Serves one tenant per transaction.
    pub service_url: String,
    /// Looks across tenants.
    pub relay_url: String,
    /// The superuser of a private cluster, whom nothing stops.
    pub admin_url: Option<String>,
}

impl TestDatabase {
    /// A migrated database. `None`, said loudly, where there is no PostgreSQL.
    pub async fn start() -> Option<Self> {
        Self::create(true).await
    }

    /// A database without tables.
    pub async fn start_empty() -> Option<Self> {
        Self::create(false).await
    }

    async fn create(migrated: bool) -> Option<Self> {
        let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start_cluster)).await;
        let Some(cluster) = cluster.unwrap_or_else(|error| panic!("the test cluster: {error}")) else {
            skip("there is no PostgreSQL below /usr/lib/postgresql, and ASSAY_TEST_DATABASE_OWNER_URL names none");
            return None;
        };
        let name = format!("assay_test_{}", Uuid::now_v7().simple());
        let created = if migrated { cluster.create_database(&name).await } else { cluster.create_empty_database(&name).await };
        created.unwrap_or_else(|error| panic!("a test database: {error}"));
        Some(Self {
            cluster,
            owner_url: cluster.owner_url(&name),
            service_url: cluster.service_url(&name),
            relay_url: cluster.relay_url(&name),
            admin_url: cluster.admin_url(&name),
            name,
        })
    }

    /// A store on it, with both roles.
    pub fn store(&self) -> Store {
        let mut service = DatabaseConfig::new(&self.service_url);
        let mut relay = DatabaseConfig::new(&self.relay_url);
        service.pool_size = 8;
        relay.pool_size = 4;
        // Many tests share two cores.
        service.acquire_timeout = std::time::Duration::from_secs(30);
        relay.acquire_timeout = std::time::Duration::from_secs(30);
        service.statement_timeout = std::time::Duration::from_secs(60);
        Store::connect_lazy(&service, Some(&relay)).unwrap_or_else(|error| panic!("a store on the test database: {error}"))
    }

    /// A tenant with the default policy.
    pub async fn tenant(&self, store: &Store, name: &str) -> TenantId {
        let created = async {
            let mut tx = store.begin_relay().await?;
            let id = tenant::create(&mut tx, name, &Policy::default()).await?;
            tx.commit().await.map(|()| id)
        };
        created.await.unwrap_or_else(|error| panic!("tenant {name}: {error:?}"))
    }

    /// A raw connection as one of the roles, for what no function of the store would do.
    pub async fn connect(&self, url: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|error| panic!("connect: {error}"));
        tokio::spawn(connection);
        client
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (cluster, name) = (self.cluster, std::mem::take(&mut self.name));
        // The test's own runtime may be ending; a thread of our own is not.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
            runtime.block_on(cluster.drop_database(&name))
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test database was left behind: {error}");
        }
    }
}

fn start_cluster() -> Option<Cluster> {
    Cluster::start().unwrap_or_else(|error| panic!("the test cluster: {error}"))
}

//! Connections: how they are made, how many there are, and how long anybody waits for one.

use std::fmt;
use std::time::Duration;

use diesel::QueryableByName;
use diesel_async::AsyncPgConnection;
use diesel_async::RunQueryDsl;
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use domain::id::TenantId;
use futures::FutureExt;

use crate::error::{StoreError, failed_to, from_connection, no_connection};
use crate::tx::{RelayTx, TenantTx, Transaction};

/// How to reach PostgreSQL as one role. TLS is not offered yet: keep the path to the database inside a trusted network, or tunnel it.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `postgres://role:password@host:port/database`.
    pub url: String,
    /// Connections that this process opens at most as this role.
    pub pool_size: usize,
    /// For the TCP and start-up handshake of a new connection.
    pub connect_timeout: Duration,
    /// For a free connection, a new one included. A request is refused rather than kept longer.
    pub acquire_timeout: Duration,
    /// For any one statement; the server cancels it.
    pub statement_timeout: Duration,
    /// For a transaction in which nothing happens; the server ends it, so that a process that hangs holds no locks for long.
    pub idle_in_transaction_timeout: Duration,
}

impl DatabaseConfig {
    /// The defaults of a role that serves requests.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            connect_timeout: Duration::from_secs(2),
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(30),
        }
    }

    /// The connection string as the driver takes it, with the timeouts that keep a silent drop from hanging for minutes.
    pub(crate) fn driver(&self) -> Result<tokio_postgres::Config, StoreError> {
        let mut driver: tokio_postgres::Config = self.url.parse().map_err(|error| StoreError::Config { source: Box::new(error) })?;
        driver
            .connect_timeout(self.connect_timeout)
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        if driver.get_application_name().is_none() {
            driver.application_name("assay");
        }
        Ok(driver)
    }

    fn session(&self) -> String {
        format!(
            "set statement_timeout = {}; set idle_in_transaction_session_timeout = {}",
            self.statement_timeout.as_millis(),
            self.idle_in_transaction_timeout.as_millis()
        )
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig").field("url", &"(hidden)").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// How full the pool of the service role is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Connections allowed.
    pub max_size: usize,
    /// Connections open.
    pub size: usize,
    /// Connections open and free.
    pub available: usize,
    /// Callers waiting for one.
    pub waiting: usize,
}

/// The database. Cheap to clone; the way to a row is always a transaction.
#[derive(Clone)]
pub struct Store {
    service: Connections,
    relay: Option<Connections>,
}

#[derive(Clone)]
struct Connections {
    pool: Pool<AsyncPgConnection>,
    acquire_timeout: Duration,
}

impl Store {
    /// Prepares the pools without connecting: a role starts while PostgreSQL is away, and answers once it is back.
    pub fn connect_lazy(service: &DatabaseConfig, relay: Option<&DatabaseConfig>) -> Result<Self, StoreError> {
        Ok(Self { service: Connections::new(service)?, relay: relay.map(Connections::new).transpose()? })
    }

    /// A transaction for one tenant: row-level security shows it that tenant's rows and no others.
    pub async fn begin(&self, tenant: TenantId) -> Result<TenantTx, StoreError> {
        // A UUID cannot carry SQL, and one message saves a round trip.
        let begin = format!("begin; select set_config('app.tenant', '{}', true)", tenant.0);
        Ok(TenantTx::new(tenant, self.service.begin(begin).await?))
    }

    /// A transaction for background work that looks across tenants.
    pub async fn begin_relay(&self) -> Result<RelayTx, StoreError> {
        let relay = self.relay.as_ref().ok_or_else(|| StoreError::Config { source: "this process has no relay role".into() })?;
        Ok(RelayTx::new(relay.begin("begin".to_owned()).await?))
    }

    /// Whether the database answers the service role.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.service.get().await?;
        connection.batch_execute("select 1").await.map_err(failed_to("ping the database"))
    }

    /// The version that the server gives itself, as in `15.9`.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        #[derive(QueryableByName)]
        struct Shown {
            #[diesel(sql_type = diesel::sql_types::Text)]
            server_version: String,
        }
        let mut connection = self.service.get().await?;
        let shown: Shown = diesel::sql_query("show server_version")
            .get_result(&mut *connection)
            .await
            .map_err(failed_to("ask the server for its version"))?;
        Ok(shown.server_version)
    }

    /// How full the pool of the service role is.
    pub fn pool_status(&self) -> PoolStatus {
        let status = self.service.pool.status();
        PoolStatus { max_size: status.max_size, size: status.size, available: status.available, waiting: status.waiting }
    }
}

impl Connections {
    fn new(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let driver = config.driver()?;
        let session = config.session();
        let mut manager = ManagerConfig::<AsyncPgConnection>::default();
        // A closed connection is noticed without a round trip; one that died unnoticed fails at `begin`, which tries another.
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| establish(driver.clone(), session.clone()).boxed());
        let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config("", manager))
            .max_size(config.pool_size)
            .build()
            .map_err(|error| StoreError::Config { source: Box::new(error) })?;
        Ok(Self { pool, acquire_timeout: config.acquire_timeout })
    }

    async fn get(&self) -> Result<Object<AsyncPgConnection>, StoreError> {
        match tokio::time::timeout(self.acquire_timeout, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(no_connection(error)),
            Err(elapsed) => Err(no_connection(elapsed)),
        }
    }

    async fn begin(&self, begin: String) -> Result<Transaction, StoreError> {
        let mut tries_left = 2;
        loop {
            // Wrapped before the first byte is sent: whoever drops us midway leaves no open transaction in the pool.
            let mut transaction = Transaction::wrap(self.get().await?);
            match transaction.connection()?.batch_execute(&begin).await {
                Ok(()) => return Ok(transaction),
                Err(error) => {
                    transaction.discard();
                    let error = failed_to("begin a transaction")(error);
                    tries_left -= 1;
                    if tries_left == 0 || !error.is_retryable() {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Opens one connection and sets its limits.
pub(crate) async fn establish(driver: tokio_postgres::Config, session: String) -> diesel::ConnectionResult<AsyncPgConnection> {
    let (client, connection) = driver
        .connect(tokio_postgres::NoTls)
        .await
        .map_err(|error| diesel::ConnectionError::CouldntSetupConfiguration(from_driver(error)))?;
    let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    connection.batch_execute(&session).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens one connection outside the pools, as the owner, for migrations and maintenance.
pub(crate) async fn connect_owner(url: &str) -> Result<AsyncPgConnection, StoreError> {
    let mut config = DatabaseConfig::new(url);
    config.connect_timeout = Duration::from_secs(5);
    // A migration may have to rewrite a table.
    config.statement_timeout = Duration::ZERO;
    establish(config.driver()?, config.session()).await.map_err(from_connection)
}

fn from_driver(error: tokio_postgres::Error) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(Box::new(error))
}

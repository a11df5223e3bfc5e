//! The PostgreSQL cluster that the tests of one process share, with a migrated database to copy.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use sha2::{Digest, Sha256};
use tokio_postgres::{Config, NoTls};

use super::child::{self, Server};
use crate::migrate::{MIGRATIONS, migrate};

const OWNER: &str = "assay_owner";
const SERVICE: &str = "assay_service";
const RELAY: &str = "assay_relay";
/// A cluster with data checksums and no disk flushes is up within a second or two; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where databases come from.
pub struct Cluster {
    host: String,
    port: u16,
    owner: String,
    password: Option<String>,
    /// Of the superuser; only a private cluster lends it.
    admin: Option<String>,
    template: String,
    _server: Option<Server>,
}

impl Cluster {
    /// Starts a private cluster, or joins the one that the environment names. `None` when there is no PostgreSQL here.
    pub fn start() -> Result<Option<Self>, String> {
        let mut cluster = match std::env::var("ASSAY_TEST_DATABASE_OWNER_URL") {
            Ok(url) => Self::join(&url)?,
            Err(_) => match binaries() {
                Some(binaries) => Self::private(&binaries)?,
                None => return Ok(None),
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        cluster.template = runtime.block_on(cluster.ensure_template())?;
        Ok(Some(cluster))
    }

    fn join(url: &str) -> Result<Self, String> {
        let config: Config = url.parse().map_err(|error| format!("ASSAY_TEST_DATABASE_OWNER_URL: {error}"))?;
        let host = match config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            _ => return Err("ASSAY_TEST_DATABASE_OWNER_URL needs a host name".to_owned()),
        };
        Ok(Self {
            host,
            port: config.get_ports().first().copied().unwrap_or(5432),
            owner: config.get_user().unwrap_or(OWNER).to_owned(),
            password: config.get_password().map(|password| String::from_utf8_lossy(password).into_owned()),
            admin: None,
            template: String::new(),
            _server: None,
        })
    }

    fn private(binaries: &Path) -> Result<Self, String> {
        let folder = child::folder("postgres")?;
        let data = folder.join("data");
        std::fs::create_dir(&data).map_err(|error| error.to_string())?;
        let as_user = user(&data)?;
        let path = |name: &str| binaries.join(name).display().to_string();
        let data = data.display().to_string();
        let initdb = ["-D", &data, "-U", "assay_admin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"].map(str::to_owned);
        child::run(&[&as_user[..], &[path("initdb")], &initdb].concat())?;
        let port = child::free_port()?;
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=400".to_owned(),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "jit=off".to_owned(),
            "timezone=UTC".to_owned(),
        ];
        let mut program = [&as_user[..], &[path("postgres"), "-D".to_owned(), data]].concat();
        program.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        let server = child::start(&folder, &program, &[])?;
        let cluster = Self {
            host: "127.0.0.1".to_owned(),
            port,
            owner: OWNER.to_owned(),
            password: None,
            admin: Some("assay_admin".to_owned()),
            template: String::new(),
            _server: Some(server),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        runtime.block_on(cluster.prepare()).map_err(|error| {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            format!("{error}\n{log}")
        })?;
        Ok(cluster)
    }

    async fn prepare(&self) -> Result<(), String> {
        let began = Instant::now();
        let url = self.url("assay_admin", "postgres");
        let client = loop {
            match tokio_postgres::connect(&url, NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    break client;
                }
                Err(error) if began.elapsed() > PATIENCE => return Err(format!("PostgreSQL did not come up: {error}")),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        // The owner may end the others' connections, so that it can drop a database under them.
        let roles = format!(
            "create role {OWNER} login createdb; create role {SERVICE} login; create role {RELAY} login; grant pg_signal_backend to {OWNER}"
        );
        client.batch_execute(&roles).await.map_err(|error| error.to_string())
    }

    /// A migrated database, named for the migrations in it, so that a cluster that lasts keeps one per state of the code.
    async fn ensure_template(&self) -> Result<String, String> {
        let mut hasher = Sha256::new();
        let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(|error| error.to_string())?;
        for migration in migrations {
            hasher.update(migration.name().to_string());
        }
        // A private cluster starts empty; elsewhere a migration under development must not find its older self.
        hasher.update(std::process::id().to_be_bytes());
        let name = format!("assay_template_{}", &hex::encode(hasher.finalize())[..16]);
        self.execute_as_owner(&format!("create database {name}")).await?;
        migrate(&self.url(&self.owner, &name)).await.map_err(|error| chain(&error))?;
        Ok(name)
    }

    /// Copies the migrated database.
    pub async fn create_database(&self, name: &str) -> Result<(), String> {
        let copy = format!("create database {name} template {}", self.template);
        self.execute_as_owner(&copy).await
    }

    /// An empty database.
    pub async fn create_empty_database(&self, name: &str) -> Result<(), String> {
        self.execute_as_owner(&format!("create database {name}")).await
    }

    /// Removes a database, whoever is connected.
    pub async fn drop_database(&self, name: &str) -> Result<(), String> {
        self.execute_as_owner(&format!("drop database if exists {name} with (force)")).await
    }

    async fn execute_as_owner(&self, statement: &str) -> Result<(), String> {
        let url = self.url(&self.owner, "postgres");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        client.batch_execute(statement).await.map_err(|error| format!("{statement}: {error:?}"))
    }

    pub fn owner_url(&self, database: &str) -> String {
        self.url(&self.owner, database)
    }

    pub fn service_url(&self, database: &str) -> String {
        self.url(SERVICE, database)
    }

    pub fn relay_url(&self, database: &str) -> String {
        self.url(RELAY, database)
    }

    pub fn admin_url(&self, database: &str) -> Option<String> {
        self.admin.as_ref().map(|admin| self.url(admin, database))
    }

    fn url(&self, role: &str, database: &str) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        format!("postgres://{role}{password}@{}:{}/{database}", self.host, self.port)
    }
}

/// PostgreSQL refuses to run as root: then the words that start a program as another user, who gets the folder.
fn user(data: &Path) -> Result<Vec<String>, String> {
    if !child::is_root() {
        return Ok(Vec::new());
    }
    for name in ["postgres", "nobody"] {
        let id = |flag: &str| child::run(&["id".to_owned(), flag.to_owned(), name.to_owned()]);
        let (Ok(uid), Ok(gid)) = (id("-u"), id("-g")) else { continue };
        let number = |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
        chown(data, Some(number(&uid)?), Some(number(&gid)?)).map_err(|error| error.to_string())?;
        return Ok(["setpriv", "--reuid", &uid, "--regid", &gid, "--clear-groups", "--"].map(str::to_owned).to_vec());
    }
    Err("there is no user to run PostgreSQL as".to_owned())
}

/// The newest installed PostgreSQL.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, path)| path.join("postgres").exists() && path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

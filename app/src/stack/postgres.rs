//! A private PostgreSQL: its own cluster in the stack's folder, loopback only, never the system's.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Signal, geteuid};
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, NoTls};

use super::folder::Folder;
use super::probe::Probe;
use super::process::{Program, User, find_user};
use super::secrets::{Secrets, write_private};
use super::supervisor::{Spec, Stage};
use super::tools::Tools;

/// Name of the cluster's superuser. No part of Assay logs in as it after the set-up.
const ADMIN: &str = "assay_admin";
/// Connections for everything: up to 100 by Temporal (four services), the rest for Assay's roles and people.
const MAX_CONNECTIONS: u32 = 200;
/// A fast shutdown writes a checkpoint; on a slow disk that takes a while, and cutting it short costs a recovery.
const GRACE: Duration = Duration::from_secs(30);
/// Recovery after a crash replays the log before the first login.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where a cluster goes that its user could not reach in the stack's own folder.
const ELSEWHERE: &str = "/var/tmp";

/// The roles Assay logs in as, apart from the superuser: name, password.
struct Login<'a> {
    role: &'a str,
    password: &'a str,
}

/// Connection string for a role and a database of the private cluster.
pub fn url(port: u16, role: &str, password: &str, database: &str) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
}

/// Connects, and drives the connection in the background until the client is dropped.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connect to PostgreSQL")?;
    // An error on the connection reaches the client as the error of its next query.
    tokio::spawn(connection);
    Ok(client)
}

/// Connection string of the superuser.
pub fn admin_url(port: u16, secrets: &Secrets, database: &str) -> String {
    url(port, ADMIN, &secrets.database_admin, database)
}

/// Makes the cluster where there is none yet, and says how to run it.
pub fn prepare(tools: &Tools, folder: &Folder, secrets: &Secrets, port: u16) -> Result<Spec> {
    let user = runs_as()?;
    let home = home_folder(folder, user.as_ref())?;
    let data = home.join("data");
    if !home.join("complete").exists() {
        initialise(tools, folder, secrets, user.as_ref(), &home)?;
    }
    remove_stale_lock(&data)?;
    let mut program = Program::new(tools.postgres_bin.join("postgres"));
    program.user = user;
    // A fast shutdown also when we are killed: what was committed is safe either way, and no recovery is needed.
    program.orphaned = Signal::INT;
    program = program.argument("-D").argument(&data);
    for (name, value) in settings(port) {
        program = program.argument("-c").argument(format!("{name}={value}"));
    }
    Ok(Spec {
        name: "postgres".to_owned(),
        stage: Stage::Database,
        program,
        probe: Probe::Postgres(admin_url(port, secrets, "postgres")),
        stop: Signal::INT,
        grace: GRACE,
        patience: PATIENCE,
        log: folder.logs().join("postgres.log"),
        pid_file: folder.pids().join("postgres"),
    })
}

fn settings(port: u16) -> [(&'static str, String); 12] {
    [
        ("port", port.to_string()),
        ("listen_addresses", "127.0.0.1".to_owned()),
        // Loopback only: a socket file would need a short path that every role can reach.
        ("unix_socket_directories", String::new()),
        ("max_connections", MAX_CONNECTIONS.to_string()),
        ("fsync", "on".to_owned()),
        ("synchronous_commit", "on".to_owned()),
        ("password_encryption", "scram-sha-256".to_owned()),
        // Every query here is short; compiling one costs more than it saves.
        ("jit", "off".to_owned()),
        ("max_wal_size", "2GB".to_owned()),
        ("wal_compression", "on".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_line_prefix", "%m [%p] %q%u@%d ".to_owned()),
    ]
}

/// PostgreSQL refuses to run as root, so root hands it to the package's own user.
fn runs_as() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = find_user("postgres").or_else(|| find_user("nobody"));
    user.map(Some).context("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it")
}

/// The folder that holds the cluster: inside the stack's own, or, where that user cannot get there (a clone
/// under a closed home, say), one in /var/tmp that belongs to it, with a link in its place.
fn home_folder(folder: &Folder, user: Option<&User>) -> Result<PathBuf> {
    let link = folder.postgres();
    let home = match user {
        Some(_) if !open_to_others(folder.root()) => {
            let name = hex::encode(Sha256::digest(folder.root().as_os_str().as_encoded_bytes()));
            let outside = Path::new(ELSEWHERE).join(format!("assay-{}", &name[..16]));
            if std::fs::read_link(&link).ok().as_deref() != Some(&outside) {
                ensure!(std::fs::symlink_metadata(&link).is_err(), "{} is in the way; run `make clean-data`", link.display());
                symlink(&outside, &link).with_context(|| format!("link {} to {}", link.display(), outside.display()))?;
            }
            outside
        }
        _ => link,
    };
    match DirBuilder::new().mode(0o700).create(&home) {
        Ok(()) => {
            if let Some(user) = user {
                chown(&home, Some(user.uid), Some(user.gid)).with_context(|| format!("give {} to {}", home.display(), user.name))?;
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = std::fs::symlink_metadata(&home).with_context(|| format!("look at {}", home.display()))?;
            let owner = user.map_or_else(|| geteuid().as_raw(), |user| user.uid);
            // /var/tmp is everybody's: a folder that somebody else put there is not ours to trust.
            ensure!(found.is_dir() && found.uid() == owner, "{} belongs to somebody else; remove it first", home.display());
        }
        Err(error) => return Err(error).with_context(|| format!("create {}", home.display())),
    }
    Ok(home)
}

/// Whether any user may walk down to this folder.
fn open_to_others(folder: &Path) -> bool {
    folder.ancestors().all(|step| std::fs::metadata(step).is_ok_and(|found| found.permissions().mode() & 0o001 != 0))
}

fn initialise(tools: &Tools, folder: &Folder, secrets: &Secrets, user: Option<&User>, home: &Path) -> Result<()> {
    let data = home.join("data");
    if data.exists() {
        // A set-up that was cut short: no server ever ran on it.
        std::fs::remove_dir_all(&data).with_context(|| format!("clear the half-made {}", data.display()))?;
    }
    // The password goes through a file in a folder that nobody but the cluster's user can enter.
    let password = home.join("password");
    write_private(&password, secrets.database_admin.as_bytes())?;
    if let Some(user) = user {
        chown(&password, Some(user.uid), Some(user.gid))?;
    }
    let mut program = Program::new(tools.postgres_bin.join("initdb"));
    program.user = user.cloned();
    let outcome = program
        .argument("--pgdata")
        .argument(&data)
        .argument(format!("--username={ADMIN}"))
        .argument("--auth=scram-sha-256")
        .argument("--pwfile")
        .argument(&password)
        .argument("--encoding=UTF8")
        .argument("--locale=C.UTF-8")
        .argument("--data-checksums")
        .command()
        .output();
    std::fs::remove_file(&password).with_context(|| format!("remove {}", password.display()))?;
    let output = outcome.context("run initdb")?;
    std::fs::write(folder.logs().join("initdb.log"), [&output.stdout[..], &output.stderr[..]].concat())?;
    if !output.status.success() {
        bail!("initdb: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    std::fs::write(home.join("complete"), "initdb came to its end\n").context("mark the cluster as complete")
}

/// Removes the lock file of a server that is gone. PostgreSQL does so itself, except where the old number
/// was given to another process of the same user, as happens when a container starts again.
fn remove_stale_lock(data: &Path) -> Result<()> {
    let lock = data.join("postmaster.pid");
    let Ok(text) = std::fs::read_to_string(&lock) else { return Ok(()) };
    let pid = text.lines().next().unwrap_or_default().trim();
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.trim() == "postgres" && std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data) {
        bail!("another PostgreSQL (process {pid}) runs on {}; stop it first", data.display());
    }
    std::fs::remove_file(&lock).with_context(|| format!("remove the stale {}", lock.display()))
}

/// Creates the roles and Assay's own database where they are missing, and sets the roles' passwords to
/// what the folder says. Safe to repeat; what the roles may do inside the database is the migrations' business.
pub async fn provision(port: u16, secrets: &Secrets) -> Result<()> {
    let admin = connect(&admin_url(port, secrets, "postgres")).await?;
    let logins = [
        Login { role: "assay_owner", password: &secrets.database_owner },
        Login { role: "assay_service", password: &secrets.database_service },
        Login { role: "assay_relay", password: &secrets.database_relay },
        Login { role: "temporal", password: &secrets.database_temporal },
    ];
    for Login { role, password } in logins {
        let known = admin.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role]).await?.is_some();
        if !known {
            // Role names are constants above and passwords are letters and digits, so nothing needs quoting.
            let sql = format!("CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{password}'");
            admin.batch_execute(&sql).await.with_context(|| format!("create the role {role}"))?;
        }
    }
    create_database(&admin, "assay", "assay_owner").await?;
    admin
        .batch_execute("REVOKE ALL ON DATABASE assay FROM PUBLIC; GRANT CONNECT ON DATABASE assay TO assay_service, assay_relay")
        .await
        .context("close the database to other roles")
}

/// Creates a database that belongs to `owner`, unless it is there.
pub async fn create_database(admin: &Client, name: &str, owner: &str) -> Result<()> {
    if admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await?.is_none() {
        let sql = format!("CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'");
        admin.batch_execute(&sql).await.with_context(|| format!("create the database {name}"))?;
    }
    Ok(())
}

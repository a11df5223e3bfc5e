//! Temporal's two databases and their tables, applied with the schema tool of the server's own version.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::postgres::{admin_url, connect, create_database};
use super::secrets::Secrets;
use super::tools::{Tools, version};

/// One database of Temporal, and the folder of its schema inside the tool.
#[derive(Clone, Copy)]
struct Database {
    name: &'static str,
    schema: &'static str,
}

const DATABASES: [Database; 2] = [
    Database { name: "temporal", schema: "postgresql/v12/temporal" },
    Database { name: "temporal_visibility", schema: "postgresql/v12/visibility" },
];

/// What has to be done to a database.
#[derive(Debug, PartialEq, Eq)]
enum Work {
    Nothing,
    Update,
    Create,
}

/// Brings both databases to the server's version. The comment on each database says which version that is:
/// it is written last, and no server runs before it is, so a database without one may be made anew.
pub async fn apply(tools: &Tools, port: u16, secrets: &Secrets, logs: &Path) -> Result<()> {
    let [main, visibility] = DATABASES;
    tokio::try_join!(apply_one(tools, port, secrets, logs, main), apply_one(tools, port, secrets, logs, visibility))?;
    Ok(())
}

async fn apply_one(tools: &Tools, port: u16, secrets: &Secrets, logs: &Path, database: Database) -> Result<()> {
    let Database { name, schema } = database;
    let current = format!("assay: temporal schema {}", version("TEMPORAL_SERVER_VERSION")?);
    let admin = connect(&admin_url(port, secrets, "postgres")).await?;
    let comment = admin
        .query_opt("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", &[&name])
        .await?
        .and_then(|row| row.get::<_, Option<String>>(0));
    let work = decide(comment.as_deref(), &current);
    if work == Work::Nothing {
        return Ok(());
    }
    let log = logs.join(format!("{name}-schema.log"));
    let tool = SchemaTool { path: &tools.temporal_sql_tool, port, password: &secrets.database_temporal, database: name, log: &log };
    if work == Work::Create {
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        admin.batch_execute(&drop).await.with_context(|| format!("clear the half-made database {name}"))?;
        create_database(&admin, name, "temporal").await?;
        tool.run(&["setup-schema", "-v", "0.0"]).await?;
    }
    tool.run(&["update-schema", "-s", schema]).await?;
    let mark = format!("COMMENT ON DATABASE {name} IS '{current}'");
    admin.batch_execute(&mark).await.with_context(|| format!("mark the database {name} as complete"))
}

fn decide(comment: Option<&str>, current: &str) -> Work {
    match comment {
        Some(comment) if comment == current => Work::Nothing,
        Some(_) => Work::Update,
        None => Work::Create,
    }
}

struct SchemaTool<'a> {
    path: &'a Path,
    port: u16,
    password: &'a str,
    database: &'a str,
    log: &'a Path,
}

impl SchemaTool<'_> {
    async fn run(&self, action: &[&str]) -> Result<()> {
        let output = Command::new(self.path)
            .env_clear()
            // By environment, because arguments can be read by every user of the machine.
            .env("SQL_PASSWORD", self.password)
            .args(["--plugin", "postgres12", "--endpoint", "127.0.0.1", "--user", "temporal"])
            .args(["--port", &self.port.to_string(), "--database", self.database])
            .args(action)
            .kill_on_drop(true)
            .output()
            .await
            .context("run the Temporal schema tool")?;
        std::fs::write(self.log, [&output.stdout[..], &output.stderr[..]].concat())?;
        if !output.status.success() {
            bail!("Temporal schema tool, {} of {}: {}; see {}", action[0], self.database, output.status, self.log.display());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_that_was_never_completed_is_made_anew() {
        assert_eq!(decide(Some("v2"), "v2"), Work::Nothing);
        assert_eq!(decide(Some("v1"), "v2"), Work::Update);
        assert_eq!(decide(None, "v2"), Work::Create);
    }
}

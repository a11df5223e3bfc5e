//! `assay audit`: proves that no tenant's audit chain was changed, and hands it out.

use std::process::ExitCode;

use anyhow::{Context, Result};
use domain::id::TenantId;
use store::RelayTx;

use crate::build;
use crate::config::{self, Database};

/// Links exported at a time.
const BATCH: i64 = 1_000;

/// What to do with the audit chain.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Check every link, and name the first bad one. Exits with 1 when there is one
    Verify {
        /// Only this tenant; all when not given
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Print a tenant's chain, one JSON object a line
    Export {
        #[arg(long)]
        tenant: String,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> Result<ExitCode> {
    let database = config::read(&config::environment, Database::read)?;
    let store = build::store(&database)?;
    let mut tx = store.begin_relay().await?;
    match command {
        Command::Verify { tenant } => verify(&mut tx, tenant).await,
        Command::Export { tenant } => export(&mut tx, &tenant).await,
    }
}

async fn verify(tx: &mut RelayTx, only: Option<String>) -> Result<ExitCode> {
    let tenants = match only {
        Some(name) => vec![(named(tx, &name).await?, name)],
        None => store::tenant::list(tx).await?.into_iter().map(|row| (row.id, row.name)).collect(),
    };
    let mut whole = true;
    for (id, name) in tenants {
        let report = store::audit::verify(tx, id).await?;
        match &report.first_bad {
            None => println!("{name} ({id}): {} links, whole", report.links),
            Some(bad) => println!("{name} ({id}): {} links are good, link {} is not: {:?}", report.links, bad.seq, bad.fault),
        }
        whole &= report.is_whole();
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn export(tx: &mut RelayTx, name: &str) -> Result<ExitCode> {
    let tenant = named(tx, name).await?;
    let mut after = 0;
    loop {
        let links = store::audit::export(tx, tenant, after, BATCH).await?;
        for link in &links {
            println!("{}", serde_json::to_string(link).context("write a link as JSON")?);
        }
        match links.last() {
            Some(last) => after = last.seq,
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn named(tx: &mut RelayTx, name: &str) -> Result<TenantId> {
    Ok(store::tenant::by_name(tx, name).await?.with_context(|| format!("there is no tenant {name}"))?.id)
}

//! `assay migrate`: makes everything that must be there before a role starts. Safe to run again, and beside itself.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::config::{self, Database, Objects, Temporal};
use crate::{build, temporal};

/// Brings tables, namespace, search attributes and bucket up to date.
pub async fn run() -> Result<ExitCode> {
    let (owner_url, temporal, objects) =
        config::read(&config::environment, |reader| (Database::read_owner(reader), Temporal::read(reader), Objects::read(reader)))?;
    let applied = store::migrate(&owner_url).await.context("bring the tables up to date")?;
    match applied.len() {
        0 => println!("migrate: tables are up to date"),
        count => println!("migrate: {count} migrations applied"),
    }
    // The two do not need each other, and the namespace takes seconds to appear.
    let (engine, bucket) = tokio::join!(temporal::prepare(&temporal), async { build::objects(&objects).ensure_bucket().await });
    engine.context("prepare Temporal")?;
    println!("migrate: namespace {} and its search attributes are there", temporal.namespace);
    bucket.context("prepare the S3 store")?;
    println!("migrate: bucket {} is there", objects.bucket);
    Ok(ExitCode::SUCCESS)
}

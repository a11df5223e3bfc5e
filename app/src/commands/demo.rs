//! `assay demo`: starts everything, verifies the bundled samples through the public API, prints the verdicts, stops everything.

pub mod samples;
pub mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use domain::policy::{Policy, ReviewRule};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use store::api_key::KeyGrant;

use crate::client::{Client, Refused};
use crate::stack::{Stack, StackOptions};
use crate::{build, config};

use samples::{Expected, Sample};
use table::Row;

/// Samples in flight: enough to keep a small machine busy, few enough that each one's time still says something.
const AT_A_TIME: usize = 2;
/// No sample takes longer; the slowest is a long PDF.
const PATIENCE: Duration = Duration::from_secs(180);

/// Options of `assay demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Folder of the samples and their manifest
    #[arg(long, default_value = "samples")]
    pub samples: PathBuf,
    /// Folder of data, logs and secrets
    #[arg(long, default_value = ".assay/demo")]
    pub folder: PathBuf,
    /// Only samples whose name contains this
    #[arg(long)]
    pub only: Option<String>,
}

/// Runs the demo. Fails if any sample comes out otherwise than its manifest says.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let samples = samples::read(&arguments.samples, arguments.only.as_deref())?;
    let stack = Stack::start(StackOptions {
        ui: false,
        notify: Arc::new(|sentence| eprintln!("demo: {sentence}")),
        ..StackOptions::new(&arguments.folder)
    })
    .await?;
    eprintln!("demo: everything is up after {:.1} s, verifying {} samples", began.elapsed().as_secs_f64(), samples.len());
    let rows = verify_all(&stack, samples).await;
    stack.stop().await?;
    let rows = rows?;
    print!("{}", table::render(&rows));
    let right = rows.iter().filter(|row| row.surprises.is_empty()).count();
    println!("demo: {right} of {} as expected in {:.1} s", rows.len(), began.elapsed().as_secs_f64());
    Ok(if right == rows.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn verify_all(stack: &Stack, samples: Vec<Sample>) -> Result<Vec<Row>> {
    let endpoints = stack.endpoints();
    let key = key_without_review(&endpoints.database_service_url, &endpoints.database_relay_url).await?;
    let client = Client::new(&endpoints.gateway_url, &key)?;
    let bar = ProgressBar::new(samples.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:30} {pos} of {len}  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut rows: Vec<(usize, Row)> = futures::stream::iter(samples.into_iter().enumerate())
        .map(|(index, sample)| {
            let (client, bar) = (client.clone(), bar.clone());
            async move {
                let row = verify(&client, sample).await;
                bar.set_message(row.sample.clone());
                bar.inc(1);
                if bar.is_hidden() {
                    eprintln!("demo: {} {}", row.sample, row.verdict);
                }
                (index, row)
            }
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    bar.finish_and_clear();
    rows.sort_by_key(|(index, _)| *index);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// A tenant for this run whose results are final without a person: nobody sits at the demo's desk.
pub(crate) async fn key_without_review(service_url: &str, relay_url: &str) -> Result<String> {
    let database = config::Database { url: service_url.to_owned(), relay_url: relay_url.to_owned(), pool_size: 2 };
    let store = build::store(&database)?;
    let mut tx = store.begin_relay().await?;
    let tenant = store::tenant::create(
        &mut tx,
        &format!("demo {}", uuid::Uuid::now_v7()),
        &Policy { review: ReviewRule::Never, ..Policy::default() },
    )
    .await?;
    let key = store::api_key::generate(true);
    let grant = KeyGrant { name: "demo".to_owned(), scopes: domain::scope::ALL.map(str::to_owned).to_vec(), expires_at: None };
    store::api_key::create(&mut tx, tenant, &key, &grant, "operator:demo").await?;
    tx.commit().await?;
    Ok(key.plain_text)
}

async fn verify(client: &Client, sample: Sample) -> Row {
    let began = Instant::now();
    let outcome = tokio::time::timeout(PATIENCE, outcome(client, &sample))
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no result within {} s", PATIENCE.as_secs())));
    let seconds = began.elapsed().as_secs_f64();
    match outcome {
        Ok(Outcome::Verified(verification)) => Row::verified(&sample, &verification, seconds),
        Ok(Outcome::Refused(refused)) => Row::refused(&sample, &refused, seconds),
        Err(error) => Row::failed(&sample, &error, seconds),
    }
}

enum Outcome {
    Verified(Box<Value>),
    Refused(Refused),
}

async fn outcome(client: &Client, sample: &Sample) -> Result<Outcome> {
    let mut evidence = Vec::new();
    for file in &sample.files {
        match client.upload(file).await {
            Ok(id) => evidence.push(id),
            Err(error) => {
                return match error.downcast::<Refused>() {
                    Ok(refused) if matches!(sample.expect, Expected::Http(_)) => Ok(Outcome::Refused(refused)),
                    Ok(refused) => Err(refused).with_context(|| format!("upload {}", file.display())),
                    Err(error) => Err(error),
                };
            }
        }
    }
    let started = client.start(&uuid::Uuid::now_v7().to_string(), &sample.claim_type, &sample.claim, &evidence).await?;
    let id = started["id"].as_str().context("the answer has no id")?;
    let is_over = |verification: &Value| matches!(verification["status"].as_str(), Some("final" | "canceled" | "expired" | "failed"));
    Ok(Outcome::Verified(Box::new(client.until(id, is_over).await?)))
}

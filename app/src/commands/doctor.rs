//! `assay doctor`: what is configured, what answers, what runs, and what to do about the rest.

mod running;

use std::process::ExitCode;

use anyhow::{Context, Result};
use review_ui::oidc;
use store::tenant;

use crate::config::{self, Database, Objects, Reader, ReviewUi, Temporal};
use crate::stack::Tools;
use crate::{build, temporal};

const PROVIDER: &str = "Sign-in provider";
/// The one variable that `make up` sets for each role apart.
const OPS_LISTEN: &str = "ASSAY_OPS_LISTEN";

/// Prints everything; fails if a role could not work with it.
pub async fn run() -> Result<ExitCode> {
    println!("assay {}", env!("CARGO_PKG_VERSION"));
    println!("\nConfiguration, as this shell has it (a role may have been started with other values):");
    for variable in config::variables() {
        let value = match (config::environment(variable.name), variable.default) {
            (Some(_), _) if variable.secret => "(set)".to_owned(),
            (Some(value), _) => value,
            (None, Some("")) => "(not set)".to_owned(),
            // Roles of one machine cannot share it, so no shell can know it for all of them.
            (None, Some(default)) if variable.name == OPS_LISTEN => format!("{default} (default; `make up` gives each role its own)"),
            (None, Some(default)) => format!("{default} (default)"),
            (None, None) => "(not set)".to_owned(),
        };
        println!("  {:<32} {value}\n  {:<32} {}", variable.name, "", variable.purpose);
    }
    println!("\nTools of one machine:");
    let tools = match Tools::find() {
        Ok(_) => Finding::well("PostgreSQL, Temporal server, Web UI, versitygw", "found".to_owned()),
        Err(error) => Finding::advice("PostgreSQL, Temporal server, Web UI, versitygw", format!("{error:#}")),
    };
    tools.print();
    match activities::reading::tesseract_version() {
        Ok(version) => Finding::well("Tesseract", version).print(),
        Err(error) => {
            Finding::advice("Tesseract", format!("{error}; every worker needs it, because results are kept under its version")).print()
        }
    }
    println!("\nServices:");
    let mut findings = vec![database().await, objects().await, engine().await];
    findings.extend(provider().await);
    for finding in &findings {
        finding.print();
    }
    println!("\nRunning, as the installation last told of itself (the desk's Operations page shows the same):");
    running::print().await;
    let sick = findings.iter().any(|finding| finding.sick);
    Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The way in through an organisation's provider; nothing where there is none.
async fn provider() -> Option<Finding> {
    let check = async {
        let Some(settings) = section(ReviewUi::read)?.oidc else { return Ok(None) };
        let back = oidc::callback(&settings.public_url)?.to_string();
        let provider = oidc::Provider::new(settings)?;
        let known = provider.discovered().await?;
        let also = if known.ends_sessions() { ", ends sessions of its own" } else { "" };
        let mut sentence = format!("answers, {} keys{also}; it must send people back to {back}", known.key_count());
        for tenant in unknown(&provider.settings().roles).await {
            sentence.push_str(&format!("; ASSAY_REVIEW_UI_OIDC_ROLES speaks of {tenant}, which is no tenant"));
        }
        anyhow::Ok(Some(sentence))
    };
    match check.await {
        Ok(sentence) => sentence.map(|sentence| Finding::well(PROVIDER, sentence)),
        Err(error) => Some(Finding::sick(PROVIDER, &error, "Until then nobody signs in through it; accounts with a password work.")),
    }
}

/// Tenants that groups are mapped to and that do not exist, as far as the database answers.
async fn unknown(roles: &oidc::RoleMap) -> Vec<String> {
    let check = async {
        let store = build::store(&section(Database::read)?)?;
        let mut tx = store.begin_relay().await?;
        let mut unknown = Vec::new();
        for name in roles.tenants() {
            if tenant::by_name(&mut tx, name).await?.is_none() {
                unknown.push(name.to_owned());
            }
        }
        anyhow::Ok(unknown)
    };
    // That it does not answer is a finding of its own.
    check.await.unwrap_or_default()
}

/// What was found about one thing.
struct Finding {
    subject: &'static str,
    sentence: String,
    sick: bool,
}

impl Finding {
    fn well(subject: &'static str, sentence: String) -> Self {
        Self { subject, sentence, sick: false }
    }

    fn advice(subject: &'static str, sentence: String) -> Self {
        Self { subject, sentence, sick: false }
    }

    fn sick(subject: &'static str, error: &anyhow::Error, todo: &str) -> Self {
        Self { subject, sentence: format!("{error:#}. {todo}"), sick: true }
    }

    fn print(&self) {
        println!("  {}: {}", self.subject, self.sentence);
    }
}

/// Reads one section, or says what is missing.
fn section<T>(read: impl FnOnce(&mut Reader) -> T) -> Result<T> {
    Ok(config::read(&config::environment, read)?)
}

async fn database() -> Finding {
    let check = async {
        let store = build::store(&section(Database::read)?)?;
        let version = store.server_version().await?;
        drop(store.begin_relay().await.context("as the role of ASSAY_DATABASE_RELAY_URL")?);
        anyhow::Ok(version)
    };
    match check.await {
        Ok(version) => Finding::well("PostgreSQL", format!("answers, server {version}")),
        Err(error) => Finding::sick("PostgreSQL", &error, "Start it with `make up`, or set ASSAY_DATABASE_URL; then `assay migrate`."),
    }
}

async fn objects() -> Finding {
    let check = async {
        build::objects(&section(Objects::read)?).ping().await?;
        anyhow::Ok(())
    };
    match check.await {
        Ok(()) => Finding::well("S3 store", "answers, and the bucket is there".to_owned()),
        Err(error) => {
            Finding::sick("S3 store", &error, "Start it with `make up`, or set ASSAY_OBJECTS_ENDPOINT and its keys; then `assay migrate`.")
        }
    }
}

async fn engine() -> Finding {
    let check = async {
        let config = section(Temporal::read)?;
        let client = temporal::connect(&config).await?;
        temporal::server_version(&client).await
    };
    match check.await {
        Ok(version) => Finding::well("Temporal", format!("answers, server {version}")),
        Err(error) => Finding::sick("Temporal", &error, "Start it with `make up`, or set ASSAY_TEMPORAL_ADDRESS; then `assay migrate`."),
    }
}

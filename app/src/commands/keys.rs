//! `assay keys`: tenants and their API keys.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use domain::policy::{Policy, ReviewRule};
use store::api_key::KeyGrant;

use crate::build;
use crate::config::{self, Database};

/// Who the audit trail names for what is done here.
const ACTOR: &str = "operator:cli";

/// What to do with keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Make a key, and its tenant where there is none of that name. The key is printed once and cannot be shown again
    Create {
        /// Name of the tenant
        #[arg(long)]
        tenant: String,
        /// What the key is for
        #[arg(long, default_value = "api")]
        name: String,
        /// What it may do, separated by commas; everything when not given
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// For a new tenant: when a person decides (never, when-unsure, always)
        #[arg(long, value_enum, default_value = "when-unsure")]
        review: Review,
    },
    /// List a tenant's keys without their secrets
    List {
        #[arg(long)]
        tenant: String,
    },
    /// Revoke a key by its id
    Revoke {
        #[arg(long)]
        tenant: String,
        /// As `assay keys list` prints it
        id: domain::id::KeyId,
    },
}

/// The review rule of a new tenant.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Review {
    Never,
    WhenUnsure,
    Always,
}

/// Runs one of them.
pub async fn run(command: Command) -> Result<ExitCode> {
    let database = config::read(&config::environment, Database::read)?;
    let store = build::store(&database)?;
    let mut tx = store.begin_relay().await?;
    match command {
        Command::Create { tenant, name, scopes, review } => {
            let id = match store::tenant::by_name(&mut tx, &tenant).await? {
                Some(row) => row.id,
                None => store::tenant::create(&mut tx, &tenant, &policy(review)).await?,
            };
            let scopes = if scopes.is_empty() { domain::scope::ALL.map(str::to_owned).to_vec() } else { scopes };
            if let Some(unknown) = scopes.iter().find(|scope| !domain::scope::ALL.contains(&scope.as_str())) {
                bail!("`{unknown}` is not a scope; scopes are {}", domain::scope::ALL.join(", "));
            }
            let key = store::api_key::generate(true);
            store::api_key::create(&mut tx, id, &key, &KeyGrant { name, scopes, expires_at: None }, ACTOR).await?;
            tx.commit().await?;
            // The key alone on standard output, so that a script can take it.
            eprintln!("keys: made for tenant {tenant} ({id}); it is shown only now");
            println!("{}", key.plain_text);
        }
        Command::List { tenant } => {
            let row = store::tenant::by_name(&mut tx, &tenant).await?.with_context(|| format!("there is no tenant {tenant}"))?;
            for key in store::api_key::list(&mut tx, row.id).await? {
                let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
                println!("{}  {}  {}  {}", key.id, key.prefix, state, key.name);
            }
        }
        Command::Revoke { tenant, id } => {
            let row = store::tenant::by_name(&mut tx, &tenant).await?.with_context(|| format!("there is no tenant {tenant}"))?;
            let mut tx = store.begin(row.id).await?;
            if !store::api_key::revoke(&mut tx, id, ACTOR).await? {
                bail!("{tenant} has no such key");
            }
            tx.commit().await?;
            println!("keys: {id} is revoked; gateways forget it within half a minute");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn policy(review: Review) -> Policy {
    let review = match review {
        Review::Never => ReviewRule::Never,
        Review::WhenUnsure => ReviewRule::WhenUnsure,
        Review::Always => ReviewRule::Always,
    };
    Policy { review, ..Policy::default() }
}

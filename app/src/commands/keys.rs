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
        #[arg(long, value_parser = tenant_name)]
        tenant: String,
        /// What the key is for
        #[arg(long, default_value = "api")]
        name: String,
        /// What it may do, separated by commas; everything when not given
        #[arg(long, value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(domain::scope::ALL))]
        scopes: Vec<String>,
        /// For a new tenant: when a person decides; when-unsure if not given. A tenant that exists keeps its policy
        #[arg(long, value_enum)]
        review: Option<Review>,
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
                Some(row) => {
                    if review.is_some() {
                        let kept = word(row.policy.review);
                        eprintln!(
                            "keys: tenant {tenant} was there before and keeps its policy, {kept}; --review counts only for a new one"
                        );
                    }
                    row.id
                }
                None => store::tenant::create(&mut tx, &tenant, &policy(review.unwrap_or(Review::WhenUnsure))).await?,
            };
            let scopes = if scopes.is_empty() { domain::scope::ALL.map(str::to_owned).to_vec() } else { scopes };
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

/// The rule as `--review` spells it.
fn word(rule: ReviewRule) -> &'static str {
    match rule {
        ReviewRule::Never => "never",
        ReviewRule::WhenUnsure => "when-unsure",
        ReviewRule::Always => "always",
    }
}

fn tenant_name(text: &str) -> Result<String, String> {
    let wordless = !text.chars().any(char::is_alphanumeric);
    if wordless || text.trim() != text || text.chars().any(char::is_control) {
        return Err("a tenant's name is one line with a letter or digit in it, and no space at its ends".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    fn refusal(line: &[&str]) -> String {
        Line::try_parse_from([&["keys", "create"], line].concat()).expect_err("it is refused").to_string()
    }

    #[test]
    fn names_and_scopes_that_cannot_be_are_refused_with_what_can() {
        for name in ["", "  ", " acme", "\u{7}", "--"] {
            assert!(refusal(&[&format!("--tenant={name}")]).contains("letter or digit"), "{name:?}");
        }
        assert!(refusal(&["--tenant", "acme", "--scopes", "evidence:read,nonsense"]).contains("verifications:write"));
    }

    #[test]
    fn a_review_rule_is_known_only_where_it_was_given() {
        for (line, expected) in [(&["--tenant", "acme"][..], false), (&["--tenant", "acme", "--review", "never"], true)] {
            let parsed = Line::try_parse_from([&["keys", "create"], line].concat()).expect("it is taken");
            assert!(matches!(parsed.command, Command::Create { review, .. } if review.is_some() == expected));
        }
    }
}

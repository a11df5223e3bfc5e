//! `assay users`: people who sign in to the review desk, most of all with an account of this installation. What is asked for and cannot be done
//! ends with exit code 65 and a line that says what to do.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, Result};
use domain::id::UserId;
use domain::person::Role;
use rand::Rng;
use review_ui::password;
use store::{session, tenant, user};

use super::verify::REFUSED;
use crate::build;
use crate::config::{self, Database};

/// Who the audit trail names for what is done here.
const ACTOR: &str = "operator:cli";
/// Without the letters and digits that look alike.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Of a drawn password: 100 bits.
const DRAWN: usize = 20;

/// What to do with people.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Make an account for somebody who belongs to a tenant. Its password is read from standard input, or drawn and printed once
    Create {
        /// Name of the tenant; it must exist, see `assay keys create`
        #[arg(long)]
        tenant: String,
        /// That nobody has an account with yet
        #[arg(long)]
        email: String,
        /// How the tenant's other people see them
        #[arg(long)]
        name: String,
        /// reviewer, lead, operator or auditor; several are separated by commas
        #[arg(long, value_delimiter = ',', default_value = "reviewer", value_parser = role)]
        role: Vec<Role>,
    },
    /// Say what somebody with an account is for a tenant, in place of what they were there
    Enlist {
        /// Name of the tenant
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        email: String,
        /// How the tenant's other people see them; who belongs to it already keeps the name that they have there
        #[arg(long)]
        name: Option<String>,
        /// As above; these alone from now on
        #[arg(long, value_delimiter = ',', required = true, value_parser = role)]
        role: Vec<Role>,
    },
    /// Give a person a new password, read or drawn as above; their sessions end
    Password {
        #[arg(long)]
        email: String,
    },
    /// List every tenant's people, or one's
    List {
        /// Name of the tenant
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Let a person in no more, by password or through a provider; their sessions end
    Disable(Who),
    /// Let a disabled person in again
    Enable(Who),
}

/// Somebody, however they come in.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Who {
    /// Of a local account, or as the provider gave it last
    #[arg(long)]
    email: Option<String>,
    /// As `assay users list` shows it
    #[arg(long)]
    id: Option<UserId>,
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| format!("roles are {}", Role::ALL.map(Role::as_str).join(", ")))
}

/// What was asked for cannot be done; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

fn refused(why: impl Into<String>) -> anyhow::Error {
    Refused(why.into()).into()
}

/// Runs one of them.
pub async fn run(command: Command) -> Result<ExitCode> {
    match act(command).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let refused = error.downcast::<Refused>()?;
            eprintln!("users: {refused}");
            Ok(ExitCode::from(REFUSED))
        }
    }
}

async fn act(command: Command) -> Result<()> {
    let database = config::read(&config::environment, Database::read)?;
    let store = build::store(&database)?;
    let mut tx = store.begin_relay().await?;
    match command {
        Command::Create { tenant, email, name, role } => {
            let of = there(&mut tx, &tenant).await?;
            let email = address(&email)?;
            let name = named(&name)?;
            if user::by_email(&mut tx, &email).await?.is_some() {
                return Err(taken(&email, &tenant));
            }
            let given = read_password()?;
            let hash = password::hash(&given.text).context("hash the password")?;
            let (id, made) = user::ensure(&mut tx, &email, Some(&hash)).await?;
            if !made {
                return Err(taken(&email, &tenant));
            }
            user::enlist(&mut tx, of.id, id, name, &role, ACTOR).await?;
            tx.commit().await?;
            eprintln!("users: {email} ({id}) is {} of {tenant}", listed(&role));
            tell(given);
        }
        Command::Enlist { tenant, email, name, role } => {
            let of = there(&mut tx, &tenant).await?;
            let row = known(&mut tx, &email).await?;
            let name = name.as_deref().map(named).transpose()?;
            let before = user::memberships(&mut tx, row.id).await?.into_iter().find(|member| member.tenant_id == of.id);
            let own = before.as_ref().map(|member| member.name.as_str());
            let Some(name) = name.or(own) else {
                return Err(refused(format!("{email} does not belong to {tenant} yet; say with --name how its other people see them")));
            };
            user::enlist(&mut tx, of.id, row.id, name, &role, ACTOR).await?;
            tx.commit().await?;
            let before = before.as_ref().map_or_else(String::new, |member| format!(", and was {} before", listed(&member.roles)));
            eprintln!("users: {email} ({}) is {} of {tenant}{before}", row.id, listed(&role));
        }
        Command::Password { email } => {
            let row = known(&mut tx, &email).await?;
            let given = read_password()?;
            user::set_password(&mut tx, row.id, &password::hash(&given.text).context("hash the password")?).await?;
            session::close_all(&mut tx, row.id).await?;
            tx.commit().await?;
            eprintln!("users: {email} has a new password, and is signed out everywhere");
            tell(given);
        }
        Command::List { tenant } => {
            let of = match &tenant {
                Some(name) => Some(there(&mut tx, name).await?.id),
                None => None,
            };
            let people = user::list(&mut tx).await?.into_iter();
            for (person, member) in people.filter(|(_, member)| of.is_none_or(|of| member.tenant_id == of)) {
                let roles: Vec<&str> = member.roles.iter().map(|role| role.as_str()).collect();
                let state = if person.disabled_at.is_some() { "disabled" } else { "active" };
                let way = if person.issuer.is_some() { "provider" } else { "password" };
                println!(
                    "{}  {}  {}  {}  {}  {}  {}",
                    person.id,
                    member.tenant_name,
                    state,
                    way,
                    roles.join(","),
                    person.email,
                    member.name
                );
            }
        }
        Command::Disable(who) => change(tx, &who, true).await?,
        Command::Enable(who) => change(tx, &who, false).await?,
    }
    Ok(())
}

async fn there(tx: &mut store::RelayTx, name: &str) -> Result<tenant::TenantRow> {
    tenant::by_name(tx, name).await?.ok_or_else(|| refused(format!("there is no tenant {name}; `assay keys create` makes one")))
}

/// As accounts are found by it.
fn address(typed: &str) -> Result<String> {
    let email = typed.trim().to_lowercase();
    let (local, host) = email.split_once('@').unwrap_or_default();
    let odd = local.is_empty()
        || host.is_empty()
        || host.contains('@')
        || email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    if odd { Err(refused(format!("{typed:?} is no e-mail address"))) } else { Ok(email) }
}

fn named(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().any(char::is_control) { Err(refused("a person needs a name of one line")) } else { Ok(name) }
}

fn taken(email: &str, tenant: &str) -> anyhow::Error {
    refused(format!(
        "there is an account for {email} already, and nothing was changed. What they are for {tenant} is said by \
        `assay users enlist --tenant {tenant} --email {email} --role ...`, and `assay users password --email {email}` gives them another password"
    ))
}

fn listed(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

async fn change(mut tx: store::RelayTx, who: &Who, disabled: bool) -> Result<()> {
    let row = find(&mut tx, who).await?;
    user::set_disabled(&mut tx, row.id, disabled).await?;
    tx.commit().await?;
    let name = if row.email.is_empty() { row.id.to_string() } else { row.email };
    eprintln!("users: {name} is {}", if disabled { "disabled, and signed out everywhere" } else { "let in again" });
    Ok(())
}

/// An address may be that of a local account and of people of a provider at once; then only an id says who is meant.
async fn find(tx: &mut store::RelayTx, who: &Who) -> Result<user::UserRow> {
    if let Some(id) = who.id {
        return user::get(tx, id).await?.ok_or_else(|| refused(format!("there is no person {id}")));
    }
    let email = who.email.as_deref().unwrap_or_default();
    let mut people = user::provider::by_email(tx, email).await?;
    people.extend(user::by_email(tx, email).await?);
    if people.len() > 1 {
        let ids: Vec<String> = people.iter().map(|row| row.id.to_string()).collect();
        return Err(refused(format!("{email} is the address of {} people; say which by --id: {}", ids.len(), ids.join(", "))));
    }
    people.pop().ok_or_else(|| refused(format!("there is no person {email}")))
}

async fn known(tx: &mut store::RelayTx, email: &str) -> Result<user::UserRow> {
    user::by_email(tx, email).await?.ok_or_else(|| refused(format!("there is no account of this installation for {email}")))
}

struct Password {
    text: String,
    drawn: bool,
}

/// The first line of standard input when something is piped in, or a password drawn at random.
fn read_password() -> Result<Password> {
    let mut text = String::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin().read_to_string(&mut text).context("read the password from standard input")?;
    }
    let text = text.lines().next().unwrap_or_default().to_owned();
    if text.is_empty() {
        let mut random = rand::rng();
        let text = (0..DRAWN).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect();
        return Ok(Password { text, drawn: true });
    }
    if !password::LENGTH.contains(&text.chars().count()) {
        return Err(refused(format!("a password has {} to {} characters", password::LENGTH.start(), password::LENGTH.end())));
    }
    Ok(Password { text, drawn: false })
}

/// A drawn password alone on standard output, so that a script can take it.
fn tell(given: Password) {
    if given.drawn {
        eprintln!("users: the password is shown only now");
        println!("{}", given.text);
    }
}

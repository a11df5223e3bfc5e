//! `assay users`: people who sign in to the review desk, most of all with an account of this installation.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use domain::id::UserId;
use domain::person::Role;
use rand::Rng;
use review_ui::password;
use store::{session, tenant, user};

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
    /// Make a person of a tenant, or say anew what they are there. A new person's password is read from standard input, or drawn and printed once
    Create {
        /// Name of the tenant; it must exist, see `assay keys create`
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        email: String,
        /// How the tenant's other people see them
        #[arg(long)]
        name: String,
        /// reviewer, lead, operator or auditor; several are separated by commas
        #[arg(long, value_delimiter = ',', default_value = "reviewer", value_parser = role)]
        role: Vec<Role>,
    },
    /// Give a person a new password, read or drawn as above; their sessions end
    Password {
        #[arg(long)]
        email: String,
    },
    /// List every tenant's people
    List,
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

/// Runs one of them.
pub async fn run(command: Command) -> Result<ExitCode> {
    let database = config::read(&config::environment, Database::read)?;
    let store = build::store(&database)?;
    let mut tx = store.begin_relay().await?;
    match command {
        Command::Create { tenant, email, name, role } => {
            let row = tenant::by_name(&mut tx, &tenant).await?.with_context(|| format!("there is no tenant {tenant}"))?;
            if !email.contains('@') || name.trim().is_empty() {
                bail!("a person needs an e-mail address and a name");
            }
            let known = user::by_email(&mut tx, &email).await?;
            let given = if known.is_none() { Some(read_password()?) } else { None };
            let hash = given.as_ref().map(|given| password::hash(&given.text)).transpose().context("hash the password")?;
            let (id, _) = user::ensure(&mut tx, &email, hash.as_deref()).await?;
            user::enlist(&mut tx, row.id, id, name.trim(), &role, ACTOR).await?;
            tx.commit().await?;
            eprintln!("users: {email} ({id}) is {} of {tenant}", role.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "));
            tell(given);
        }
        Command::Password { email } => {
            let row = known(&mut tx, &email).await?;
            let given = read_password()?;
            user::set_password(&mut tx, row.id, &password::hash(&given.text).context("hash the password")?).await?;
            session::close_all(&mut tx, row.id).await?;
            tx.commit().await?;
            eprintln!("users: {email} has a new password, and is signed out everywhere");
            tell(Some(given));
        }
        Command::List => {
            for (person, member) in user::list(&mut tx).await? {
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
    Ok(ExitCode::SUCCESS)
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
        return user::get(tx, id).await?.with_context(|| format!("there is no person {id}"));
    }
    let email = who.email.as_deref().unwrap_or_default();
    let mut people = user::provider::by_email(tx, email).await?;
    people.extend(user::by_email(tx, email).await?);
    if people.len() > 1 {
        let ids: Vec<String> = people.iter().map(|row| row.id.to_string()).collect();
        bail!("{email} is the address of {} people; say which by --id: {}", ids.len(), ids.join(", "));
    }
    people.pop().with_context(|| format!("there is no person {email}"))
}

async fn known(tx: &mut store::RelayTx, email: &str) -> Result<user::UserRow> {
    user::by_email(tx, email).await?.with_context(|| format!("there is no account of this installation for {email}"))
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
        bail!("a password has {} to {} characters", password::LENGTH.start(), password::LENGTH.end());
    }
    Ok(Password { text, drawn: false })
}

/// A drawn password alone on standard output, so that a script can take it.
fn tell(given: Option<Password>) {
    if let Some(Password { text, drawn: true }) = given {
        eprintln!("users: the password is shown only now");
        println!("{text}");
    }
}

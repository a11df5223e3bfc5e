//! People whom an organisation's provider knows. What they are here follows from what it says at every sign-in, and from nothing else.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{TenantId, UserId};
use domain::person::Role;
use uuid::Uuid;

use super::{Membership, RAW, Raw, UserRow, enlist, memberships, read};
use crate::error::{StoreError, failed_to};
use crate::schema::{memberships as membership_rows, users};
use crate::sql::sql;
use crate::tx::RelayTx;

/// Who the audit trail names for roles that came from groups.
const ACTOR: &str = "provider:oidc";

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone, Copy)]
pub struct Vouched<'a> {
    pub issuer: &'a str,
    /// With the issuer, who they are.
    pub subject: &'a str,
    /// A label for people; empty when the provider does not tell it.
    pub email: &'a str,
    /// How the tenants' other people see them; never empty.
    pub name: &'a str,
}

/// Whether somebody may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// For these tenants, by the tenants' names.
    Admitted(Vec<Membership>),
    /// Nothing they are maps to a role. What they were here before has ended, and that is to be committed.
    NoRole,
    /// An operator disabled them.
    Disabled,
}

/// Makes the person, or finds them, and has their memberships follow: exactly these tenants, with exactly these roles.
pub async fn admit(tx: &mut RelayTx, person: &Vouched<'_>, roles: &BTreeMap<TenantId, Vec<Role>>) -> Result<Admission, StoreError> {
    let known = if roles.is_empty() { find(tx, person).await? } else { Some(ensure(tx, person).await?) };
    let Some((id, disabled_at)) = known else { return Ok(Admission::NoRole) };
    if disabled_at.is_some() {
        return Ok(Admission::Disabled);
    }
    let before = memberships(tx, id).await?;
    for member in before.iter().filter(|member| !roles.contains_key(&member.tenant_id)) {
        enlist(tx, member.tenant_id, id, person.name, &[], ACTOR).await?;
    }
    for (tenant, roles) in roles {
        let same = before.iter().any(|member| member.tenant_id == *tenant && member.roles == *roles);
        if !same {
            enlist(tx, *tenant, id, person.name, roles, ACTOR).await?;
        }
    }
    rename(tx, id, person.name).await?;
    match memberships(tx, id).await? {
        after if after.is_empty() => Ok(Admission::NoRole),
        after => Ok(Admission::Admitted(after)),
    }
}

/// People of any provider to whom it last gave this address. Several may have it, or have had it.
pub async fn by_email(tx: &mut RelayTx, email: &str) -> Result<Vec<UserRow>, StoreError> {
    let rows: Vec<Raw> = users::table
        .filter(users::email.eq(email.trim().to_lowercase()))
        .filter(users::issuer.is_not_null())
        .order(users::id)
        .select(RAW)
        .load(tx.connection()?)
        .await
        .map_err(failed_to("look people of a provider up"))?;
    Ok(rows.into_iter().map(read).collect())
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    disabled_at: Option<DateTime<Utc>>,
}

/// Locks the row, so that of two sign-ins at once the later one's groups count.
async fn find(tx: &mut RelayTx, person: &Vouched<'_>) -> Result<Option<(UserId, Option<DateTime<Utc>>)>, StoreError> {
    let known: Option<Known> = sql("select id, disabled_at from users where issuer = $1 and subject = $2 for update")
        .text(person.issuer)
        .text(person.subject)
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look a person of a provider up"))?;
    Ok(known.map(|known| (UserId(known.id), known.disabled_at)))
}

async fn ensure(tx: &mut RelayTx, person: &Vouched<'_>) -> Result<(UserId, Option<DateTime<Utc>>), StoreError> {
    // In small letters as the database makes them, which is what it checks.
    let known: Known = sql("insert into users (id, email, issuer, subject) values ($1, lower($2), $3, $4)
        on conflict (issuer, subject) do update set email = excluded.email returning id, disabled_at")
    .uuid(UserId::new().0)
    .text(person.email)
    .text(person.issuer)
    .text(person.subject)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("store a person of a provider"))?;
    Ok((UserId(known.id), known.disabled_at))
}

async fn rename(tx: &mut RelayTx, id: UserId, name: &str) -> Result<(), StoreError> {
    diesel::update(membership_rows::table.filter(membership_rows::user_id.eq(id.0)).filter(membership_rows::name.ne(name)))
        .set(membership_rows::name.eq(name))
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("rename a person"))
}

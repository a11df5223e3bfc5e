//! People who sign in, and what they are for which tenant. A person may belong to several, so only background work's role reaches accounts;
//! a tenant's own transactions read the names that its people have for it, and nothing else of them.

pub mod provider;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{TenantId, UserId};
use domain::person::Role;
use serde_json::json;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::{memberships, tenants, users};
use crate::sql::sql;
use crate::tx::{Change, RelayTx, TenantTx};
use crate::{session, wrong_password};

/// A person, as far as signing in goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    /// argon2id in PHC form; none for who comes through a provider.
    pub password_hash: Option<String>,
    /// The provider that knows them; none for a local account.
    pub issuer: Option<String>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// What a person is for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub tenant_id: TenantId,
    pub tenant_name: String,
    pub user_id: UserId,
    /// How the tenant's other people see them.
    pub name: String,
    pub roles: Vec<Role>,
}

/// How rows and audit links name a person.
pub fn actor(id: UserId) -> String {
    format!("user:{id}")
}

/// The person that an actor is, if it is one.
pub fn person(actor: &str) -> Option<UserId> {
    actor.strip_prefix("user:")?.parse().ok()
}

/// Whether rows name a person by this, and not a program.
pub fn is_person(actor: &str) -> bool {
    person(actor).is_some()
}

/// Makes a local account, or finds the one with this address. The password of one that is there stays.
pub async fn ensure(tx: &mut RelayTx, email: &str, password_hash: Option<&str>) -> Result<(UserId, bool), StoreError> {
    let email = email.trim().to_lowercase();
    let new = UserId::new();
    let made = sql("insert into users (id, email, password_hash) values ($1, $2, $3) on conflict (email) where issuer is null do nothing")
        .uuid(new.0)
        .text(&email)
        .maybe_text(password_hash)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("store a person"))?;
    if made == 1 {
        return Ok((new, true));
    }
    let row = by_email(tx, &email).await?.ok_or_else(|| StoreError::missing("find a person", "that address"))?;
    Ok((row.id, false))
}

/// Says what a person is for a tenant; whatever they were before is replaced. No roles end the membership.
pub async fn enlist(tx: &mut RelayTx, tenant: TenantId, id: UserId, name: &str, roles: &[Role], actor: &str) -> Result<(), StoreError> {
    let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    if roles.is_empty() {
        let mine = memberships::table.filter(memberships::tenant_id.eq(tenant.0)).filter(memberships::user_id.eq(id.0));
        diesel::delete(mine).execute(tx.connection()?).await.map_err(failed_to("end a membership"))?;
    } else {
        diesel::insert_into(memberships::table)
            .values((
                memberships::tenant_id.eq(tenant.0),
                memberships::user_id.eq(id.0),
                memberships::name.eq(name),
                memberships::roles.eq(&words),
            ))
            .on_conflict((memberships::tenant_id, memberships::user_id))
            .do_update()
            .set((memberships::name.eq(name), memberships::roles.eq(&words)))
            .execute(tx.connection()?)
            .await
            .map_err(failed_to("store a membership"))?;
    }
    tx.record(tenant, Change::of("user.enlisted", actor, id, json!({ "roles": words })));
    Ok(())
}

/// Replaces a person's password, and lets them try at once.
pub async fn set_password(tx: &mut RelayTx, id: UserId, password_hash: &str) -> Result<bool, StoreError> {
    let email: Option<String> = diesel::update(users::table.filter(users::id.eq(id.0)))
        .set(users::password_hash.eq(password_hash))
        .returning(users::email)
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("store a password"))?;
    let Some(email) = email else { return Ok(false) };
    wrong_password::forget(tx, &email).await?;
    Ok(true)
}

/// Lets a person in no more, or again. Their sessions are worth nothing from then on.
pub async fn set_disabled(tx: &mut RelayTx, id: UserId, disabled: bool) -> Result<bool, StoreError> {
    let at = disabled.then(Utc::now);
    let changed = diesel::update(users::table.filter(users::id.eq(id.0)))
        .set(users::disabled_at.eq(at))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("disable a person"))?;
    session::close_all(tx, id).await?;
    Ok(changed == 1)
}

/// The local account with this address, in whatever case it was typed. Never somebody of a provider, whose address proves nothing.
pub async fn by_email(tx: &mut RelayTx, email: &str) -> Result<Option<UserRow>, StoreError> {
    let raw: Option<Raw> = users::table
        .filter(users::email.eq(email.trim().to_lowercase()))
        .filter(users::issuer.is_null())
        .select(RAW)
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look a person up"))?;
    Ok(raw.map(read))
}

/// The person of that id, however they come in.
pub async fn get(tx: &mut RelayTx, id: UserId) -> Result<Option<UserRow>, StoreError> {
    let raw: Option<Raw> =
        users::table.filter(users::id.eq(id.0)).select(RAW).first(tx.connection()?).await.optional().map_err(failed_to("read a person"))?;
    Ok(raw.map(read))
}

/// What a person is, for every tenant they belong to, by the tenants' names.
pub async fn memberships(tx: &mut RelayTx, id: UserId) -> Result<Vec<Membership>, StoreError> {
    memberships_after(tx, id, "", i64::MAX).await
}

/// Like [`memberships`], of so many tenants at most whose names come after that one: for pages, which offer to change between them.
pub async fn memberships_after(tx: &mut RelayTx, id: UserId, after: &str, limit: i64) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(Uuid, String, String, Vec<String>)> = memberships::table
        .inner_join(tenants::table.on(tenants::id.eq(memberships::tenant_id)))
        .filter(memberships::user_id.eq(id.0))
        .filter(tenants::name.gt(after))
        .order(tenants::name)
        .limit(limit)
        .select((tenants::id, tenants::name, memberships::name, memberships::roles))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list a person's tenants"))?;
    Ok(rows.into_iter().map(|(tenant, tenant_name, name, words)| member(tenant, tenant_name, id, name, &words)).collect())
}

/// The people of every tenant, by tenant and address, for operators at the command line.
pub async fn list(tx: &mut RelayTx) -> Result<Vec<(UserRow, Membership)>, StoreError> {
    type Row = (Raw, (Uuid, String, String, Vec<String>));
    let rows: Vec<Row> = memberships::table
        .inner_join(tenants::table.on(tenants::id.eq(memberships::tenant_id)))
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .order((tenants::name, users::email))
        .select((RAW, (tenants::id, tenants::name, memberships::name, memberships::roles)))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list people"))?;
    let both = |(raw, (tenant, tenant_name, name, words)): Row| {
        let user = read(raw);
        let id = user.id;
        (user, member(tenant, tenant_name, id, name, &words))
    };
    Ok(rows.into_iter().map(both).collect())
}

/// The people of one tenant who are let in, by name.
pub async fn colleagues(tx: &mut RelayTx, tenant: TenantId) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(Uuid, String, String, Vec<String>)> = memberships::table
        .inner_join(tenants::table.on(tenants::id.eq(memberships::tenant_id)))
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::tenant_id.eq(tenant.0))
        .filter(users::disabled_at.is_null())
        .order((memberships::name, memberships::user_id))
        .select((memberships::user_id, tenants::name, memberships::name, memberships::roles))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list a tenant's people"))?;
    Ok(rows.into_iter().map(|(id, tenant_name, name, words)| member(tenant.0, tenant_name, UserId(id), name, &words)).collect())
}

/// The names of some of a tenant's people by how rows name them, see [`actor`]. Who is no person, or none of the tenant's, has none.
pub async fn names_of<'a>(
    tx: &mut TenantTx,
    actors: impl IntoIterator<Item = &'a str>,
) -> Result<std::collections::BTreeMap<String, String>, StoreError> {
    let mut ids: Vec<Uuid> = actors.into_iter().filter_map(person).map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<(Uuid, String)> = memberships::table
        .filter(memberships::tenant_id.eq(tx.tenant.0))
        .filter(memberships::user_id.eq_any(ids))
        .select((memberships::user_id, memberships::name))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read the names of people"))?;
    Ok(rows.into_iter().map(|(id, name)| (actor(UserId(id)), name)).collect())
}

/// The names of all of a tenant's people by how rows name them. Pages that show some of them use [`names_of`].
pub async fn names(tx: &mut TenantTx) -> Result<std::collections::BTreeMap<String, String>, StoreError> {
    let rows: Vec<(Uuid, String)> = memberships::table
        .filter(memberships::tenant_id.eq(tx.tenant.0))
        .select((memberships::user_id, memberships::name))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list the names of people"))?;
    Ok(rows.into_iter().map(|(id, name)| (actor(UserId(id)), name)).collect())
}

/// Keeps which keys a person chose for the desk, in the desk's own shape; nothing goes back to the defaults.
pub async fn set_desk_keys(tx: &mut RelayTx, id: UserId, keys: Option<serde_json::Value>) -> Result<(), StoreError> {
    diesel::update(users::table.filter(users::id.eq(id.0)))
        .set(users::desk_keys.eq(keys))
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("keep a person's keys"))
}

type Raw = (Uuid, String, Option<String>, Option<String>, Option<DateTime<Utc>>, DateTime<Utc>);

type Columns = (users::id, users::email, users::password_hash, users::issuer, users::disabled_at, users::created_at);

const RAW: Columns = (users::id, users::email, users::password_hash, users::issuer, users::disabled_at, users::created_at);

fn read((id, email, password_hash, issuer, disabled_at, created_at): Raw) -> UserRow {
    UserRow { id: UserId(id), email, password_hash, issuer, disabled_at, created_at }
}

pub(crate) fn member(tenant: Uuid, tenant_name: String, user_id: UserId, name: String, words: &[String]) -> Membership {
    let roles = words.iter().filter_map(|word| Role::parse(word)).collect();
    Membership { tenant_id: TenantId(tenant), tenant_name, user_id, name, roles }
}

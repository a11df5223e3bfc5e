//! Who is signed in. The browser holds a random token, the row its hash; any instance of the desk knows every session.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Json, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{TenantId, UserId};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::sessions;
use crate::sql::sql;
use crate::tx::{Change, RelayTx};
use crate::user::{self, Membership};

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub total: Duration,
}

/// A session as it begins.
#[derive(Clone)]
pub struct NewSession {
    /// For the cookie; known to nobody else.
    pub token: String,
    pub ends_at: DateTime<Utc>,
}

/// A session that is worth something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub email: String,
    /// For which tenant the person works, and as what.
    pub member: Membership,
    /// What every form must carry that is made for this session and this tenant.
    pub csrf: String,
    /// The keys that the person chose, as [`user::set_desk_keys`] kept them.
    pub desk_keys: Option<serde_json::Value>,
    pub ends_at: DateTime<Utc>,
}

/// Begins a session of a person who proved who they are.
pub async fn open(tx: &mut RelayTx, member: &Membership, lifetime: Lifetime) -> Result<NewSession, StoreError> {
    let (token, csrf) = (random(), random());
    let ends_at = Utc::now() + lifetime.total;
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_sha256.eq(&hash(&token)[..]),
            sessions::user_id.eq(member.user_id.0),
            sessions::tenant_id.eq(member.tenant_id.0),
            sessions::csrf.eq(&csrf),
            sessions::ends_at.eq(ends_at),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("open a session"))?;
    tx.record(member.tenant_id, Change::of("session.opened", &user::actor(member.user_id), member.user_id, json!({})));
    Ok(NewSession { token, ends_at })
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    tenant_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Text)]
    csrf: String,
    #[diesel(sql_type = Timestamptz)]
    seen_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Json>)]
    desk_keys: Option<serde_json::Value>,
}

/// The session behind a cookie, unless it ran out, or its person was disabled or left the tenant.
///
/// Being seen is written down once a minute at most: a write with every request would cost more than the request.
///
/// `by_hand` is false for what an open page asks by itself, which says nothing of whether somebody is there.
pub async fn find(tx: &mut RelayTx, token: &str, lifetime: Lifetime, by_hand: bool) -> Result<Option<SessionRow>, StoreError> {
    let digest = hash(token);
    let found: Option<Found> =
        sql("select s.user_id, s.tenant_id, u.email, t.name as tenant_name, m.name, m.roles, s.csrf, s.seen_at, s.ends_at, u.desk_keys
        from sessions s join users u on u.id = s.user_id join tenants t on t.id = s.tenant_id
            join memberships m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
        where s.token_sha256 = $1 and u.disabled_at is null
            and s.ends_at > clock_timestamp() and s.seen_at > clock_timestamp() - make_interval(secs => $2)")
        .bytes(&digest)
        .f64(lifetime.idle.as_secs_f64())
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look a session up"))?;
    let Some(found) = found else { return Ok(None) };
    if by_hand && Utc::now() - found.seen_at > chrono::Duration::minutes(1) {
        diesel::update(sessions::table.filter(sessions::token_sha256.eq(&digest[..])))
            .set(sessions::seen_at.eq(diesel::dsl::now))
            .execute(tx.connection()?)
            .await
            .map_err(failed_to("see a session"))?;
    }
    let member = user::member(found.tenant_id, found.tenant_name, UserId(found.user_id), found.name, &found.roles);
    let csrf = form_token(&found.csrf, member.tenant_id);
    Ok(Some(SessionRow { email: found.email, member, csrf, desk_keys: found.desk_keys, ends_at: found.ends_at }))
}

/// The person of a session that was found works for another of their tenants from now on. False when they do not belong to it.
pub async fn change_tenant(tx: &mut RelayTx, token: &str, tenant: TenantId) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Changed {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        user_id: Uuid,
    }
    let changed: Option<Changed> = sql("update sessions s set tenant_id = $2
        where s.token_sha256 = $1 and exists (select from memberships m where m.tenant_id = $2 and m.user_id = s.user_id) returning s.user_id")
    .bytes(&hash(token))
    .uuid(tenant.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("change a session's tenant"))?;
    if let Some(changed) = &changed {
        let id = UserId(changed.user_id);
        tx.record(tenant, Change::of("session.opened", &user::actor(id), id, json!({})));
    }
    Ok(changed.is_some())
}

/// Ends a session.
pub async fn close(tx: &mut RelayTx, token: &str) -> Result<(), StoreError> {
    diesel::delete(sessions::table.filter(sessions::token_sha256.eq(&hash(token)[..])))
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("close a session"))
}

/// Ends every session of a person, because their password changed or they may not come in any more.
pub async fn close_all(tx: &mut RelayTx, user: UserId) -> Result<usize, StoreError> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user.0)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("close a person's sessions"))
}

/// Removes sessions that have ended. Returns how many there were. Those that nobody used for long are worth nothing, and end later.
pub async fn sweep(tx: &mut RelayTx) -> Result<usize, StoreError> {
    diesel::delete(sessions::table.filter(sessions::ends_at.le(diesel::dsl::now)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("remove old sessions"))
}

/// What forms carry: of one session and one tenant, so that a form of the tenant that the person worked for before is not taken for the next.
fn form_token(csrf: &str, tenant: TenantId) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(csrf).chain_update(tenant.0.as_bytes()).finalize())
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

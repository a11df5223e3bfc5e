//! The processes that serve: each says now and then that it is alive, under an id that means nothing outside of the table.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::RelayTx;

/// Rows shown at most; an installation of more has dashboards.
const SHOWN: i64 = 200;
/// One that was silent for this long is forgotten, in seconds: long enough to be seen on the morning after.
const FORGOTTEN_SECONDS: f64 = 86_400.0;

/// A process says that it is alive every 15 s; one that has missed four is called silent, in seconds.
const SILENT_SECONDS: i64 = 60;

/// What a process does. One process may do several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Gateway,
    /// Tells the engine what a gateway could not; runs inside of every gateway.
    Relay,
    Worker,
    Desk,
}

impl Role {
    /// The stable word for SQL and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Relay => "relay",
            Self::Worker => "worker",
            Self::Desk => "desk",
        }
    }
}

/// What a process says of itself.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Made up at the start of the process.
    pub id: Uuid,
    pub roles: Vec<Role>,
    pub version: String,
    /// The pools that a worker serves.
    pub pools: Vec<String>,
}

/// A process in one of its roles, as it was last heard of.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct InstanceRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: Uuid,
    /// As [`Role::as_str`] has it.
    #[diesel(sql_type = Text)]
    pub role: String,
    #[diesel(sql_type = Text)]
    pub version: String,
    #[diesel(sql_type = Array<Text>)]
    pub pools: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// By the database's clock, like all times here: machines disagree.
    #[diesel(sql_type = Timestamptz)]
    pub seen_at: DateTime<Utc>,
}

impl InstanceRow {
    /// Whether it should have been heard of since: four signs of life are missing.
    pub fn is_silent_at(&self, now: DateTime<Utc>) -> bool {
        (now - self.seen_at).num_seconds() >= SILENT_SECONDS
    }
}

/// Says that the process is alive. Whatever was forgotten of it meanwhile is there again.
pub async fn beat(tx: &mut RelayTx, instance: &Instance) -> Result<(), StoreError> {
    let roles = instance.roles.iter().map(|role| role.as_str()).collect();
    sql("insert into instances (id, role, version, pools) select $1, unnest($2), $3, $4
        on conflict (id, role) do update set version = excluded.version, pools = excluded.pools, seen_at = excluded.seen_at")
    .uuid(instance.id)
    .texts(roles)
    .text(&instance.version)
    .texts(instance.pools.iter().map(String::as_str).collect())
    .execute(tx.connection()?)
    .await
    .map(|_| ())
    .map_err(failed_to("say that an instance is alive"))
}

/// Says that the process ends as it should: from then on nobody misses it.
pub async fn leave(tx: &mut RelayTx, id: Uuid) -> Result<(), StoreError> {
    sql("delete from instances where id = $1")
        .uuid(id)
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("take an instance away"))
}

/// Forgets those that have been silent for a day, and says how many.
pub async fn sweep(tx: &mut RelayTx) -> Result<usize, StoreError> {
    sql("delete from instances where seen_at < clock_timestamp() - make_interval(secs => $1)")
        .f64(FORGOTTEN_SECONDS)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("forget silent instances"))
}

/// Who was heard of within a day, by role and start; at most 200, those heard of last.
pub async fn list(tx: &mut RelayTx) -> Result<Vec<InstanceRow>, StoreError> {
    sql("select id, role, version, pools, started_at, seen_at from (
            select id, role, version, pools, started_at, seen_at from instances
            where seen_at >= clock_timestamp() - make_interval(secs => $1) order by seen_at desc, id limit $2
        ) known order by role, started_at, id")
    .f64(FORGOTTEN_SECONDS)
    .i64(SHOWN)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("list instances"))
}

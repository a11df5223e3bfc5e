//! The audit chain: read, proved and exported here. It is written by the commit of each change, inside the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::audit::{GENESIS, Hash, Link, commit};
use domain::id::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{StoreError, failed_to};
use crate::schema::{audit_events, audit_payloads};
use crate::sql::sql;
use crate::tx::{AnyTx, Change, TenantTx};

/// Links read at a time.
const BATCH: i64 = 1_000;

/// One link with its payload, as it is exported: a line of JSON each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    pub tenant_id: TenantId,
    /// From 1, without gaps.
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub event_type: String,
    pub actor: String,
    pub subject: String,
    /// Hexadecimal, as all hashes and salts here.
    pub commitment: String,
    pub hash: String,
    /// Absent once erased.
    pub salt: Option<String>,
    /// The JSON text whose bytes were hashed.
    pub payload: Option<String>,
}

/// What verifying a chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    pub tenant_id: TenantId,
    /// Links that are as they were written, from the first on.
    pub links: i64,
    /// The number that the head says.
    pub head_seq: i64,
    /// Links whose payload is gone. The chain proves that it existed, no longer what it said.
    pub payloads_missing: i64,
    /// The first thing wrong.
    pub first_bad: Option<BadLink>,
}

impl AuditReport {
    /// Whether the chain is whole.
    pub fn is_whole(&self) -> bool {
        self.first_bad.is_none()
    }
}

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLink {
    pub seq: i64,
    pub fault: Fault,
}

/// How a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// This number is not there.
    Missing,
    /// The link's fields or its predecessor are not what was hashed.
    HashMismatch,
    /// The payload is not what the link commits to.
    PayloadMismatch,
    /// The head names another hash or another number than the last link has.
    HeadMismatch,
}

/// Records something that belongs to no other change. Written with the commit.
pub fn append(tx: &mut TenantTx, event_type: &'static str, actor: &str, subject: &str, payload: Value) {
    tx.record(Change::of(event_type, actor, subject, payload));
}

/// Recomputes a tenant's chain from its first link to the head that stands now.
pub async fn verify(tx: &mut impl AnyTx, tenant: TenantId) -> Result<AuditReport, StoreError> {
    let connection = tx.transaction().connection()?;
    let head = head(connection, tenant).await?;
    let (head_seq, head_hash) = (head.seq, head.hash);
    let mut report = AuditReport { tenant_id: tenant, links: 0, head_seq, payloads_missing: 0, first_bad: None };
    if head.last_seq > head_seq {
        report.first_bad = Some(BadLink { seq: head_seq + 1, fault: Fault::HeadMismatch });
        return Ok(report);
    }
    let mut previous = GENESIS;
    let mut after = 0;
    while after < head_seq {
        let stored = load(connection, tenant, after, BATCH).await?;
        let Some(last) = stored.last() else { break };
        after = last.seq;
        for link in stored.iter().filter(|link| link.seq <= head_seq) {
            match check(tenant, link, report.links + 1, &previous) {
                Ok(hash) => previous = hash,
                Err(bad) => {
                    report.first_bad = Some(bad);
                    return Ok(report);
                }
            }
            report.links += 1;
            report.payloads_missing += i64::from(link.payload.is_none());
        }
    }
    let complete = report.links == head_seq && head.links == head_seq && previous.as_slice() == head_hash;
    if !complete {
        let fault = if report.links < head_seq { Fault::Missing } else { Fault::HeadMismatch };
        report.first_bad = Some(BadLink { seq: report.links + 1, fault });
    }
    Ok(report)
}

/// Links after a number (0 for all), in order.
pub async fn export(tx: &mut impl AnyTx, tenant: TenantId, after_seq: i64, limit: i64) -> Result<Vec<AuditEvent>, StoreError> {
    let stored = load(tx.transaction().connection()?, tenant, after_seq, limit).await?;
    Ok(stored
        .into_iter()
        .map(|link| AuditEvent {
            tenant_id: tenant,
            seq: link.seq,
            at: link.at,
            event_type: link.event_type,
            actor: link.actor,
            subject: link.subject,
            commitment: hex::encode(link.commitment),
            hash: hex::encode(link.hash),
            salt: link.salt.map(hex::encode),
            payload: link.payload.map(|payload| String::from_utf8_lossy(&payload).into_owned()),
        })
        .collect())
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    last_seq: i64,
    /// Rows, whatever their numbers: one that was slipped in under a number that is taken counts too.
    #[diesel(sql_type = BigInt)]
    links: i64,
}

/// The head and the number of the last link, of one moment: links that are appended later lie beyond both.
async fn head(connection: &mut AsyncPgConnection, tenant: TenantId) -> Result<Head, StoreError> {
    sql("select coalesce(h.seq, 0) as seq, coalesce(h.hash, $1) as hash,
            coalesce((select max(seq) from audit_events where tenant_id = $2), 0) as last_seq,
            (select count(*) from audit_events where tenant_id = $2) as links
        from (select 1) one left join audit_heads h on h.tenant_id = $2")
    .bytes(&GENESIS)
    .uuid(tenant.0)
    .get_result(connection)
    .await
    .map_err(failed_to("read the head of an audit chain"))
}

#[derive(Queryable)]
struct Stored {
    seq: i64,
    at: DateTime<Utc>,
    event_type: String,
    actor: String,
    subject: String,
    commitment: Vec<u8>,
    hash: Vec<u8>,
    salt: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
}

async fn load(connection: &mut AsyncPgConnection, tenant: TenantId, after_seq: i64, limit: i64) -> Result<Vec<Stored>, StoreError> {
    let payload_of_the_link = audit_payloads::tenant_id
        .eq(audit_events::tenant_id)
        .and(audit_payloads::seq.eq(audit_events::seq))
        .and(audit_payloads::at.eq(audit_events::at));
    audit_events::table
        .left_join(audit_payloads::table.on(payload_of_the_link))
        .filter(audit_events::tenant_id.eq(tenant.0))
        .filter(audit_events::seq.gt(after_seq))
        .order(audit_events::seq)
        .limit(limit)
        .select((
            audit_events::seq,
            audit_events::at,
            audit_events::event_type,
            audit_events::actor,
            audit_events::subject,
            audit_events::commitment,
            audit_events::hash,
            audit_payloads::salt.nullable(),
            audit_payloads::payload.nullable(),
        ))
        .load(connection)
        .await
        .map_err(failed_to("read an audit chain"))
}

fn check(tenant_id: TenantId, stored: &Stored, expected_seq: i64, previous: &Hash) -> Result<Hash, BadLink> {
    if stored.seq != expected_seq {
        return Err(BadLink { seq: expected_seq, fault: Fault::Missing });
    }
    let bad = |fault| BadLink { seq: expected_seq, fault };
    if let Some((salt, payload)) = stored.salt.as_ref().zip(stored.payload.as_ref())
        && commit(salt, payload).as_slice() != stored.commitment
    {
        return Err(bad(Fault::PayloadMismatch));
    }
    let link = Link {
        tenant_id,
        seq: stored.seq,
        at: stored.at,
        event_type: stored.event_type.clone(),
        actor: stored.actor.clone(),
        subject: stored.subject.clone(),
        commit: stored.commitment.as_slice().try_into().map_err(|_| bad(Fault::HashMismatch))?,
    };
    let hash = link.hash(previous);
    if hash.as_slice() == stored.hash { Ok(hash) } else { Err(bad(Fault::HashMismatch)) }
}

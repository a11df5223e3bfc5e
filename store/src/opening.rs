//! Who opened which evidence: one audit entry for each person, verification, and lease or session, however often they look. What was only
//! fetched ahead for somebody is told apart from it.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::id::{EvidenceId, ReviewId, VerificationId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// Of a file that many verifications share, those whose record says that it was opened: the newest.
const MOST_VERIFICATIONS: i64 = 20;

/// Domain separation: what is kept of a session's token is no other hash of it.
const SESSION_TAG: &[u8] = b"assay.opening.session.v1";

/// Who looks, and at what they can be told from themselves at another time.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// As audit links name people.
    pub actor: &'a str,
    /// The session's token. It counts where the person holds no lease on what they look at.
    pub session: &'a str,
    /// Their browser asks before they do, as it says itself: they may never look, and they may have looked.
    pub ahead: bool,
}

impl Viewer<'_> {
    fn session(&self) -> String {
        format!("session {}", hex::encode(&Sha256::new().chain_update(SESSION_TAG).chain_update(self.session).finalize()[..16]))
    }

    /// What an occasion begins with, so that looking later on it still counts.
    fn prefix(&self) -> &'static str {
        if self.ahead { "ahead " } else { "" }
    }

    fn kind(&self) -> &'static str {
        if self.ahead { "evidence.prefetched" } else { "evidence.opened" }
    }
}

#[derive(QueryableByName)]
struct Opened {
    #[diesel(sql_type = Text)]
    subject: String,
}

/// A person looks at the evidence of a review. True when this is the first time on this occasion; then the caller commits.
pub async fn viewed(tx: &mut TenantTx, viewer: Viewer<'_>, review: ReviewId, of: VerificationId) -> Result<bool, StoreError> {
    let opened = open(tx, viewer, &[of]).await?;
    record(tx, viewer, &opened, &json!({ "review_id": review, "how": "viewed" }));
    Ok(!opened.is_empty())
}

/// A person takes a file away. Says nothing new where they opened the evidence of one of its verifications on this occasion. True when it
/// says something; then the caller commits.
pub async fn downloaded(tx: &mut TenantTx, viewer: Viewer<'_>, file: EvidenceId) -> Result<bool, StoreError> {
    of_file(tx, viewer, file, "downloaded").await
}

/// Like [`downloaded`], of a page of a file that is looked at or read by its own address.
pub async fn read(tx: &mut TenantTx, viewer: Viewer<'_>, file: EvidenceId) -> Result<bool, StoreError> {
    of_file(tx, viewer, file, "viewed").await
}

async fn of_file(tx: &mut TenantTx, viewer: Viewer<'_>, file: EvidenceId, how: &'static str) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: Uuid,
    }
    let found: Vec<Found> = sql("select verification_id as id from verification_evidence
        where tenant_id = $1 and evidence_id = $2 order by verification_id desc limit $3")
    .uuid(tx.tenant.0)
    .uuid(file.0)
    .i64(MOST_VERIFICATIONS)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("look for what a file is evidence of"))?;
    let of: Vec<VerificationId> = found.into_iter().map(|found| VerificationId(found.id)).collect();
    let data = json!({ "evidence_id": file, "how": how });
    if of.is_empty() {
        let new = sql("insert into evidence_openings (tenant_id, subject, actor, occasion) select $1, $2, $3, $5 || $4
            where not exists (select from evidence_openings where tenant_id = $1 and subject = $2 and actor = $3 and occasion = $4)
            on conflict do nothing")
        .uuid(tx.tenant.0)
        .text(&file.0.to_string())
        .text(viewer.actor)
        .text(&viewer.session())
        .text(viewer.prefix())
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("note that evidence was opened"))?;
        if new == 1 {
            tx.record(Change::of(viewer.kind(), viewer.actor, file, data));
        }
        return Ok(new == 1);
    }
    let opened = open(tx, viewer, &of).await?;
    // One of them that was open already is where they have the file from; what was noted of the others is taken back with the transaction.
    if opened.len() < of.len() {
        return Ok(false);
    }
    record(tx, viewer, &opened, &data);
    Ok(true)
}

/// Notes the openings that are new. What is open already is not fetched ahead any more.
async fn open(tx: &mut TenantTx, viewer: Viewer<'_>, of: &[VerificationId]) -> Result<Vec<VerificationId>, StoreError> {
    let opened: Vec<Opened> = sql("insert into evidence_openings (tenant_id, subject, actor, occasion)
        select $1, seen.subject, $3, $5 || seen.occasion from (
            select v.id::text as subject, coalesce(
                (select 'lease ' || r.id || ' ' || r.lease_generation from reviews r
                    where r.tenant_id = $1 and r.verification_id = v.id and r.status in ('pending', 'escalated')
                        and r.lease_holder = $3 and r.lease_expires_at > clock_timestamp() limit 1), $4) as occasion
            from verifications v where v.tenant_id = $1 and v.id = any($2)
        ) seen
        where not exists (
            select from evidence_openings o
            where o.tenant_id = $1 and o.subject = seen.subject and o.actor = $3 and o.occasion = seen.occasion
        )
        on conflict do nothing returning subject")
    .uuid(tx.tenant.0)
    .uuids(of.iter().map(|id| id.0).collect())
    .text(viewer.actor)
    .text(&viewer.session())
    .text(viewer.prefix())
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("note that evidence was opened"))?;
    Ok(opened.iter().filter_map(|opened| Uuid::parse_str(&opened.subject).ok()).map(VerificationId).collect())
}

fn record(tx: &mut TenantTx, viewer: Viewer<'_>, opened: &[VerificationId], data: &Value) {
    for id in opened {
        tx.record(Change::of(viewer.kind(), viewer.actor, id, data.clone()));
    }
}

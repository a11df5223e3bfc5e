//! Evidence: one row per file and tenant, told apart by the SHA-256 of its bytes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::evidence::MediaType;
use domain::id::{EvidenceId, TenantId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::evidence;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// Whether the bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceStatus {
    /// Announced; the bytes are on their way.
    Uploading,
    /// Stored and verified.
    Ready,
}

impl EvidenceStatus {
    /// The stable word for JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Ready => "ready",
        }
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRow {
    pub id: EvidenceId,
    pub tenant_id: TenantId,
    pub sha256: [u8; 32],
    pub size: i64,
    pub media_type: MediaType,
    pub filename: Option<String>,
    pub status: EvidenceStatus,
    pub object_key: String,
    pub pages: Option<i32>,
    /// What the upload under way needs; its form belongs to the gateway.
    pub upload: Option<Value>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
}

/// A file about to be remembered.
#[derive(Debug, Clone)]
pub struct NewEvidence {
    pub sha256: [u8; 32],
    pub size: i64,
    pub media_type: MediaType,
    pub filename: Option<String>,
    pub object_key: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertEvidence {
    Created(EvidenceRow),
    /// The tenant holds these bytes already, or has announced them.
    Existing(EvidenceRow),
}

impl InsertEvidence {
    pub fn row(&self) -> &EvidenceRow {
        match self {
            Self::Created(row) | Self::Existing(row) => row,
        }
    }
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = evidence, check_for_backend(diesel::pg::Pg))]
struct Raw {
    tenant_id: Uuid,
    id: Uuid,
    sha256: Vec<u8>,
    size: i64,
    media_type: String,
    filename: Option<String>,
    status: String,
    object_key: String,
    pages: Option<i32>,
    upload: Option<Value>,
    created_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

impl TryFrom<Raw> for EvidenceRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        let id = EvidenceId(raw.id);
        let unreadable = |what: &str| StoreError::Corrupt { what: format!("the {what} of {id}"), source: None };
        Ok(Self {
            id,
            tenant_id: TenantId(raw.tenant_id),
            sha256: raw.sha256.try_into().map_err(|_| unreadable("hash"))?,
            size: raw.size,
            media_type: MediaType::parse(&raw.media_type).ok_or_else(|| unreadable("media type"))?,
            filename: raw.filename,
            status: match raw.status.as_str() {
                "uploading" => EvidenceStatus::Uploading,
                "ready" => EvidenceStatus::Ready,
                _ => return Err(unreadable("status")),
            },
            object_key: raw.object_key,
            pages: raw.pages,
            upload: raw.upload,
            created_at: raw.created_at,
            completed_at: raw.completed_at,
        })
    }
}

/// Remembers a file whose bytes are stored and verified. An announcement of the same bytes is thereby fulfilled.
pub async fn insert_ready(tx: &mut TenantTx, new: &NewEvidence, actor: &str) -> Result<InsertEvidence, StoreError> {
    let (row, created) = insert(tx, new, EvidenceStatus::Ready, None).await?;
    if created {
        tx.record(created_change(&row, actor));
        return Ok(InsertEvidence::Created(row));
    }
    if row.status == EvidenceStatus::Uploading {
        let fulfilled = complete(tx, row.id, new.media_type, new.size, &new.object_key, actor).await?;
        return Ok(InsertEvidence::Existing(fulfilled.unwrap_or(row)));
    }
    Ok(InsertEvidence::Existing(row))
}

/// Announces a file that the client will send by itself.
pub async fn insert_uploading(tx: &mut TenantTx, new: &NewEvidence, upload: Value, actor: &str) -> Result<InsertEvidence, StoreError> {
    let (row, created) = insert(tx, new, EvidenceStatus::Uploading, Some(upload)).await?;
    if !created {
        return Ok(InsertEvidence::Existing(row));
    }
    tx.record(Change::of("evidence.announced", actor, row.id, json!({ "sha256": hex::encode(row.sha256), "size": row.size })));
    Ok(InsertEvidence::Created(row))
}

/// Replaces what an upload under way needs. False when it is no longer under way.
pub async fn set_upload(tx: &mut TenantTx, id: EvidenceId, upload: Value) -> Result<bool, StoreError> {
    let rows = evidence::table
        .filter(evidence::tenant_id.eq(tx.tenant.0))
        .filter(evidence::id.eq(id.0))
        .filter(evidence::status.eq(EvidenceStatus::Uploading.as_str()));
    let changed = diesel::update(rows)
        .set(evidence::upload.eq(Some(upload)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("change an upload"))?;
    Ok(changed > 0)
}

/// The announced bytes are stored and verified. Repeating it changes nothing; `None` when there is no such file.
pub async fn complete(
    tx: &mut TenantTx,
    id: EvidenceId,
    media_type: MediaType,
    size: i64,
    object_key: &str,
    actor: &str,
) -> Result<Option<EvidenceRow>, StoreError> {
    let tenant = tx.tenant;
    let raw: Option<Raw> =
        sql("update evidence set status = 'ready', media_type = $1, size = $2, object_key = $3, upload = null, completed_at = now()
        where tenant_id = $4 and id = $5 and status = 'uploading' returning tenant_id, id, sha256, size, media_type, filename, status, object_key, pages, upload, created_at, completed_at")
        .text(media_type.as_str())
        .i64(size)
        .text(object_key)
        .uuid(tenant.0)
        .uuid(id.0)
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("complete an upload"))?;
    match raw {
        Some(raw) => {
            let row = EvidenceRow::try_from(raw)?;
            tx.record(created_change(&row, actor));
            Ok(Some(row))
        }
        None => get(tx, id).await,
    }
}

/// Keeps the number of pages, once the file was prepared. Repeating it changes nothing.
pub async fn set_pages(tx: &mut TenantTx, id: EvidenceId, pages: i32) -> Result<(), StoreError> {
    diesel::update(evidence::table.filter(evidence::tenant_id.eq(tx.tenant.0)).filter(evidence::id.eq(id.0)))
        .set(evidence::pages.eq(Some(pages)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("keep the number of pages"))?;
    Ok(())
}

/// One file.
pub async fn get(tx: &mut TenantTx, id: EvidenceId) -> Result<Option<EvidenceRow>, StoreError> {
    Ok(get_many(tx, &[id]).await?.pop())
}

/// The files of these ids that the tenant has, in the order of the ids.
pub async fn get_many(tx: &mut TenantTx, ids: &[EvidenceId]) -> Result<Vec<EvidenceRow>, StoreError> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let raw: Vec<Raw> = evidence::table
        .filter(evidence::tenant_id.eq(tx.tenant.0))
        .filter(evidence::id.eq_any(wanted))
        .select(Raw::as_select())
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read evidence"))?;
    let mut rows = raw.into_iter().map(EvidenceRow::try_from).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// The file with these bytes, if the tenant has it or announced it.
pub async fn by_sha256(tx: &mut TenantTx, sha256: &[u8; 32]) -> Result<Option<EvidenceRow>, StoreError> {
    let raw: Option<Raw> = evidence::table
        .filter(evidence::tenant_id.eq(tx.tenant.0))
        .filter(evidence::sha256.eq(&sha256[..]))
        .select(Raw::as_select())
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("find evidence by its hash"))?;
    raw.map(EvidenceRow::try_from).transpose()
}

async fn insert(
    tx: &mut TenantTx,
    new: &NewEvidence,
    status: EvidenceStatus,
    upload: Option<Value>,
) -> Result<(EvidenceRow, bool), StoreError> {
    let tenant = tx.tenant;
    // PostgreSQL's text knows no NUL, and no file name needs one.
    let filename = new.filename.as_ref().map(|name| name.replace('\0', ""));
    let inserted: Option<Raw> =
        sql("insert into evidence (tenant_id, id, sha256, size, media_type, filename, status, object_key, upload, completed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $7 = 'ready' then now() end)
        on conflict (tenant_id, sha256) do nothing returning tenant_id, id, sha256, size, media_type, filename, status, object_key, pages, upload, created_at, completed_at")
        .uuid(tenant.0)
        .uuid(EvidenceId::new().0)
        .bytes(&new.sha256)
        .i64(new.size)
        .text(new.media_type.as_str())
        .maybe_text(filename.as_deref())
        .text(status.as_str())
        .text(&new.object_key)
        .maybe_json(upload)
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("remember evidence"))?;
    if let Some(raw) = inserted {
        return Ok((raw.try_into()?, true));
    }
    // Read in a statement of its own, whose snapshot sees the row that stood in the way.
    let existing = by_sha256(tx, &new.sha256).await?;
    existing.map(|row| (row, false)).ok_or_else(|| StoreError::missing("remember evidence", "a row that was there a moment ago"))
}

fn created_change(row: &EvidenceRow, actor: &str) -> Change {
    let data = json!({ "sha256": hex::encode(row.sha256), "size": row.size, "media_type": row.media_type.as_str() });
    Change::of("evidence.created", actor, row.id, data)
}

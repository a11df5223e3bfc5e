//! What people say to each other about a verification. Nothing is edited or deleted; what is dealt with is marked so.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{CommentId, VerificationId};
use serde_json::json;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::comments;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// Comments read at once; older ones are asked for.
pub const SHOWN: i64 = 200;

/// One comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRow {
    pub id: CommentId,
    /// The field it is about, if it is about one.
    pub field: Option<String>,
    /// As audit links name people.
    pub author: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Keeps a comment. Its words stay out of the audit chain; that it was made is in it.
pub async fn add(tx: &mut TenantTx, about: VerificationId, field: Option<&str>, author: &str, body: &str) -> Result<CommentId, StoreError> {
    let id = CommentId::new();
    diesel::insert_into(comments::table)
        .values((
            comments::tenant_id.eq(tx.tenant.0),
            comments::id.eq(id.0),
            comments::verification_id.eq(about.0),
            comments::field.eq(field),
            comments::author.eq(author),
            comments::body.eq(body),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("store a comment"))?;
    tx.record(Change::of("comment.added", author, about, json!({ "comment_id": id, "field": field })));
    Ok(id)
}

/// Marks a comment as dealt with. False when there is none, or it was before.
pub async fn resolve(tx: &mut TenantTx, about: VerificationId, id: CommentId, actor: &str) -> Result<bool, StoreError> {
    let open = comments::table
        .filter(comments::tenant_id.eq(tx.tenant.0))
        .filter(comments::verification_id.eq(about.0))
        .filter(comments::id.eq(id.0))
        .filter(comments::resolved_at.is_null());
    let changed = diesel::update(open)
        .set((comments::resolved_at.eq(diesel::dsl::now), comments::resolved_by.eq(actor)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("resolve a comment"))?;
    if changed == 1 {
        tx.record(Change::of("comment.resolved", actor, about, json!({ "comment_id": id })));
    }
    Ok(changed == 1)
}

#[derive(QueryableByName)]
#[diesel(table_name = comments, check_for_backend(diesel::pg::Pg))]
struct Raw {
    id: Uuid,
    field: Option<String>,
    author: String,
    body: String,
    created_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
}

/// The latest [`SHOWN`] comments on a verification that this person may read, oldest first. While a round of review is not settled, the words
/// of those who answered in it are for themselves and for who holds the adjudication: an answer given blind is not to be read beside it.
pub async fn list(tx: &mut TenantTx, about: VerificationId, viewer: &str) -> Result<Vec<CommentRow>, StoreError> {
    before(tx, about, viewer, None).await
}

/// Like [`list`], of those made before another comment.
pub async fn before(
    tx: &mut TenantTx,
    about: VerificationId,
    viewer: &str,
    before: Option<CommentId>,
) -> Result<Vec<CommentRow>, StoreError> {
    let rows: Vec<Raw> = sql("select c.id, c.field, c.author, c.body, c.created_at, c.resolved_at from comments c
        where c.tenant_id = $1 and c.verification_id = $2 and (
            c.author = $3
            or not exists (
                select from decisions d where d.tenant_id = $1 and d.verification_id = $2 and d.holder = c.author and not exists (
                    select from decisions s where s.tenant_id = $1 and s.verification_id = $2 and s.round = d.round and s.settles
                )
            )
            or exists (select from verifications v where v.tenant_id = $1 and v.id = $2 and v.finished_at is not null)
            or exists (select from reviews r where r.tenant_id = $1 and r.verification_id = $2 and r.part = 3
                and r.status in ('pending', 'escalated') and r.lease_holder = $3 and r.lease_expires_at > clock_timestamp())
        )
            and ($4::uuid is null or c.id < $4)
        order by c.id desc limit $5")
    .uuid(tx.tenant.0)
    .uuid(about.0)
    .text(viewer)
    .maybe_uuid(before.map(|id| id.0))
    .i64(SHOWN)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("list comments"))?;
    let read = |raw: Raw| CommentRow {
        id: CommentId(raw.id),
        field: raw.field,
        author: raw.author,
        body: raw.body,
        created_at: raw.created_at,
        resolved_at: raw.resolved_at,
    };
    Ok(rows.into_iter().rev().map(read).collect())
}

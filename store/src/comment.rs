//! What people say to each other about a verification. Nothing is edited or deleted; what is dealt with is marked so.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{CommentId, VerificationId};
use serde_json::json;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::comments;
use crate::tx::{Change, TenantTx};

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

/// The comments on a verification, oldest first.
pub async fn list(tx: &mut TenantTx, about: VerificationId) -> Result<Vec<CommentRow>, StoreError> {
    type Raw = (Uuid, Option<String>, String, String, DateTime<Utc>, Option<DateTime<Utc>>);
    let rows: Vec<Raw> = comments::table
        .filter(comments::tenant_id.eq(tx.tenant.0))
        .filter(comments::verification_id.eq(about.0))
        .order(comments::id)
        .select((comments::id, comments::field, comments::author, comments::body, comments::created_at, comments::resolved_at))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("list comments"))?;
    let read = |(id, field, author, body, created_at, resolved_at): Raw| CommentRow {
        id: CommentId(id),
        field,
        author,
        body,
        created_at,
        resolved_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

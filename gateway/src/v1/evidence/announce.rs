//! The JSON form of an upload: the client learns where to send the bytes, and completes when they are there.

use axum::http::StatusCode;
use domain::evidence::MediaType;
use serde_json::Value;
use store::TenantTx;
use store::evidence::{self, EvidenceRow, EvidenceStatus, InsertEvidence, NewEvidence};
use store::objects::incoming_key;

use super::create::{Error, answer, not_a_sha256, read_sha256};
use super::view::{Evidence, is_rejected, under_way};
use crate::answer::Answer;
use crate::auth::Caller;
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::Fields;
use crate::state::AppState;

/// Longest file name kept, in characters.
pub(super) const LONGEST_NAME: usize = 255;

struct Announced {
    filename: Option<String>,
    media_type: MediaType,
    size: i64,
    sha256: [u8; 32],
}

/// Remembers the announcement and signs the request that fulfils it.
pub(super) async fn announce(state: &AppState, caller: &Caller, repeat: &Idempotency, body: &Value) -> Result<Answer, Error> {
    let announced = parse(body, state.limits.evidence_bytes)?;
    let key = repeat.of_json(body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let new = NewEvidence {
        sha256: announced.sha256,
        size: announced.size,
        media_type: announced.media_type,
        filename: announced.filename,
        // Bytes become evidence only once we have read them: until then they lie apart.
        object_key: incoming_key(caller.tenant),
    };
    let inserted = evidence::insert_uploading(&mut tx, &new, under_way(), &caller.actor()).await?;
    let (status, row) = match inserted {
        InsertEvidence::Created(row) => (StatusCode::CREATED, row),
        InsertEvidence::Existing(row) => (StatusCode::OK, row),
    };
    let row = if is_rejected(&row) { start_over(&mut tx, row).await? } else { row };
    let shown = match row.status {
        EvidenceStatus::Ready => Evidence::of(row),
        EvidenceStatus::Uploading => with_upload(state, row).await?,
    };
    let answer = answer(status, &shown)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Forgets that the bytes were rejected: a release since then may read their kind.
async fn start_over(tx: &mut TenantTx, row: EvidenceRow) -> Result<EvidenceRow, Error> {
    evidence::set_upload(tx, row.id, under_way()).await?;
    Ok(EvidenceRow { upload: Some(under_way()), ..row })
}

/// The file with a fresh signature for sending it.
pub(super) async fn with_upload(state: &AppState, row: EvidenceRow) -> Result<Evidence, Error> {
    let size = row.size.unsigned_abs();
    let request = state.objects.presign_put(&row.object_key, row.sha256, size, row.media_type.as_str(), state.limits.presigned).await?;
    Ok(Evidence::of(row).with_upload(request))
}

fn parse(body: &Value, limit: u64) -> Result<Announced, Error> {
    let mut fields = Fields::of(body);
    let filename = fields.optional_text("filename", LONGEST_NAME);
    let content_type = fields.text("content_type", 200);
    let size = fields.integer("size", 0, i64::MAX);
    let sha256 = fields.text("sha256", 64);
    let parsed = read_sha256(&sha256);
    if parsed.is_none() && !sha256.is_empty() {
        fields.add([not_a_sha256("/sha256")]);
    }
    fields.finish()?;
    if size == 0 {
        return Err(Error::Empty);
    }
    if size.unsigned_abs() > limit {
        return Err(Error::TooLarge { limit });
    }
    let media_type = MediaType::parse(&content_type.to_ascii_lowercase()).ok_or(Error::UnsupportedType(named(&content_type)))?;
    let sha256 = parsed.ok_or_else(|| Error::InvalidBody(vec![not_a_sha256("/sha256")]))?;
    Ok(Announced { filename, media_type, size, sha256 })
}

fn named(content_type: &str) -> Option<&'static str> {
    let heic = ["image/heic", "image/heif"].iter().any(|name| content_type.eq_ignore_ascii_case(name));
    heic.then_some("HEIC")
}

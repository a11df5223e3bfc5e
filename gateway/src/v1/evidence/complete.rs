//! `POST /v1/evidence/{id}/complete`: the announced bytes are read, held against the announcement, and become evidence.

use axum::extract::State;
use axum::http::{StatusCode, header};
use domain::evidence::MediaType;
use domain::id::EvidenceId;
use sha2::{Digest, Sha256};
use store::StoreError;
use store::evidence::{self, EvidenceRow, EvidenceStatus};
use store::objects::{ObjectError, Objects, evidence_key};

use super::get::tag;
use super::upload::discard;
use super::view::{Evidence, is_rejected, rejected};
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, EvidenceWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, OptionalJsonBody};
use crate::metrics::Metric;
use crate::problem::{Code, Document, Problem, answers_with_problem};
use crate::state::AppState;

/// Bytes read at a time, so that a large file never lies in memory whole.
const PIECE: u64 = 8 * 1024 * 1024;

/// Why it is not complete.
#[derive(Debug)]
pub enum Error {
    NotFound,
    NotUploaded,
    /// Size or SHA-256 differ from the announcement.
    ChecksumMismatch,
    UnsupportedType,
    Request(Problem),
    Store(StoreError),
    Objects(ObjectError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::NotUploaded => Self::new(Code::NotUploaded),
            Error::ChecksumMismatch => Self::new(Code::ChecksumMismatch),
            Error::UnsupportedType => Self::new(Code::UnsupportedMediaType),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
            Error::Objects(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

impl From<ObjectError> for Error {
    fn from(error: ObjectError) -> Self {
        Self::Objects(error)
    }
}

/// Complete an announced upload.
#[utoipa::path(
    post, path = "/v1/evidence/{id}/complete", operation_id = "complete_evidence", tag = "evidence",
    params(
        ("id" = String, Path, description = "An announced file"),
        ("Idempotency-Key" = Option<String>, Header, description = "Optional: completing twice is harmless"),
    ),
    responses(
        (status = 200, description = "Size, SHA-256 and first bytes are as announced; the file is ready", body = Evidence),
        (status = 404, description = "No such file", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "The bytes have not arrived", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Not a kind of file that is read: the file is `rejected` from now on", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "Other bytes than announced", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<EvidenceWrite>,
    Id(id): Id<EvidenceId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    Fields::of(&body).finish()?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = evidence::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    // Reading the file takes its time: no connection is held meanwhile.
    drop(tx);
    let content_key = evidence_key(caller.tenant, &row.sha256);
    let checked = match row.status {
        EvidenceStatus::Ready => None,
        EvidenceStatus::Uploading if is_rejected(&row) => return Err(Error::UnsupportedType),
        EvidenceStatus::Uploading => {
            let media_type = match check(state.objects.as_ref(), &row).await {
                Err(Error::UnsupportedType) => return Err(reject(&state, &caller, &row).await?),
                checked => checked?,
            };
            state.objects.promote(&row.object_key, &content_key).await?;
            Some(media_type)
        }
    };

    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let row = match checked {
        None => row,
        Some(media_type) => {
            metrics::counter!(Metric::EvidenceBytesTotal.as_str()).increment(row.size.unsigned_abs());
            evidence::complete(&mut tx, id, media_type, row.size, &content_key, &caller.actor()).await?.ok_or(Error::NotFound)?
        }
    };
    let tag = tag(&row);
    let answer = Answer::json(StatusCode::OK, &Evidence::of(row))?.header(header::ETAG, tag);
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Keeps with the row that its bytes will not do, for who asks later; they themselves are of no use.
async fn reject(state: &AppState, caller: &Caller, row: &EvidenceRow) -> Result<Error, Error> {
    let mut tx = state.store.begin(caller.tenant).await?;
    evidence::set_upload(&mut tx, row.id, rejected()).await?;
    tx.commit().await?;
    discard(state, &row.object_key).await;
    Ok(Error::UnsupportedType)
}

/// Reads what arrived and holds it against the announcement.
async fn check(objects: &dyn Objects, row: &EvidenceRow) -> Result<MediaType, Error> {
    let Some(meta) = objects.head(&row.object_key).await? else {
        // A completion that ran at the same time may have moved it.
        return match objects.head(&evidence_key(row.tenant_id, &row.sha256)).await? {
            Some(_) => Ok(row.media_type),
            None => Err(Error::NotUploaded),
        };
    };
    if meta.size != row.size.unsigned_abs() {
        return Err(Error::ChecksumMismatch);
    }
    let mut hasher = Sha256::new();
    let mut media_type = None;
    let mut offset = 0;
    while offset < meta.size {
        let piece = objects.get_range(&row.object_key, offset, PIECE).await?.filter(|piece| !piece.is_empty()).ok_or(Error::NotUploaded)?;
        if offset == 0 {
            media_type = MediaType::sniff(&piece[..piece.len().min(1024)]);
        }
        hasher.update(&piece);
        offset += piece.len() as u64;
    }
    if hasher.finalize().as_slice() != row.sha256 {
        return Err(Error::ChecksumMismatch);
    }
    media_type.ok_or(Error::UnsupportedType)
}

//! `POST /v1/evidence`: a file as `multipart/form-data`, or the announcement of one as JSON.

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use store::StoreError;
use store::objects::ObjectError;
use utoipa::ToSchema;

use super::view::Evidence;
use super::{announce, upload};
use crate::answer::Answer;
use crate::auth::{Allowed, EvidenceWrite};
use crate::idempotency::Idempotency;
use crate::input::{JsonBody, media_type};
use crate::problem::{Code, Document, InvalidField, Problem, answers_with_problem};
use crate::state::AppState;

/// The parts of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart body; its parts are read one by one")]
struct Upload {
    /// The file; exactly one.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// SHA-256 of the file in hexadecimal; refused if the bytes differ.
    sha256: Option<String>,
}

/// A file that the client will send to the object store by itself.
#[derive(Debug, ToSchema)]
#[schema(as = EvidenceAnnouncement)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Announcement {
    #[schema(example = "receipt.jpg")]
    filename: Option<String>,
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// In bytes.
    #[schema(minimum = 1)]
    size: u64,
    /// In hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
}

/// Why a file was not taken.
#[derive(Debug)]
pub enum Error {
    Request(Problem),
    /// No bytes.
    Empty,
    /// Not a kind of file that we read; the name of the kind, where it has one.
    UnsupportedType(Option<&'static str>),
    TooLarge {
        limit: u64,
    },
    ChecksumMismatch,
    InvalidBody(Vec<InvalidField>),
    Store(StoreError),
    Objects(ObjectError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Request(problem) => problem,
            Error::Empty => Self::new(Code::EmptyEvidence),
            Error::UnsupportedType(Some(name)) => Self::new(Code::UnsupportedMediaType)
                .detail(format!("{name} is not read yet; send JPEG, PNG, WebP, TIFF, PDF or plain text")),
            Error::UnsupportedType(None) => {
                Self::new(Code::UnsupportedMediaType).detail("send JPEG, PNG, WebP, TIFF, PDF or plain text in UTF-8")
            }
            Error::TooLarge { limit } => crate::input::too_large(limit),
            Error::ChecksumMismatch => Self::new(Code::ChecksumMismatch),
            Error::InvalidBody(errors) => Self::new(Code::InvalidBody).errors(errors),
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

/// Store a file.
#[utoipa::path(
    post, path = "/v1/evidence", operation_id = "create_evidence", tag = "evidence",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Optional: the same bytes are the same evidence anyway"),
    ),
    request_body(
        description = "The file itself, or the announcement of one that is sent to `upload.url`",
        content((Upload = "multipart/form-data"), (Announcement = "application/json"))
    ),
    responses(
        (status = 201, description = "Stored and verified, or announced", body = Evidence),
        (status = 200, description = "This tenant holds these bytes already, or has announced them", body = Evidence),
        (status = 413, description = "Larger than the limit in `GET /v1/capabilities`", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Not a kind of file that is read", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "Empty, or not the bytes that were announced", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<EvidenceWrite>,
    repeat: Idempotency,
    request: Request,
) -> Result<Answer, Error> {
    match media_type(request.headers()).as_deref() {
        Some("multipart/form-data") => upload::upload(&state, &caller, &repeat, request).await,
        Some("application/json") => {
            let JsonBody(body) = JsonBody::from_request(request, &state).await?;
            announce::announce(&state, &caller, &repeat, &body).await
        }
        _ => Err(Problem::new(Code::UnsupportedContentType)
            .detail("send multipart/form-data with a part `file`, or application/json")
            .into()),
    }
}

/// The answer about a file: new or known.
pub(super) fn answer(status: StatusCode, evidence: &Evidence) -> Result<Answer, Error> {
    let location = format!("/v1/evidence/{}", evidence.id);
    Ok(Answer::json(status, evidence)?.header(header::LOCATION, location))
}

/// 64 hexadecimal digits.
pub(super) fn read_sha256(text: &str) -> Option<[u8; 32]> {
    let mut sha256 = [0; 32];
    hex::decode_to_slice(text.trim(), &mut sha256).ok()?;
    Some(sha256)
}

/// A member of the wrong form.
pub(super) fn not_a_sha256(pointer: &str) -> InvalidField {
    InvalidField::at(pointer, "not_a_sha256", "expected 64 hexadecimal digits")
}

//! The multipart form of an upload: the bytes go straight on to the object store, hashed and counted as they pass.

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use domain::evidence::MediaType;
use futures::StreamExt;
use store::evidence::{self, InsertEvidence, NewEvidence};
use store::objects::{ByteStream, Uploaded, evidence_key, incoming_key};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::announce::LONGEST_NAME;
use super::create::{Error, answer, not_a_sha256, read_sha256};
use super::view::Evidence;
use crate::answer::Answer;
use crate::auth::Caller;
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{chunks, refuse_by_length, refuse_encoded};
use crate::metrics::Metric;
use crate::problem::{Code, InvalidField, Problem};
use crate::state::AppState;

/// What a multipart body has around its file at most: part headers, boundaries, the small parts.
const AROUND: u64 = 64 * 1024;
/// Enough to tell every kind of file; PDF allows the most before its signature.
const HEAD: usize = 1024;
/// A part that is text.
const TEXT: usize = 1024;

/// A file that lies in the object store under a key of its own.
struct Received {
    key: String,
    filename: Option<String>,
    media_type: MediaType,
    uploaded: Uploaded,
}

/// Takes the file, and remembers it once the store has all of it.
pub(super) async fn upload(state: &AppState, caller: &Caller, repeat: &Idempotency, request: Request) -> Result<Answer, Error> {
    refuse_encoded(request.headers())?;
    refuse_by_length(request.headers(), state.limits.evidence_bytes + AROUND)?;
    let (parts, body) = request.into_parts();
    let pieces = chunks(body, state.limits.body_idle).map(|piece| piece.map_err(|problem| std::io::Error::other(Cut(problem))));
    let watched = Request::from_parts(parts, Body::from_stream(pieces));
    let multipart = Multipart::from_request(watched, state)
        .await
        .map_err(|_| Problem::new(Code::MalformedMultipart).detail("the Content-Type has no usable boundary"))?;

    let mut received = None;
    let read = read_parts(state, caller, multipart, &mut received).await;
    let kept = match (read, &received) {
        (Ok(promised), Some(file)) if promised.is_none_or(|promised| promised == file.uploaded.sha256) => {
            remember(state, caller, repeat, file).await
        }
        (Ok(_), Some(_)) => Err(Error::ChecksumMismatch),
        (Ok(_), None) => Err(Error::InvalidBody(vec![InvalidField::at("/file", "missing", "expected a part `file`")])),
        (Err(error), _) => Err(error),
    };
    if let (Err(_), Some(file)) = (&kept, &received) {
        discard(state, &file.key).await;
    }
    kept
}

/// Reads the parts in whatever order they come. Returns the hash that the client promised, if it did.
async fn read_parts(
    state: &AppState,
    caller: &Caller,
    mut multipart: Multipart,
    received: &mut Option<Received>,
) -> Result<Option<[u8; 32]>, Error> {
    let mut promised = None;
    while let Some(field) = multipart.next_field().await.map_err(cut_off)? {
        match field.name().unwrap_or_default() {
            "file" if received.is_none() => *received = Some(receive(state, caller, field).await?),
            "sha256" if promised.is_none() => {
                let text = small_text(field).await?;
                promised = Some(read_sha256(&text).ok_or_else(|| Error::InvalidBody(vec![not_a_sha256("/sha256")]))?);
            }
            "file" | "sha256" => return Err(Error::InvalidBody(vec![InvalidField::at("", "repeated", "a part came twice")])),
            _ => return Err(Error::InvalidBody(vec![InvalidField::at("", "unknown_member", "the parts are `file` and `sha256`")])),
        }
    }
    Ok(promised)
}

/// Looks at the first bytes, then passes everything on.
async fn receive(state: &AppState, caller: &Caller, mut field: Field<'_>) -> Result<Received, Error> {
    let filename = field.file_name().map(|name| name.chars().take(LONGEST_NAME).collect()).filter(|name: &String| !name.is_empty());
    let mut head = Vec::new();
    while head.len() < HEAD {
        match field.chunk().await.map_err(cut_off)? {
            Some(piece) => head.extend_from_slice(&piece),
            None => break,
        }
    }
    if head.is_empty() {
        return Err(Error::Empty);
    }
    let media_type = MediaType::sniff(&head).ok_or_else(|| Error::UnsupportedType(known_by_name(&head)))?;

    let key = incoming_key(caller.tenant);
    let (pieces, incoming) = mpsc::channel(2);
    let incoming: ByteStream = Box::pin(ReceiverStream::new(incoming));
    let store = state.objects.upload_stream(&key, incoming, media_type.as_str());
    let (passed, stored) = futures::join!(pass_on(field, head.into(), pieces, state.limits.evidence_bytes), store);
    // What the client did wrong explains what the store then complained about.
    match (passed, stored) {
        (Ok(()), Ok(uploaded)) => {
            metrics::counter!(Metric::EvidenceBytesTotal.as_str()).increment(uploaded.size);
            Ok(Received { key, filename, media_type, uploaded })
        }
        (Err(error), stored) => {
            if stored.is_ok() {
                discard(state, &key).await;
            }
            Err(error)
        }
        (Ok(()), Err(error)) => Err(error.into()),
    }
}

async fn pass_on(mut field: Field<'_>, head: Bytes, pieces: mpsc::Sender<std::io::Result<Bytes>>, limit: u64) -> Result<(), Error> {
    let mut size = 0;
    let mut next = Some(head);
    while let Some(piece) = next {
        size += piece.len() as u64;
        if size > limit {
            // An error in the stream makes the store forget what it has.
            let _ = pieces.send(Err(std::io::Error::other("too large"))).await;
            return Err(Error::TooLarge { limit });
        }
        if pieces.send(Ok(piece)).await.is_err() {
            // The store gave up, and says why.
            return Ok(());
        }
        next = match field.chunk().await {
            Ok(next) => next,
            Err(error) => {
                let _ = pieces.send(Err(std::io::Error::other("the client went away"))).await;
                return Err(cut_off(error));
            }
        };
    }
    Ok(())
}

/// Moves the bytes to the key of their content and writes the row. Only then is the file acknowledged.
async fn remember(state: &AppState, caller: &Caller, repeat: &Idempotency, file: &Received) -> Result<Answer, Error> {
    let sha256 = file.uploaded.sha256;
    let content = format!("file:{}:{}", hex::encode(sha256), file.filename.as_deref().unwrap_or_default());
    let key = repeat.of_content(content.as_bytes());
    if key.is_some() {
        let mut tx = state.store.begin(caller.tenant).await?;
        if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
            discard(state, &file.key).await;
            return Ok(answer);
        }
    }
    // Moving the bytes takes its time: no connection is held meanwhile. A request that is repeated at this moment moves the same bytes to
    // the same place.
    let object_key = evidence_key(caller.tenant, &sha256);
    state.objects.promote(&file.key, &object_key).await?;
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let size = i64::try_from(file.uploaded.size).unwrap_or(i64::MAX);
    let new = NewEvidence { sha256, size, media_type: file.media_type, filename: file.filename.clone(), object_key };
    let inserted = evidence::insert_ready(&mut tx, &new, &caller.actor()).await?;
    let (status, row) = match inserted {
        InsertEvidence::Created(row) => (StatusCode::CREATED, row),
        InsertEvidence::Existing(row) => (StatusCode::OK, row),
    };
    tracing::info!(evidence.id = %row.id, bytes = row.size, "Stored {} bytes as {}", row.size, row.id);
    let answer = answer(status, &Evidence::of(row))?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Removes bytes that nobody will ask for. Left behind, they cost space and nothing else.
pub(super) async fn discard(state: &AppState, key: &str) {
    if let Err(error) = state.objects.delete(key).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "An upload that came to nothing was not removed");
    }
}

async fn small_text(mut field: Field<'_>) -> Result<String, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(cut_off)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > TEXT {
            return Err(Error::TooLarge { limit: TEXT as u64 });
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Kinds of file that people send and we cannot read, so that the answer can name them.
fn known_by_name(head: &[u8]) -> Option<&'static str> {
    let brand = head.get(8..12).filter(|_| head.get(4..8) == Some(b"ftyp"));
    match (brand, head) {
        (Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1"), _) => Some("HEIC"),
        (Some(b"avif" | b"avis"), _) => Some("AVIF"),
        (_, [b'G', b'I', b'F', b'8', ..]) => Some("GIF"),
        (_, [b'P', b'K', 3, 4, ..]) => Some("a ZIP archive"),
        (_, [0x1f, 0x8b, ..]) => Some("a gzip archive"),
        _ => None,
    }
}

/// Carries our own problem through the multipart reader.
#[derive(Debug)]
struct Cut(Problem);

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code.title())
    }
}

impl std::error::Error for Cut {}

fn cut_off(error: MultipartError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        let inner = current.downcast_ref::<Cut>().or_else(|| current.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref());
        if let Some(Cut(problem)) = inner {
            return Error::Request(problem.clone());
        }
        cause = current.source();
    }
    Error::Request(Problem::new(Code::MalformedMultipart))
}

//! `GET /v1/evidence/{id}/content`: the exact bytes, whole or in part, never shown inline.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::EvidenceId;
use store::evidence::{self, EvidenceRow, EvidenceStatus};
use store::objects::read_pieces;

use crate::auth::{Allowed, EvidenceRead};
use crate::input::{Id, etag, matches_etag};
use crate::problem::{Code, Document, Problem};
use crate::state::AppState;
use crate::v1::read_error::ReadError;

/// The bytes of a file.
#[utoipa::path(
    get, path = "/v1/evidence/{id}/content", operation_id = "get_evidence_content", tag = "evidence",
    params(
        ("id" = String, Path, description = "A file"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of these bytes"),
    ),
    responses(
        (status = 200, description = "All bytes, as an attachment", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The bytes of the range", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "They are as `If-None-Match` says"),
        (status = 404, description = "No such file", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "The upload is not complete", body = Document, content_type = "application/problem+json"),
        (status = 416, description = "The range begins behind the end", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<EvidenceRead>,
    Id(id): Id<EvidenceId>,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = evidence::get(&mut tx, id).await?.ok_or(ReadError::NotFound)?;
    drop(tx);
    if row.status != EvidenceStatus::Ready {
        return Err(ReadError::NotReady(Code::EvidenceNotReady));
    }
    let tag = etag(&hex::encode(row.sha256));
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let size = row.size.unsigned_abs();
    let (status, start, end) = match range(&headers, &tag, size) {
        Range::Whole => (StatusCode::OK, 0, size),
        Range::Part { start, end } => (StatusCode::PARTIAL_CONTENT, start, end),
        Range::Unsatisfiable => {
            let total = HeaderValue::try_from(format!("bytes */{size}")).unwrap_or(HeaderValue::from_static("bytes */*"));
            return Err(Problem::new(Code::RangeNotSatisfiable).header(header::CONTENT_RANGE, total).into());
        }
    };
    // After an error in the stream the connection is closed, which tells the client that bytes are missing.
    let pieces = read_pieces(state.objects, row.object_key.clone(), start, end).await?.ok_or(ReadError::NotFound)?;
    let mut response = Response::new(Body::from_stream(pieces));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(row.media_type.as_str()));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, tag);
    headers.insert(header::CONTENT_DISPOSITION, disposition(&row));
    // The bytes are a stranger's: no browser may run them as ours.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = HeaderValue::try_from(format!("bytes {start}-{}/{size}", end - 1))
    {
        headers.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

fn disposition(row: &EvidenceRow) -> HeaderValue {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let name: String = row.filename.as_deref().unwrap_or("evidence").chars().map(|c| if plain(c) { c } else { '_' }).collect();
    HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).unwrap_or(HeaderValue::from_static("attachment"))
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    /// From `start` to just before `end`.
    Part {
        start: u64,
        end: u64,
    },
    Unsatisfiable,
}

/// One range in bytes. Several ranges, other units and what cannot be read are ignored, as RFC 9110 allows.
fn range(headers: &HeaderMap, tag: &HeaderValue, size: u64) -> Range {
    let only_if = headers.get(header::IF_RANGE);
    if only_if.is_some_and(|known| known != tag) {
        return Range::Whole;
    }
    let Some(spec) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("bytes=")) else {
        return Range::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else { return Range::Whole };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last && first < size => Range::Part { start: first, end: last.saturating_add(1).min(size) },
        (Ok(first), Err(_)) if last.trim().is_empty() && first < size => Range::Part { start: first, end: size },
        (Ok(first), _) if first >= size => Range::Unsatisfiable,
        (Err(_), Ok(0)) if first.trim().is_empty() => Range::Unsatisfiable,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => Range::Part { start: size.saturating_sub(suffix), end: size },
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        let tag = etag("t");
        let cases = [
            ("bytes=0-3", Range::Part { start: 0, end: 4 }),
            ("bytes=8-99", Range::Part { start: 8, end: 10 }),
            ("bytes=4-", Range::Part { start: 4, end: 10 }),
            ("bytes=-3", Range::Part { start: 7, end: 10 }),
            ("bytes=-99", Range::Part { start: 0, end: 10 }),
            ("bytes=10-", Range::Unsatisfiable),
            ("bytes=-0", Range::Unsatisfiable),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("pages=1-2", Range::Whole),
        ];
        for (line, expected) in cases {
            let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(line))]);
            assert_eq!(range(&headers, &tag, 10), expected, "{line}");
        }
    }
}

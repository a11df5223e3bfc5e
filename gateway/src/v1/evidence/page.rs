//! `GET /v1/evidence/{id}/pages/{n}.png`: a page as the pipeline saw it, upright and rendered by us.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::EvidenceId;
use store::evidence;
use store::objects::page_key;

use crate::auth::{Allowed, EvidenceRead};
use crate::input::{etag, matches_etag};
use crate::problem::{Code, Document};
use crate::state::AppState;
use crate::v1::read_error::ReadError;

/// The image of a page.
#[utoipa::path(
    get, path = "/v1/evidence/{id}/pages/{page}", operation_id = "get_evidence_page", tag = "evidence",
    params(
        ("id" = String, Path, description = "A file"),
        ("page" = String, Path, description = "Page number from 1 and `.png`, as in `4.png`", pattern = "^[1-9][0-9]{0,5}\\.png$"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this image"),
    ),
    responses(
        (status = 200, description = "The page as PNG", body = Vec<u8>, content_type = "image/png"),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such file or page, or `page_not_ready`", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<EvidenceRead>,
    Path((id, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ReadError> {
    let id: EvidenceId = id.parse().map_err(|_| ReadError::NotFound)?;
    let page = page_number(&page).ok_or(ReadError::NotFound)?;
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = evidence::get(&mut tx, id).await?.ok_or(ReadError::NotFound)?;
    drop(tx);
    let beyond = row.pages.is_some_and(|pages| i64::from(pages) < i64::from(page));
    if beyond {
        return Err(ReadError::NotFound);
    }
    // The image follows from the bytes, the renderer's version and the number.
    let tag = etag(&format!("{}.{page}", hex::encode(&row.sha256[..8])));
    let key = page_key(caller.tenant, &row.sha256, &state.page_version, page);
    let image = state.objects.get(&key).await?.ok_or(ReadError::NotReady(Code::PageNotReady))?;
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = HeaderValue::from_static("image/png");
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind), (header::ETAG, tag)], image).into_response())
}

fn page_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".png")?;
    let spelt = !digits.is_empty() && digits.len() <= 6 && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if spelt { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_names_have_one_spelling() {
        assert_eq!(page_number("1.png"), Some(1));
        assert_eq!(page_number("1000.png"), Some(1000));
        for name in ["0.png", "01.png", "1", "1.jpg", ".png", "-1.png", "+1.png", "9999999.png", "1.png.png"] {
            assert_eq!(page_number(name), None, "{name}");
        }
    }
}

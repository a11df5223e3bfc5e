//! Evidence as people look at it: page images in three sizes, and the file itself for who wants it.

use std::io::Cursor;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::id::EvidenceId;
use domain::person::Right;
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::{ExtendedColorType, ImageEncoder, ImageFormat, ImageReader, codecs::png::PngEncoder};
use serde::Deserialize;
use store::evidence::{self, EvidenceRow, EvidenceStatus};
use store::objects::{page_key, read_pieces};

use crate::pages::opening;
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// Widths in pixels of the smaller sizes; `large` is as the pipeline saw it.
const SMALL: u32 = 320;
const MEDIUM: u32 = 1_000;

/// A page's image, as a template shows it.
pub struct Picture {
    pub page: u32,
    pub small: String,
    pub medium: String,
    pub large: String,
    /// Its words, as data and as a page.
    pub words: String,
    pub text: String,
}

impl Picture {
    /// The addresses hold what the image depends on, so browsers may keep it.
    pub fn of(row: &EvidenceRow, page: u32, state: &AppState) -> Self {
        let at = format!("/evidence/{}/pages/{page}", row.id);
        let size = |size: &str| format!("{at}?size={size}&v={}", state.page_version);
        Self {
            page,
            small: size("small"),
            medium: size("medium"),
            large: size("large"),
            words: format!("{at}/words?v={}", state.page_version),
            text: format!("{at}/text"),
        }
    }
}

/// Which size.
#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    size: String,
}

/// `GET /evidence/{id}/pages/{page}`.
pub async fn page(
    State(state): State<AppState>,
    person: Person,
    Path((id, page)): Path<(String, u32)>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id: EvidenceId = id.parse().map_err(|_| Problem::NotFound)?;
    let width = match wish.size.as_str() {
        "small" => Some(SMALL),
        "medium" => Some(MEDIUM),
        _ => None,
    };
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = evidence::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    drop(tx);
    let key = page_key(person.tenant(), &row.sha256, &state.page_version, page);
    let tag = format!("\"{}.{}.{page}.{}\"", hex::encode(&row.sha256[..8]), state.page_version, width.unwrap_or_default());
    let fresh = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let etag = HeaderValue::try_from(tag).map_err(|_| Problem::NotFound)?;
    // Only this browser may keep it, and for as long as the content's address stays.
    let keep = (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=604800, immutable"));
    if fresh {
        opening::read(&state, &person, &headers, id).await?;
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag), keep]).into_response());
    }
    let cached = format!("{key}?{}", width.unwrap_or_default());
    let image = match state.images.get(&cached) {
        Some(image) => image,
        None => {
            let whole = state.objects.get(&key).await?.ok_or(Problem::NotFound)?;
            let image = match width {
                Some(width) => tokio::task::spawn_blocking(move || narrowed(whole, width)).await.map_err(|_| Problem::NotFound)?,
                None => whole,
            };
            state.images.insert(cached, image.clone());
            image
        }
    };
    opening::read(&state, &person, &headers, id).await?;
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
    Ok(([kind, keep, (header::ETAG, etag)], image).into_response())
}

/// `GET /evidence/{id}/content`: the bytes as they came, to be saved and not shown.
pub async fn content(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id: EvidenceId = id.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = evidence::get(&mut tx, id).await?.filter(|row| row.status == EvidenceStatus::Ready).ok_or(Problem::NotFound)?;
    drop(tx);
    let size = row.size.unsigned_abs();
    opening::downloaded(&state, &person, &headers, id).await?;
    // After an error in the stream the connection is closed, which tells the browser that bytes are missing.
    let pieces = read_pieces(state.objects, row.object_key, 0, size).await?.ok_or(Problem::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(row.media_type.as_str())),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        // The bytes are a stranger's: no browser may run them as ours.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The image at that width; as it is when it is narrower, or none of ours.
fn narrowed(png: Bytes, width: u32) -> Bytes {
    scale(&png, width).map_or(png, Bytes::from)
}

fn scale(png: &[u8], width: u32) -> Option<Vec<u8>> {
    let picture = ImageReader::with_format(Cursor::new(png), ImageFormat::Png).decode().ok()?.into_luma8();
    if picture.width() <= width {
        return None;
    }
    let height = (u64::from(picture.height()) * u64::from(width)).div_ceil(u64::from(picture.width()));
    let height = u32::try_from(height).ok()?.max(1);
    let source = Image::from_vec_u8(picture.width(), picture.height(), picture.into_raw(), PixelType::U8).ok()?;
    let mut target = Image::new(width, height, PixelType::U8);
    Resizer::new().resize(&source, &mut target, None).ok()?;
    let mut out = Vec::new();
    PngEncoder::new(&mut out).write_image(target.buffer(), width, height, ExtendedColorType::L8).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;

    fn png(width: u32, height: u32) -> Bytes {
        let mut out = Cursor::new(Vec::new());
        GrayImage::from_pixel(width, height, image::Luma([200])).write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner().into()
    }

    #[test]
    fn pictures_are_narrowed_and_never_widened() {
        let narrow = image::load_from_memory(&narrowed(png(1_000, 501), 320)).unwrap();
        assert_eq!((narrow.width(), narrow.height()), (320, 161));
        assert_eq!(narrowed(png(300, 100), 320), png(300, 100));
        assert_eq!(narrowed(Bytes::from_static(b"no picture"), 320), "no picture");
    }
}

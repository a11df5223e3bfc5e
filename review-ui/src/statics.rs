//! Style and scripts, in the binary. Their addresses change with their content, so browsers keep them for ever.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 11] = [
    File { name: "desk.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../static/desk.css") },
    File { name: "desk.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/desk.js") },
    File { name: "fields.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/fields.js") },
    File { name: "keys.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/keys.js") },
    File { name: "lease.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/lease.js") },
    File { name: "live.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/live.js") },
    File { name: "refresh.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/refresh.js") },
    File { name: "time.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/time.js") },
    File { name: "viewer.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/viewer.js") },
    // htmx 2.0.8, 0BSD, https://htmx.org; as published.
    File { name: "htmx.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/htmx.min.js") },
    File { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("../static/icon.svg") },
];

/// Changes when any of the files does.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for file in &FILES {
        hasher.update((file.bytes.len() as u64).to_be_bytes());
        hasher.update(file.bytes);
    }
    hex::encode(&hasher.finalize()[..6])
});

/// What addresses of static files begin with.
pub fn base() -> String {
    format!("/static/{}", *VERSION)
}

/// The files compressed, once. Pages are not: next to what somebody typed, their length would tell of the token in their forms.
static ZIPPED: LazyLock<[Vec<u8>; FILES.len()]> = LazyLock::new(|| FILES.each_ref().map(|file| zip(file.bytes).unwrap_or_default()));

fn zip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// `GET /static/{version}/{name}`. An older version gets what there is now, because an open page may still ask.
pub async fn serve(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(index) = FILES.iter().position(|file| file.name == name) else { return StatusCode::NOT_FOUND.into_response() };
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    let head = [(header::CONTENT_TYPE, FILES[index].kind), (header::CACHE_CONTROL, keep), (header::VARY, "accept-encoding")];
    let zipped = &ZIPPED[index];
    if takes_gzip(&headers) && !zipped.is_empty() {
        return (head, [(header::CONTENT_ENCODING, "gzip")], zipped.as_slice()).into_response();
    }
    (head, FILES[index].bytes).into_response()
}

/// Whether the browser reads gzip: it names it, and not to forbid it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn files_are_compressed_for_who_reads_that() {
        for (line, zipped) in [("gzip, deflate, br", true), ("br;q=1, gzip;q=0.5", true), ("gzip;q=0", false), ("br", false), ("", false)] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(line))]);
            let answer = serve(Path((VERSION.clone(), "desk.css".to_owned())), headers).await;
            assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), zipped, "{line}");
            assert_eq!(answer.headers()[header::VARY], "accept-encoding");
        }
    }
}

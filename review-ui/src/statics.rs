//! Style and scripts, in the binary. Their addresses change with their content, so browsers keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 5] = [
    File { name: "desk.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../static/desk.css") },
    File { name: "desk.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/desk.js") },
    // htmx 2.0.8, 0BSD, https://htmx.org; as published.
    File { name: "htmx.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../static/htmx.min.js") },
    File { name: "icons.svg", kind: "image/svg+xml", bytes: include_bytes!("../static/icons.svg") },
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

/// `GET /static/{version}/{name}`. An older version gets what there is now, because an open page may still ask.
pub async fn serve(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else { return StatusCode::NOT_FOUND.into_response() };
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, file.kind), (header::CACHE_CONTROL, keep)], file.bytes).into_response()
}

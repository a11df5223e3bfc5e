//! `GET /problems/{code}`: what the `type` of a problem document resolves to.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{Code, Problem};

/// A short page for people. It holds nothing of any request.
pub async fn page(Path(word): Path<String>) -> Response {
    let Some(code) = Code::parse(&word) else {
        return Problem::new(Code::NotFound).into_response();
    };
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p><code>{word}</code>, status {status}{again}</p><p>{text}</p></html>\n",
        title = code.title(),
        word = code.as_str(),
        status = code.status().as_u16(),
        again = if code.retryable() { ", the same request may work later" } else { "" },
        text = escape(code.explanation()),
    );
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")], html).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

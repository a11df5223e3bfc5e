//! The words of a page: as data for the viewer that lays them over the image, and as a page of plain text for everybody else.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::block::PageWords;
use domain::id::EvidenceId;
use domain::person::Right;
use domain::reading::window_of;
use serde_json::{Value, json};
use store::evidence::{self, EvidenceRow};

use crate::layout::{Layout, Place};
use crate::pages::opening;
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::reading::{self, LONGEST_WORD, MOST_WORDS};
use crate::state::AppState;

/// `GET /evidence/{id}/pages/{page}/words`: `lines`, each a list of `[text, left, top, width, height]` in 0..1 of the page; `cut` when
/// there were more words than are told.
pub async fn words(
    State(state): State<AppState>,
    person: Person,
    Path((id, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (row, page) = page_of(&state, &person, &headers, &id, &page).await?;
    let Some((version, words)) = read(&state, &person, &row, page).await? else {
        // It may be read in a moment: nobody keeps this answer.
        return Ok(told(&json!({ "page": page, "lines": [], "cut": false })));
    };
    let content = [row.sha256.as_slice(), state.page_version.as_bytes(), version.as_bytes(), &page.to_be_bytes()];
    let tag = format!("\"{}\"", hex::encode(&domain::reading::content_hash(&content)[..12]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { told(&listed(page, &words)) };
    let etag = HeaderValue::try_from(tag).map_err(|_| Problem::NotFound)?;
    response.headers_mut().insert(header::ETAG, etag);
    // Only this browser may keep it. A later reader may spell a word otherwise; the image that they lie on stays the same.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=604800, immutable"));
    Ok(response)
}

/// JSON in which no character can open a tag, whatever a browser takes it for.
fn told(value: &Value) -> Response {
    let text = value.to_string().replace('<', "\\u003c");
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}

fn listed(page: u32, words: &PageWords) -> Value {
    let told = &words.words[..words.words.len().min(MOST_WORDS)];
    // Four places are a third of a pixel of the largest image, and a third of the bytes.
    let short = |share: f32| (f64::from(share) * 10_000.0).round() / 10_000.0;
    let word = |word: &domain::block::Word| {
        let text: String = word.text.chars().take(LONGEST_WORD).collect();
        json!([text, short(word.bbox.left()), short(word.bbox.top()), short(word.bbox.width()), short(word.bbox.height())])
    };
    let lines: Vec<Vec<Value>> = reading::lines(told).into_iter().map(|line| told[line].iter().map(word).collect()).collect();
    json!({ "page": page, "lines": lines, "cut": told.len() < words.words.len() })
}

#[derive(Template)]
#[template(path = "text.html")]
struct Page {
    layout: Layout,
    name: String,
    page: u32,
    total: u32,
    image: String,
    before: Option<String>,
    after: Option<String>,
    lines: Vec<String>,
    cut: bool,
}

/// `GET /evidence/{id}/pages/{page}/text`.
pub async fn page(
    State(state): State<AppState>,
    person: Person,
    Path((id, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (row, page) = page_of(&state, &person, &headers, &id, &page).await?;
    let layout = Layout::of(&state, &person, Place::Queue, format!("Text of page {page}")).await?;
    let words = read(&state, &person, &row, page).await?.map(|(_, words)| words.words).unwrap_or_default();
    let told = &words[..words.len().min(MOST_WORDS)];
    let other = |page: u32| format!("/evidence/{}/pages/{page}/text", row.id);
    problem::page(&Page {
        layout,
        name: row.filename.clone().unwrap_or_else(|| row.id.to_string()),
        page,
        total: reading::pages(&row),
        image: super::evidence::Picture::of(&row, page, &state).large,
        before: (page > 1).then(|| other(page - 1)),
        after: (page < reading::pages(&row)).then(|| other(page + 1)),
        lines: reading::lines(told).into_iter().map(|line| reading::joined(&told[line])).collect(),
        cut: told.len() < words.len(),
    })
}

/// A file of the person's tenant that has this page, which they have opened by asking.
async fn page_of(state: &AppState, person: &Person, headers: &HeaderMap, id: &str, page: &str) -> Result<(EvidenceRow, u32), Problem> {
    person.require(Right::Read)?;
    let id: EvidenceId = id.parse().map_err(|_| Problem::NotFound)?;
    let page: u32 = page.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = evidence::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    drop(tx);
    if !(1..=reading::pages(&row)).contains(&page) {
        return Err(Problem::NotFound);
    }
    opening::read(state, person, headers, id).await?;
    Ok((row, page))
}

async fn read(state: &AppState, person: &Person, row: &EvidenceRow, page: u32) -> Result<Option<(String, PageWords)>, Problem> {
    let window: Vec<_> = window_of(page, reading::pages(row)).into_iter().collect();
    let mut tx = state.store.begin(person.tenant()).await?;
    let found = reading::locate(&mut tx, state, row, &window).await?;
    drop(tx);
    reading::words(state, found, page).await
}

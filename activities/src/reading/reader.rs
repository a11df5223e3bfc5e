//! Reads prepared pages: by their own text where the page shows it, by Tesseract and our own recogniser otherwise.

use std::sync::Arc;

use bytes::Bytes;
use domain::block::{BBox, PageWords, Source, Word};
use domain::blocker::Blocker;
use image::GrayImage;
use rustix::time::{ClockId, clock_gettime};

use crate::reading::agree::{self, Verdict};
use crate::reading::ink::{Ink, letters, typical_height};
use crate::reading::pool::Pool;
use crate::reading::recogniser::Recogniser;
use crate::reading::tesseract::{self, Engine, Layout, tesseract_version};
use crate::reading::{TextLayerState, picture};

/// Height in pixels at which Tesseract's network reads letters best.
pub const LETTER_HEIGHT: f32 = 32.0;
/// Enlarging further adds nothing, shrinking further loses strokes.
const FACTORS: (f32, f32) = (0.6, 3.0);
/// Changes with everything that changes what is read from the same page.
const RECIPE: &str = "pages@1";
/// Mean confidence from which one pass is enough.
const SURE: f32 = 0.92;
/// A pass with fewer letters than this is never sure of itself.
const SURE_LETTERS: usize = 20;

/// A prepared page as the store gives it back.
#[derive(Debug, Clone)]
pub struct PageInput {
    /// From 1.
    pub page: u32,
    /// The PNG of `PreparedPage`.
    pub image: Bytes,
    pub text_layer: Option<PageWords>,
    pub text_layer_state: TextLayerState,
    pub blank: bool,
}

/// What was read of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRead {
    pub words: PageWords,
    /// The same words as our own recogniser reads them, where the page had to be read from its pixels and there are weights.
    pub second: Option<PageWords>,
    /// What a person must know about the page.
    pub blockers: Vec<Blocker>,
    /// The page holds nothing to read.
    pub blank: bool,
    /// CPU time of the reading thread.
    pub cpu_seconds: f64,
}

/// Why a page was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The image is none of ours; trying again gives the same.
    #[error("the image of page {page} cannot be decoded")]
    Unreadable {
        page: u32,
        #[source]
        source: image::ImageError,
    },
    /// The queue stayed full; trying again can help.
    #[error("every reading thread is busy")]
    Overloaded,
    /// A reading thread ended; trying again can help.
    #[error("the reading thread was lost")]
    Lost,
    /// Tesseract failed on this page; trying again can help.
    #[error("Tesseract could not read page {page}")]
    Engine {
        page: u32,
        #[source]
        source: tesseract::Error,
    },
    #[error("Tesseract could not be loaded")]
    Load(#[source] tesseract::Error),
    #[error("a reading thread could not be started")]
    Thread(#[source] std::io::Error),
}

/// Tesseract on threads of its own, and beside it our own recogniser.
pub struct Reader {
    pool: Pool,
    recogniser: Option<Arc<Recogniser>>,
    name: String,
}

impl Reader {
    /// Loads an engine per thread. The process must have been started with `OMP_THREAD_LIMIT=1`, see `omp_limited`.
    pub fn start(threads: usize, recogniser: Option<Arc<Recogniser>>) -> Result<Self, ReadError> {
        let version = tesseract_version().map_err(ReadError::Load)?;
        let beside = recogniser.as_ref().map(|recogniser| format!("+{}", recogniser.name())).unwrap_or_default();
        Ok(Self { pool: Pool::start(threads)?, recogniser, name: format!("tesseract@{version}+{RECIPE}{beside}") })
    }

    /// Engine, version and recipe; results are kept under it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Pages that are read at the same time.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Reads one page.
    pub async fn read_page(&self, input: PageInput) -> Result<PageRead, ReadError> {
        let recogniser = self.recogniser.clone();
        self.pool
            .run(move |engine| {
                let began = thread_seconds();
                read_page(engine, recogniser.as_deref(), input).map(|read| PageRead { cpu_seconds: thread_seconds() - began, ..read })
            })
            .await?
    }
}

fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn read_page(engine: &Engine, recogniser: Option<&Recogniser>, input: PageInput) -> Result<PageRead, ReadError> {
    let page = input.page;
    let unreadable = |source| ReadError::Unreadable { page, source };
    if let (TextLayerState::Given, Some(words)) = (input.text_layer_state, &input.text_layer) {
        return Ok(plain(words.clone()));
    }
    if input.blank {
        let size = picture::dimensions(&input.image).map_err(unreadable)?;
        return Ok(PageRead { blank: true, ..plain(of(page, size, Source::Ocr, Vec::new())) });
    }
    let picture = picture::decode(&input.image).map_err(unreadable)?;
    let size = picture.dimensions();
    let failed = |source| ReadError::Engine { page, source };
    let read = || read_picture(engine, &picture).map_err(failed);
    let ocr = |words, blockers| ocr(recogniser, page, &picture, words, blockers);
    let hidden = vec![Blocker::HiddenTextDisagrees { page }];
    let layer = input.text_layer.map(|layer| layer.words).unwrap_or_default();
    match input.text_layer_state {
        TextLayerState::Drawn if !layer.is_empty() => match agree::sample(engine, &picture, &layer).map_err(failed)? {
            Verdict::Agrees => Ok(plain(of(page, size, Source::TextLayer, layer))),
            Verdict::Disagrees => Ok(ocr(read()?, hidden)),
        },
        TextLayerState::Overlaid if !layer.is_empty() => {
            let read = read()?;
            match agree::whole(engine, &picture, &layer, &read).map_err(failed)? {
                Verdict::Agrees => Ok(plain(of(page, size, Source::TextLayer, agree::merge(layer, read)))),
                Verdict::Disagrees => Ok(ocr(read, hidden)),
            }
        }
        TextLayerState::Disagrees => Ok(ocr(read()?, hidden)),
        TextLayerState::None | TextLayerState::Given | TextLayerState::Drawn | TextLayerState::Overlaid => Ok(ocr(read()?, Vec::new())),
    }
}

/// Words that nobody doubts.
fn plain(words: PageWords) -> PageRead {
    PageRead { words, second: None, blockers: Vec::new(), blank: false, cpu_seconds: 0.0 }
}

/// What Tesseract read, and what our own recogniser reads in the same lines. A net that fails leaves Tesseract's words alone.
fn ocr(recogniser: Option<&Recogniser>, page: u32, picture: &GrayImage, words: Vec<Word>, blockers: Vec<Blocker>) -> PageRead {
    let size = picture.dimensions();
    let second = recogniser.filter(|_| !words.is_empty()).and_then(|recogniser| {
        let read = recogniser.read(picture, &words);
        let told = |error: &models::recogniser::reader::ReadError| {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                page,
                "The recogniser could not read a page; Tesseract's reading stands alone"
            );
        };
        read.inspect_err(told).ok().map(|words| of(page, size, Source::Recogniser, words))
    });
    PageRead { blank: words.is_empty(), second, blockers, ..plain(of(page, size, Source::Ocr, words)) }
}

fn of(page: u32, (width, height): (u32, u32), source: Source, words: Vec<Word>) -> PageWords {
    PageWords { page, aspect: width as f32 / height.max(1) as f32, source, words }
}

/// Reads a page in two ways over one prepared picture, and unites what they give.
fn read_picture(engine: &Engine, page: &GrayImage) -> Result<Vec<Word>, tesseract::Error> {
    let ink = Ink::of(page);
    let pieces = ink.pieces();
    if pieces.is_empty() {
        return Ok(Vec::new());
    }
    let height = typical_height(&letters(&pieces, &ink)).map(|height| height * ink.scale);
    let factor = f64::from(height.map_or(1.0, |height| (LETTER_HEIGHT / height).clamp(FACTORS.0, FACTORS.1)));
    let scaled = picture::resize(page, picture::scaled_side(page.width(), factor), picture::scaled_side(page.height(), factor));
    let prepared = picture::soften(&scaled);
    let mut words = pass(engine, &prepared, Layout::Block)?;
    if !sure(&words) {
        let other = pass(engine, &prepared, Layout::Column)?;
        words = agree::unite(words, other);
    }
    agree::sort_by_lines(&mut words);
    Ok(words)
}

fn pass(engine: &Engine, picture: &GrayImage, layout: Layout) -> Result<Vec<Word>, tesseract::Error> {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let share = |edge: f32, side: f32| (edge / side).clamp(0.0, 1.0);
    let words = engine.read(picture, layout)?.into_iter().map(|word| {
        let [left, top, right, bottom] = word.place;
        let bbox = BBox([share(left, width), share(top, height), share(right, width), share(bottom, height)]);
        Word { text: word.text, bbox, confidence: word.confidence }
    });
    // Rules and specks come as words without letters, as large as a picture or as small as dust.
    Ok(words.filter(|word| word.text.chars().any(char::is_alphanumeric) || word.confidence > 0.5).collect())
}

fn sure(words: &[Word]) -> bool {
    let letters: usize = words.iter().map(|word| word.text.chars().count()).sum();
    letters >= SURE_LETTERS && agree::mean_confidence(words) >= SURE
}

//! One Tesseract engine. It only ever sees grey rasters of our own making.

use image::GrayImage;
use tesseract_rs::{TessPageSegMode, TesseractAPI, TesseractError};

/// Resolution that goes with letters of `reader::LETTER_HEIGHT`, so that Tesseract guesses none.
const RESOLUTION: i32 = 300;

/// How Tesseract is to see the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One column of text of different sizes (mode 4).
    Column,
    /// One block of text (mode 6).
    Block,
    /// One line (mode 7).
    Line,
}

/// Keeps the image library below Tesseract from writing its own lines between those of the log.
#[expect(unsafe_code, reason = "sets one number in the library; there is no safe wrapper")]
fn silence_leptonica() {
    /// `L_SEVERITY_NONE` of Leptonica's `environ.h`: no message is severe enough.
    const NONE: std::ffi::c_int = 6;
    #[link(name = "leptonica")]
    unsafe extern "C" {
        fn setMsgSeverity(severity: std::ffi::c_int) -> std::ffi::c_int;
    }
    // SAFETY: the function stores its argument and returns the number before.
    unsafe { setMsgSeverity(NONE) };
}

/// A word in pixels of the picture that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct RawWord {
    pub text: String,
    /// Left, top, right, bottom.
    pub place: [f32; 4],
    /// 0..=1.
    pub confidence: f32,
}

/// A loaded engine; belongs to one thread.
pub struct Engine {
    api: TesseractAPI,
}

impl Engine {
    /// Loads the English model from where the library looks for it (`TESSDATA_PREFIX`, else its own default).
    pub fn load() -> Result<Self, TesseractError> {
        silence_leptonica();
        let api = TesseractAPI::new();
        api.init("", "eng")?;
        // The library writes its doubts about single pages to standard error otherwise.
        api.set_variable("debug_file", "/dev/null")?;
        Ok(Self { api })
    }

    /// Reads one picture. No text is an empty list.
    pub fn read(&self, picture: &GrayImage, layout: Layout) -> Result<Vec<RawWord>, TesseractError> {
        let mode = match layout {
            Layout::Column => TessPageSegMode::PSM_SINGLE_COLUMN,
            Layout::Block => TessPageSegMode::PSM_SINGLE_BLOCK,
            Layout::Line => TessPageSegMode::PSM_SINGLE_LINE,
        };
        let (width, height) = (side(picture.width())?, side(picture.height())?);
        self.api.set_page_seg_mode(mode)?;
        self.api.set_image(picture.as_raw(), width, height, 1, width)?;
        self.api.set_source_resolution(RESOLUTION)?;
        self.api.recognize()?;
        let words = self.words();
        self.api.clear()?;
        Ok(words)
    }

    fn words(&self) -> Vec<RawWord> {
        // The library answers with no iterator where it found no text.
        let Ok(iterator) = self.api.get_iterator() else { return Vec::new() };
        let mut words = Vec::new();
        loop {
            if let Ok((text, left, top, right, bottom, confidence)) = iterator.get_current_word() {
                let text = text.split_whitespace().collect::<String>();
                if !text.is_empty() {
                    let place = [left, top, right, bottom].map(|edge| edge as f32);
                    words.push(RawWord { text, place, confidence: (confidence / 100.0).clamp(0.0, 1.0) });
                }
            }
            if !matches!(iterator.next_word(), Ok(true)) {
                return words;
            }
        }
    }
}

fn side(pixels: u32) -> Result<i32, TesseractError> {
    // Leptonica's own limit on a side.
    i32::try_from(pixels).ok().filter(|side| (1..=32_000).contains(side)).ok_or(TesseractError::InvalidDimensions)
}

/// The library's version, like `5.3.0`.
pub fn tesseract_version() -> String {
    TesseractAPI::version()
}

/// Whether OpenMP inside Tesseract was told to use one thread before this process started: two engines side by side are four times slower
/// otherwise. The library reads the variable when it is loaded, so setting it later does nothing.
pub fn omp_limited() -> bool {
    std::env::var("OMP_THREAD_LIMIT").is_ok_and(|limit| limit.trim() == "1")
}

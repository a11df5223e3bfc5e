//! One Tesseract engine. It only ever sees grey rasters of our own making.

mod library;

use std::ffi::{CStr, c_int};
use std::ptr;
use std::time::Duration;

use image::GrayImage;
use library::{Api, Iter, Library, Monitor, library};

/// Resolution that goes with letters of `reader::LETTER_HEIGHT`, so that Tesseract guesses none.
const RESOLUTION: c_int = 300;
/// One pass over a page takes seconds; one that takes this long is given up, so that no page keeps a reading thread for ever.
const PASS: Duration = Duration::from_secs(100);
/// `RIL_WORD` of `tesseract/publictypes.h`.
const WORD: c_int = 3;

/// Why Tesseract did not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the library of Tesseract cannot be opened ({reason}); install tesseract-ocr")]
    Library { reason: String },
    #[error("the English model of Tesseract cannot be loaded; install tesseract-ocr-eng, or set TESSDATA_PREFIX to its folder")]
    Model,
    #[error("a picture of {width} x {height} pixels is beyond what Tesseract reads")]
    Size { width: u32, height: u32 },
    #[error("Tesseract gave up on a picture")]
    Recognition,
}

/// How Tesseract is to see the page: its page segmentation modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One column of text of different sizes.
    Column = 4,
    /// One block of text.
    Block = 6,
    /// One line.
    Line = 7,
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
    library: &'static Library,
    /// From `create`, until the drop.
    api: Api,
    /// Lives as long as the engine.
    monitor: Monitor,
}

#[expect(unsafe_code, reason = "the engine is a C++ object behind C functions")]
impl Engine {
    /// Loads the English model from where the library looks for it (`TESSDATA_PREFIX`, else its own default).
    pub fn load() -> Result<Self, Error> {
        let library = library()?;
        // SAFETY: both take nothing; the pointers are given back to no other functions than this library's.
        let engine = unsafe { Self { library, api: (library.create)(), monitor: (library.monitor_create)() } };
        // SAFETY: the engine lives, a null path means the default, and the strings end with a zero.
        let outcome = unsafe { (library.init)(engine.api, ptr::null(), c"eng".as_ptr()) };
        if outcome != 0 {
            return Err(Error::Model);
        }
        // SAFETY: as above. The library writes its doubts about single pages to standard error otherwise.
        unsafe { (library.set_variable)(engine.api, c"debug_file".as_ptr(), c"/dev/null".as_ptr()) };
        Ok(engine)
    }

    /// Reads one picture. No text is an empty list.
    pub fn read(&self, picture: &GrayImage, layout: Layout) -> Result<Vec<RawWord>, Error> {
        self.read_within(picture, layout, PASS)
    }

    fn read_within(&self, picture: &GrayImage, layout: Layout, time: Duration) -> Result<Vec<RawWord>, Error> {
        let (width, height) = sides(picture)?;
        let library = self.library;
        // SAFETY: the picture holds one byte per pixel and `width` bytes per row, and outlives the `clear` at the end, after which the
        // engine knows nothing of it.
        unsafe {
            (library.set_page_seg_mode)(self.api, layout as c_int);
            (library.set_image)(self.api, picture.as_raw().as_ptr(), width, height, 1, width);
            (library.set_source_resolution)(self.api, RESOLUTION);
            (library.monitor_deadline)(self.monitor, c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX));
            let outcome = (library.recognize)(self.api, self.monitor);
            let words = self.words();
            (library.clear)(self.api);
            if outcome == 0 { Ok(words) } else { Err(Error::Recognition) }
        }
    }

    fn words(&self) -> Vec<RawWord> {
        // SAFETY: the engine lives; it answers null where it found no text.
        let iter = unsafe { (self.library.iterator)(self.api) };
        if iter.is_null() {
            return Vec::new();
        }
        let mut words = Vec::new();
        loop {
            words.extend(self.word(iter));
            // SAFETY: the iterator lives until it is deleted, once, below.
            if unsafe { (self.library.iterator_next)(iter, WORD) } == 0 {
                unsafe { (self.library.iterator_delete)(iter) };
                return words;
            }
        }
    }

    /// The word that the iterator stands on; none where a page has an empty block.
    fn word(&self, iter: Iter) -> Option<RawWord> {
        // SAFETY: the iterator lives, and the text it gives is ours to delete.
        let text = unsafe {
            let text = (self.library.iterator_text)(iter, WORD);
            if text.is_null() {
                return None;
            }
            let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
            (self.library.delete_text)(text);
            owned
        };
        let text: String = text.split_whitespace().collect();
        let [mut left, mut top, mut right, mut bottom] = [0; 4];
        // SAFETY: the four numbers outlive the call.
        let placed = unsafe { (self.library.iterator_box)(iter, WORD, &mut left, &mut top, &mut right, &mut bottom) };
        // SAFETY: the iterator lives.
        let percent = unsafe { (self.library.iterator_confidence)(iter, WORD) };
        let place = [left, top, right, bottom].map(|edge| edge as f32);
        (placed != 0 && !text.is_empty()).then(|| RawWord { text, place, confidence: (percent / 100.0).clamp(0.0, 1.0) })
    }
}

#[expect(unsafe_code, reason = "the engine is a C++ object behind C functions")]
impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: created by the same library, deleted once; the engine goes before the monitor that it may know.
        unsafe {
            (self.library.delete)(self.api);
            (self.library.monitor_delete)(self.monitor);
        }
    }
}

/// Width and height, within Leptonica's own limit on a side.
fn sides(picture: &GrayImage) -> Result<(c_int, c_int), Error> {
    let (width, height) = picture.dimensions();
    let side = |pixels: u32| c_int::try_from(pixels).ok().filter(|side| (1..=32_000).contains(side));
    side(width).zip(side(height)).ok_or(Error::Size { width, height })
}

/// The version of the library that is installed, like `5.3.0`.
pub fn tesseract_version() -> Result<String, Error> {
    Ok(library()?.version())
}

/// Whether OpenMP inside Tesseract was told to use one thread before this process started: two engines side by side are four times slower
/// otherwise. The library reads the variable when it is loaded, so setting it later does nothing.
pub fn omp_limited() -> bool {
    std::env::var("OMP_THREAD_LIMIT").is_ok_and(|limit| limit.trim() == "1")
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    /// Rows of `HILL HILL`, drawn as bars.
    fn hills() -> GrayImage {
        let bars = |letter: u32, x: u32, y: u32| match letter {
            0 => x < 4 || (16..20).contains(&x) || (14..18).contains(&y) && x < 20,
            1 => (8..12).contains(&x),
            _ => x < 4 || y >= 28 && x < 16,
        };
        let inked = |x: u32, y: u32| {
            let (word, letter) = (x % 150, x % 150 / 26);
            y % 60 < 32 && letter < 4 && bars(letter, word % 26, y % 60)
        };
        GrayImage::from_fn(900, 300, |x, y| Luma([if x >= 40 && y >= 40 && inked(x - 40, y - 40) { 0 } else { 255 }]))
    }

    #[test]
    fn a_pass_that_takes_too_long_is_given_up() {
        let engine = Engine::load().unwrap();
        assert_eq!(engine.read_within(&hills(), Layout::Block, Duration::from_millis(1)), Err(Error::Recognition));
        let words = engine.read(&hills(), Layout::Block).unwrap();
        assert!(words.iter().any(|word| word.text == "HILL"), "the next page is read as ever: {words:?}");
    }
}

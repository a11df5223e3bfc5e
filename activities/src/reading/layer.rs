//! The text that a PDF page carries: its words and their places, and whether the page shows ink where they stand.

use domain::block::{BBox, Word};
use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::hayro_syntax::page::Page;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache, InterpreterSettings, SoftMask,
    TransformExt, interpret_page,
};
use hayro::kurbo::{BezPath, Point, Rect, Shape, Vec2};
use image::GrayImage;

use crate::reading::TextLayerState;
use crate::reading::straighten::Motion;

/// Units of a font to the em.
const UNITS: f64 = 1000.0;
/// Share of words on ink from which a layer is believed to describe its page.
const ON_INK: f32 = 0.9;
/// Steps of grey between ink and paper.
const CONTRAST: usize = 20;
/// Share of the page from which a picture makes it a scan.
const SCAN_SHARE: f64 = 0.4;
/// Fewer words off the ink than this are an oversight of whoever made the file; they are left out all the same.
const FEW_HIDDEN: usize = 3;
/// Share of letters without a meaning from which a layer is no text.
const UNMAPPED: f32 = 0.2;
/// Words kept of one page at most; a page of small print has 3,000.
const MAX_WORDS: usize = 20_000;

/// The words of a page, and what became of them.
pub struct Layer {
    pub state: TextLayerState,
    pub words: Vec<PlacedWord>,
    /// Most of the words draw themselves, so they say which way up the page is.
    pub speaks_for_page: bool,
}

/// A word with its place in fractions of the page as drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedWord {
    pub text: String,
    pub place: BBox,
    /// The way it reads, clockwise from left to right, a multiple of 90.
    pub direction: u16,
}

impl Layer {
    /// No text.
    pub fn none() -> Self {
        Self { state: TextLayerState::None, words: Vec::new(), speaks_for_page: false }
    }

    /// Keeps the words that stand on ink, and says what the rest means. `scale` is pixels a point.
    pub fn hold_against(text: PageText, picture: &GrayImage, scale: f32) -> Self {
        let total = text.words.len();
        if total == 0 || text.unmapped as f32 > UNMAPPED * text.glyphs as f32 {
            return Self::none();
        }
        let covered = text.scan_dpi.is_some();
        let mut invisible = 0;
        let mut words = Vec::new();
        for word in text.words {
            let pixels = word.place.map(|edge| edge * scale);
            if !has_ink(picture, pixels) {
                continue;
            }
            invisible += usize::from(word.invisible);
            let (width, height) = (picture.width() as f32, picture.height() as f32);
            let [left, top, right, bottom] = pixels;
            let share = |edge: f32, side: f32| (edge / side).clamp(0.0, 1.0);
            let place = BBox([share(left, width), share(top, height), share(right, width), share(bottom, height)]);
            words.push(PlacedWord { text: word.text, place, direction: word.direction });
        }
        let hidden = total - words.len();
        if words.is_empty() || (hidden >= FEW_HIDDEN && (words.len() as f32) < ON_INK * total as f32) {
            return Self { state: TextLayerState::Disagrees, ..Self::none() };
        }
        let state = if invisible > 0 || covered { TextLayerState::Overlaid } else { TextLayerState::Drawn };
        Self { state, speaks_for_page: invisible * 2 < words.len(), words }
    }

    /// Clockwise degrees that make most words read from left to right.
    pub fn turn_upright(&self) -> u16 {
        let count = |direction: u16| self.words.iter().filter(|word| word.direction == direction).count();
        let direction = [0, 90, 180, 270].into_iter().max_by_key(|direction| (count(*direction), *direction == 0)).unwrap_or(0);
        (360 - direction) % 360
    }
}

/// Whether something is drawn in the rectangle: light and dark both occur, neither as a speck.
fn has_ink(picture: &GrayImage, [left, top, right, bottom]: [f32; 4]) -> bool {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    if right - left < 1.0 || bottom - top < 2.0 || left >= width || top >= height || right <= 0.0 || bottom <= 0.0 {
        return false;
    }
    let edge = |value: f32, side: f32| value.clamp(0.0, side) as u32;
    let (left, top) = (edge(left, width - 1.0), edge(top, height - 1.0));
    let (right, bottom) = (edge(right.ceil(), width).max(left + 1), edge(bottom.ceil(), height).max(top + 1));
    let mut counts = [0_u32; 256];
    for y in top..bottom {
        for x in left..right {
            counts[usize::from(picture.get_pixel(x, y).0[0])] += 1;
        }
    }
    let speck = ((right - left) * (bottom - top) / 50).max(2);
    let reached = |seen: &mut u32, count: u32| {
        *seen += count;
        Some(*seen < speck)
    };
    let dark = counts.iter().copied().scan(0, reached).take_while(|below| *below).count();
    let light = 255_usize.saturating_sub(counts.iter().rev().copied().scan(0, reached).take_while(|below| *below).count());
    light.saturating_sub(dark) >= CONTRAST
}

/// Brings words into reading order on the upright page: lines from top to bottom, each from left to right.
pub fn in_reading_order(words: Vec<PlacedWord>, motion: &Motion) -> Vec<Word> {
    let mut words: Vec<Word> =
        words.into_iter().map(|word| Word { text: word.text, bbox: motion.carry(word.place), confidence: 1.0 }).collect();
    crate::reading::agree::sort_by_lines(&mut words);
    words
}

/// Everything that a page writes, before anybody looked at the pixels. Places are in points from the top left.
#[derive(Default)]
pub struct PageText {
    pub words: Vec<RawWord>,
    pub glyphs: usize,
    /// Glyphs of which the file does not say what letter they are.
    pub unmapped: usize,
    /// Resolution of the picture that covers the page, if one does.
    pub scan_dpi: Option<f32>,
}

/// A word as the file places it.
#[derive(Debug, Clone, PartialEq)]
pub struct RawWord {
    pub text: String,
    pub place: [f32; 4],
    pub direction: u16,
    pub invisible: bool,
}

impl PageText {
    pub fn of<'a>(page: &'a Page<'a>, cache: &InterpreterCache<'a>, settings: &InterpreterSettings) -> Self {
        let (width, height) = page.render_dimensions();
        let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let mut collector = Collector { text: Self::default(), open: None, bounds };
        let mut context = Context::new(page.initial_transform(true).to_kurbo(), bounds, cache, page.xref(), settings.clone());
        interpret_page(page, &mut context, &mut collector);
        collector.close();
        collector.text
    }
}

struct Collector {
    text: PageText,
    open: Option<OpenWord>,
    bounds: Rect,
}

struct OpenWord {
    text: String,
    start: Point,
    end: Point,
    /// From the baseline to the top of the em.
    up: Vec2,
    invisible: bool,
}

impl Collector {
    fn letter(&mut self, text: &str, origin: Point, advance: Vec2, up: Vec2, invisible: bool) {
        if text.chars().all(char::is_whitespace) {
            return self.close();
        }
        let continues = self.open.as_ref().is_some_and(|word| word.continues(origin, up, invisible));
        if !continues {
            self.close();
        }
        let word = self.open.get_or_insert_with(|| OpenWord { text: String::new(), start: origin, end: origin, up, invisible });
        word.text.extend(text.chars().filter(|c| !c.is_whitespace() && !c.is_control()));
        word.end = origin + advance;
    }

    fn close(&mut self) {
        let Some(word) = self.open.take().filter(|word| !word.text.is_empty()) else { return };
        if self.text.words.len() >= MAX_WORDS {
            return;
        }
        let word = word.placed();
        // Text that is filled and stroked, or struck twice to look bold, arrives twice.
        let twice = self.text.words.iter().rev().take(64).any(|earlier| earlier.text == word.text && same_place(earlier.place, word.place));
        if !twice {
            self.text.words.push(word);
        }
    }
}

impl OpenWord {
    fn continues(&self, origin: Point, up: Vec2, invisible: bool) -> bool {
        let em = self.up.hypot();
        if em <= 0.0 || invisible != self.invisible || (up - self.up).hypot() > em * 0.2 {
            return false;
        }
        let step = origin - self.end;
        let along = Vec2::new(-self.up.y, self.up.x) / em;
        let gap = step.dot(along);
        let drop = step.dot(self.up) / em;
        drop.abs() < em * 0.3 && (-0.4 * em..0.2 * em).contains(&gap)
    }

    /// The box that letters like these usually fill; outlines would say it exactly, at the price of loading every one.
    fn placed(self) -> RawWord {
        let low = self.text.chars().any(|c| matches!(c, 'g' | 'j' | 'p' | 'q' | 'y' | ',' | ';' | 'Q' | '(' | ')' | '/' | '$' | '@' | '_'));
        let tall = self.text.chars().any(|c| !matches!(c, 'a' | 'c' | 'e' | 'g' | 'm'..='s' | 'u'..='z' | '.' | ',' | '-' | '_' | ':'));
        let (top, bottom) = (self.up * if tall { 0.74 } else { 0.56 }, self.up * if low { -0.22 } else { -0.02 });
        let corners = [self.start + top, self.start + bottom, self.end + top, self.end + bottom];
        let fold = |pick: fn(&Point) -> f64, choose: fn(f64, f64) -> f64, from: f64| corners.iter().map(pick).fold(from, choose) as f32;
        let place = [
            fold(|p| p.x, f64::min, f64::INFINITY),
            fold(|p| p.y, f64::min, f64::INFINITY),
            fold(|p| p.x, f64::max, f64::NEG_INFINITY),
            fold(|p| p.y, f64::max, f64::NEG_INFINITY),
        ];
        let direction = match (self.up.x, self.up.y) {
            (x, y) if y.abs() >= x.abs() => {
                if y <= 0.0 {
                    0
                } else {
                    180
                }
            }
            (x, _) => {
                if x > 0.0 {
                    90
                } else {
                    270
                }
            }
        };
        RawWord { text: self.text, place, direction, invisible: self.invisible }
    }
}

fn same_place(a: [f32; 4], b: [f32; 4]) -> bool {
    let height = (a[3] - a[1]).abs().max(1.0);
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < height * 0.25)
}

impl<'a> Device<'a> for Collector {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let invisible = matches!(mode, DrawMode::Invisible);
        for glyph in run.glyphs() {
            let place = props.transform * glyph.transform();
            let origin = place * Point::ZERO;
            let width = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(drawn) => drawn.advance_width(),
            };
            let advance = place * Point::new(f64::from(width.unwrap_or(500.0)), 0.0) - origin;
            let up = place * Point::new(0.0, UNITS) - origin;
            self.text.glyphs += 1;
            match glyph.as_unicode() {
                Some(BfString::Char(letter)) if means_something(letter) => {
                    self.letter(letter.encode_utf8(&mut [0; 4]), origin, advance, up, invisible);
                }
                Some(BfString::String(letters)) if letters.chars().all(means_something) => {
                    self.letter(&letters, origin, advance, up, invisible)
                }
                Some(_) | None => {
                    self.text.unmapped += 1;
                    self.close();
                }
            }
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let size = (f64::from(image.width()), f64::from(image.height()));
        // Pictures are drawn with a transform from their own pixels.
        let covered = (props.transform * Rect::new(0.0, 0.0, size.0, size.1).to_path(0.1)).bounding_box().intersect(self.bounds);
        if covered.area() < SCAN_SHARE * self.bounds.area() {
            return;
        }
        let inches = (props.transform * Point::new(size.0, 0.0) - props.transform * Point::ZERO).hypot() / 72.0;
        let dpi = (size.0 / inches.max(0.01)) as f32;
        self.text.scan_dpi = Some(self.text.scan_dpi.map_or(dpi, |other| other.max(dpi)));
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// Private-use and replacement characters stand for letters that the file does not name.
fn means_something(letter: char) -> bool {
    !matches!(letter, '\0' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}')
}

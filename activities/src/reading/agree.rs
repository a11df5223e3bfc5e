//! Holding readings against each other: two passes of one engine, and a page's own text against what its pixels say.

use domain::block::{BBox, Word};
use image::GrayImage;

use crate::reading::picture;
use crate::reading::reader::LETTER_HEIGHT;
use crate::reading::tesseract::{self, Engine, Layout};

/// Words of a drawn layer that are read to believe the rest.
const SAMPLE_NUMBERS: usize = 18;
const SAMPLE_WORDS: usize = 6;
/// Share of the compared words that must be the same.
const AGREEING: f32 = 0.6;
/// Fewer words than this can be misread together by bad luck.
const FEWEST: usize = 4;
/// Confidence of both readings that overrule a number of the layer.
const CERTAIN: f32 = 0.8;
/// Share by which two spellings of a word may differ.
const MISSPELT: f64 = 0.34;

/// Whether a layer says what its page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Agrees,
    Disagrees,
}

/// Orders words in lines from top to bottom, each from left to right.
pub fn sort_by_lines(words: &mut Vec<Word>) {
    words.sort_by(|a, b| middle(&a.bbox).total_cmp(&middle(&b.bbox)));
    let mut lines: Vec<(BBox, Vec<Word>)> = Vec::new();
    for word in words.drain(..) {
        let of_line = lines.iter_mut().rev().take(4).find(|(line, _)| {
            let shared = line.bottom().min(word.bbox.bottom()) - line.top().max(word.bbox.top());
            shared > 0.5 * line.height().min(word.bbox.height())
        });
        match of_line {
            // The line keeps the height of its first word, so that a large letter does not swallow its neighbours.
            Some((_, line)) => line.push(word),
            None => lines.push((word.bbox, vec![word])),
        }
    }
    for (_, mut line) in lines {
        line.sort_by(|a, b| a.bbox.left().total_cmp(&b.bbox.left()));
        words.extend(line);
    }
}

fn middle(bbox: &BBox) -> f32 {
    (bbox.top() + bbox.bottom()) / 2.0
}

/// Mean over letters, 0 without any.
pub fn mean_confidence(words: &[Word]) -> f32 {
    let letters = |word: &Word| word.text.chars().count() as f32;
    let total: f32 = words.iter().map(letters).sum();
    let sum: f32 = words.iter().map(|word| letters(word) * word.confidence).sum();
    if total > 0.0 { sum / total } else { 0.0 }
}

/// The surer pass, mended where the other is surer of the same word, and filled where only the other saw something.
pub fn unite(a: Vec<Word>, b: Vec<Word>) -> Vec<Word> {
    let weight = |words: &[Word]| words.iter().map(|word| word.text.chars().count() as f32 * (word.confidence - 0.3)).sum::<f32>();
    let (mut base, other) = if weight(&a) >= weight(&b) { (a, b) } else { (b, a) };
    let seen = base.len();
    for word in other {
        let mut overlapping = base[..seen].iter_mut().filter(|known| overlap(&known.bbox, &word.bbox) > 0.2);
        match (overlapping.next(), overlapping.next()) {
            (None, _) if word.confidence >= 0.3 => base.push(word),
            (Some(known), None) if overlap(&known.bbox, &word.bbox) > 0.7 && word.confidence > known.confidence + 0.05 => *known = word,
            _ => {}
        }
    }
    base
}

/// Shared area as a share of the smaller box.
fn overlap(a: &BBox, b: &BBox) -> f32 {
    let width = a.right().min(b.right()) - a.left().max(b.left());
    let height = a.bottom().min(b.bottom()) - a.top().max(b.top());
    let smaller = (a.width() * a.height()).min(b.width() * b.height());
    if width > 0.0 && height > 0.0 && smaller > 0.0 { width * height / smaller } else { 0.0 }
}

/// Reads a few words of a layer that draws itself, numbers first: a font may show one letter and mean another.
pub fn sample(engine: &Engine, page: &GrayImage, layer: &[Word]) -> Result<Verdict, tesseract::Error> {
    let (numbers, words): (Vec<&Word>, Vec<&Word>) =
        layer.iter().filter(|word| readable(word, page)).partition(|word| is_number(&word.text));
    let chosen: Vec<&Word> = spread(&numbers, SAMPLE_NUMBERS).chain(spread(&words, SAMPLE_WORDS)).collect();
    let mut compared = Compared::default();
    let rows: Vec<(&Word, GrayImage)> = chosen.into_iter().filter_map(|word| Some((word, enlarge(page, &word.bbox)?))).collect();
    let readings = read_rows(engine, rows.iter().map(|(_, row)| row))?;
    for ((word, row), (reading, confidence)) in rows.iter().zip(readings) {
        if same(&word.text, &reading) && !contradicts(&word.text, &reading) {
            compared.same += 1;
            continue;
        }
        // Stacked in rows a short word is easily misread: it gets a line of its own before it counts.
        let (alone, sure) = read_line(engine, row)?;
        compared.count(&word.text, (&reading, confidence), (&alone, sure));
    }
    Ok(compared.verdict())
}

/// Holds every word of an overlaid layer against what was read at its place.
pub fn whole(engine: &Engine, page: &GrayImage, layer: &[Word], read: &[Word]) -> Result<Verdict, tesseract::Error> {
    let mut compared = Compared::default();
    for word in layer.iter().filter(|word| readable(word, page)) {
        let (reading, confidence) = at_place(&word.bbox, read);
        if contradicts(&word.text, &reading) && confidence >= CERTAIN {
            let Some(row) = enlarge(page, &word.bbox) else { continue };
            let (alone, sure) = read_line(engine, &row)?;
            compared.count(&word.text, (&reading, confidence), (&alone, sure));
        } else if same(&word.text, &reading) {
            compared.same += 1;
        } else {
            compared.different += 1;
        }
    }
    Ok(compared.verdict())
}

/// The layer's words where the page confirms them, the page's own where it does not.
pub fn merge(layer: Vec<Word>, read: Vec<Word>) -> Vec<Word> {
    let confirmed = |word: &Word| {
        let (reading, _) = at_place(&word.bbox, &read);
        same(&word.text, &reading) && !(is_number(&word.text) && contradicts(&word.text, &reading))
    };
    let mut words: Vec<Word> = layer.into_iter().filter(confirmed).collect();
    let unseen = |word: &Word| word.confidence >= 0.3 && words.iter().all(|known| overlap(&known.bbox, &word.bbox) < 0.3);
    let fill: Vec<Word> = read.iter().filter(|word| unseen(word)).cloned().collect();
    words.extend(fill);
    sort_by_lines(&mut words);
    words
}

#[derive(Default)]
struct Compared {
    same: usize,
    different: usize,
    /// Numbers that two confident readings give otherwise than the layer.
    overruled: usize,
}

impl Compared {
    fn count(&mut self, layer: &str, first: (&str, f32), alone: (&str, f32)) {
        let overruled = contradicts(layer, alone.0) && digits(first.0) == digits(alone.0) && first.1 >= CERTAIN && alone.1 >= CERTAIN;
        if overruled {
            self.overruled += 1;
        } else if same(layer, alone.0) || same(layer, first.0) {
            self.same += 1;
        } else {
            self.different += 1;
        }
    }

    fn verdict(&self) -> Verdict {
        let total = self.same + self.different + self.overruled;
        let few = total >= FEWEST && (self.same as f32) < AGREEING * total as f32;
        if self.overruled > 0 || few { Verdict::Disagrees } else { Verdict::Agrees }
    }
}

/// Every n-th word, so that the whole page is sampled.
fn spread<'a>(words: &[&'a Word], most: usize) -> impl Iterator<Item = &'a Word> {
    let step = words.len().div_ceil(most).max(1);
    words.iter().copied().step_by(step).collect::<Vec<_>>().into_iter()
}

/// Only what an English model can be expected to read: Latin letters and digits, upright, not too small.
fn readable(word: &Word, page: &GrayImage) -> bool {
    let (width, height) = (word.bbox.width() * page.width() as f32, word.bbox.height() * page.height() as f32);
    let letters = word.text.chars().filter(|c| c.is_ascii_alphanumeric()).count();
    letters >= 2 && letters * 2 > word.text.chars().count() && height >= 8.0 && width >= height * 0.7
}

fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 2 && digits * 2 >= text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// The text with what engines mistake for each other folded together.
fn folded(text: &str) -> String {
    let fold = |letter: char| match letter {
        'O' | 'Q' | 'D' => '0',
        'I' | 'L' | '|' | '!' => '1',
        'Z' => '2',
        'S' => '5',
        'G' => '6',
        'B' => '8',
        letter => letter,
    };
    text.chars().flat_map(char::to_uppercase).map(fold).filter(|c| c.is_alphanumeric()).collect()
}

fn digits(text: &str) -> String {
    folded(text).chars().filter(char::is_ascii_digit).collect()
}

fn same(a: &str, b: &str) -> bool {
    let (a, b) = (folded(a), folded(b));
    let longest = a.chars().count().max(b.chars().count());
    longest == 0 || strsim::levenshtein(&a, &b) as f64 <= MISSPELT * longest as f64
}

/// Two numbers with other digits.
fn contradicts(layer: &str, reading: &str) -> bool {
    is_number(layer) && is_number(reading) && digits(layer) != digits(reading)
}

/// What was read within a box, and the lowest confidence in it.
fn at_place(bbox: &BBox, read: &[Word]) -> (String, f32) {
    let within = read.iter().filter(|word| {
        let centre = (word.bbox.left() + word.bbox.right()) / 2.0;
        overlap(bbox, &word.bbox) > 0.4 && (bbox.left()..=bbox.right()).contains(&centre) || overlap(bbox, &word.bbox) > 0.6
    });
    within.fold((String::new(), 1.0), |(text, confidence), word| (text + &word.text, confidence.min(word.confidence)))
}

/// One word, cut out with a margin and brought to the height that reads best.
fn enlarge(page: &GrayImage, bbox: &BBox) -> Option<GrayImage> {
    let (width, height) = (page.width() as f32, page.height() as f32);
    let tall = bbox.height() * height;
    let edge = |value: f32| value.max(0.0).round() as u32;
    let (across, down) = (tall * 0.3, tall * 0.25);
    let part = picture::cut(
        page,
        [
            edge(bbox.left() * width - across),
            edge(bbox.top() * height - down),
            edge(bbox.right() * width + across),
            edge(bbox.bottom() * height + down),
        ],
    )?;
    let factor = f64::from((LETTER_HEIGHT / tall.max(1.0)).clamp(0.5, 4.0));
    Some(picture::resize(&part, picture::scaled_side(part.width(), factor), picture::scaled_side(part.height(), factor)))
}

/// Reads words stacked in rows, much faster than one by one. Each gets its text and lowest confidence.
fn read_rows<'a>(engine: &Engine, rows: impl Iterator<Item = &'a GrayImage> + Clone) -> Result<Vec<(String, f32)>, tesseract::Error> {
    const GAP: u32 = 18;
    let width = rows.clone().map(GrayImage::width).max().unwrap_or(0) + 2 * GAP;
    let height = rows.clone().map(|row| row.height() + GAP).sum::<u32>() + GAP;
    let mut sheet = GrayImage::from_pixel(width, height, image::Luma([u8::MAX]));
    let mut bands = Vec::new();
    let mut top = GAP;
    for row in rows {
        image::imageops::replace(&mut sheet, row, i64::from(GAP), i64::from(top));
        bands.push((top as f32, (top + row.height()) as f32));
        top += row.height() + GAP;
    }
    if bands.is_empty() {
        return Ok(Vec::new());
    }
    let words = engine.read(&sheet, Layout::Block)?;
    let of_band = |(top, bottom): (f32, f32)| {
        let within = words.iter().filter(|word| (top..bottom).contains(&((word.place[1] + word.place[3]) / 2.0)));
        within.fold((String::new(), 1.0_f32), |(text, confidence), word| (text + &word.text, confidence.min(word.confidence)))
    };
    Ok(bands.into_iter().map(of_band).collect())
}

fn read_line(engine: &Engine, row: &GrayImage) -> Result<(String, f32), tesseract::Error> {
    let words = engine.read(&picture::soften(row), Layout::Line)?;
    Ok(words.iter().fold((String::new(), 1.0_f32), |(text, confidence), word| (text + &word.text, confidence.min(word.confidence))))
}

//! Which way up a page is, and how far it leans: told from the edges of its letters, by reading a sample only where they leave a doubt.

use domain::block::BBox;
use image::GrayImage;

use crate::reading::ink::{Ink, Piece, letters, typical_height};
use crate::reading::picture;
use crate::reading::reader::LETTER_HEIGHT;
use crate::reading::tesseract::{Engine, Layout};

/// Pages are taken to lean this far at most, in degrees either way.
const STEEPEST: f32 = 5.0;
/// Less than this, in degrees, costs more sharpness than it gains.
const SLIGHTEST: f32 = 0.25;
/// With fewer letters their edges say little.
const TELLING: usize = 60;
/// With fewer letters a lean is more likely chance than skew.
const LEANING: usize = 30;
/// Height from which a piece of ink is a mark and not dust, in pixels of `Ink`.
const MARK: u32 = 6;
/// Letters and digits that must be read with confidence for a side to be called up.
const LEGIBLE: f32 = 12.0;

/// A page that stands upright, and what was done to it.
pub struct Upright {
    pub picture: GrayImage,
    pub motion: Motion,
    pub blank: bool,
}

/// A turn by quarters, then a rotation against the lean around the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Clockwise, a multiple of 90.
    pub turned: u16,
    /// How far the page leant clockwise.
    pub lean: f32,
    before: (u32, u32),
    after: (u32, u32),
}

impl Motion {
    /// Nothing was done.
    pub fn none(picture: &GrayImage) -> Self {
        Self::turn_only(picture.dimensions(), 0)
    }

    /// Only a turn by quarters.
    pub fn turn_only(before: (u32, u32), turned: u16) -> Self {
        let after = if turned.is_multiple_of(180) { before } else { (before.1, before.0) };
        Self { turned, lean: 0.0, before, after }
    }

    /// Where a box of the page as it was stands now.
    pub fn carry(&self, place: BBox) -> BBox {
        let [left, top, right, bottom] = place.0;
        let [left, top, right, bottom] = match self.turned {
            90 => [1.0 - bottom, left, 1.0 - top, right],
            180 => [1.0 - right, 1.0 - bottom, 1.0 - left, 1.0 - top],
            270 => [top, 1.0 - right, bottom, 1.0 - left],
            _ => [left, top, right, bottom],
        };
        if self.lean == 0.0 {
            return BBox([left, top, right, bottom]);
        }
        let (width, height) = if self.turned.is_multiple_of(180) { self.before } else { (self.before.1, self.before.0) };
        let (width, height) = (width as f32, height as f32);
        let (new_width, new_height) = (self.after.0 as f32, self.after.1 as f32);
        let (sin, cos) = self.lean.to_radians().sin_cos();
        // The centre moves; a word is flat enough to keep its size.
        let (x, y) = (((left + right) / 2.0 - 0.5) * width, ((top + bottom) / 2.0 - 0.5) * height);
        let (x, y) = (x * cos + y * sin, y * cos - x * sin);
        let (half_width, half_height) = ((right - left) * width / 2.0, (bottom - top) * height / 2.0);
        let across = |value: f32| (value / new_width + 0.5).clamp(0.0, 1.0);
        let down = |value: f32| (value / new_height + 0.5).clamp(0.0, 1.0);
        BBox([across(x - half_width), down(y - half_height), across(x + half_width), down(y + half_height)])
    }
}

/// Turns and straightens a page whose text does not say which way it runs. `engine` is loaded only when a sample has to be read.
pub fn straighten(page: GrayImage, engine: &mut Sampler) -> Upright {
    let ink = Ink::of(&page);
    let pieces = ink.pieces();
    let letters = letters(&pieces, &ink);
    let Some(height) = typical_height(&letters) else {
        let blank = !pieces.iter().any(|piece| piece.height() >= MARK && piece.width() >= 2);
        return Upright { motion: Motion::none(&page), picture: page, blank };
    };
    let sides = Side::ALL.map(|side| side.lines(&letters, height));
    let turned = which_way_up(&page, &ink, &letters, height, &sides, engine);
    let best = sides[usize::from(turned / 90)];
    let leans = letters.len() >= LEANING && best.gain > 1.03 && best.lean.abs() >= SLIGHTEST;
    let lean = if leans { best.lean } else { 0.0 };
    let before = page.dimensions();
    let picture = picture::turn(page, turned);
    let picture = if lean == 0.0 { picture } else { rotate_back(&picture, lean) };
    let after = picture.dimensions();
    Upright { picture, motion: Motion { turned, lean, before, after }, blank: false }
}

/// Reads samples; loads Tesseract when first asked.
#[derive(Default)]
pub struct Sampler {
    engine: Option<Option<Engine>>,
}

impl Sampler {
    /// Letters and digits read with confidence. None without an engine.
    fn legible(&mut self, sample: &GrayImage) -> Option<f32> {
        let engine = self.engine.get_or_insert_with(|| Engine::load().ok()).as_ref()?;
        let words = engine.read(sample, Layout::Block).ok()?;
        let sure = words.iter().filter(|word| word.confidence >= 0.6);
        Some(sure.map(|word| word.text.chars().filter(|c| c.is_alphanumeric()).count()).filter(|count| *count >= 2).sum::<usize>() as f32)
    }
}

/// The side of the letters that would be their foot if the page had to be turned by this much.
#[derive(Clone, Copy)]
enum Side {
    Bottom,
    Right,
    Top,
    Left,
}

/// How well one side of the letters lines up.
#[derive(Debug, Clone, Copy)]
struct Lines {
    /// 1 is chance.
    sharpness: f32,
    /// How the page leans once it is turned so that this side is down.
    lean: f32,
    /// Sharpness at `lean` over sharpness without it.
    gain: f32,
}

impl Side {
    /// By the turn that puts the side down: 0, 90, 180, 270 degrees.
    const ALL: [Self; 4] = [Self::Bottom, Self::Right, Self::Top, Self::Left];

    /// Feet of letters stand on common lines, their other sides less so.
    fn lines(self, letters: &[Piece], height: f32) -> Lines {
        let points: Vec<(f32, f32)> = letters.iter().map(|letter| self.point(letter)).collect();
        let bin = (height / 5.0).max(1.0);
        let at = |lean: f32| sharpness(&points, lean, bin);
        let steps = |from: f32, step: f32, count: i32| (-count..=count).map(move |k| from + step * k as f32);
        let best = |leans: &mut dyn Iterator<Item = f32>| {
            leans.map(|lean| (at(lean), lean)).fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
        };
        let (_, rough) = best(&mut steps(0.0, 0.5, (STEEPEST / 0.5) as i32));
        let (sharpness, lean) = best(&mut steps(rough, 0.1, 5));
        Lines { sharpness, lean: lean.clamp(-STEEPEST, STEEPEST), gain: sharpness / at(0.0).max(f32::EPSILON) }
    }

    /// The foot's middle as it stands after the turn, but for a shift.
    fn point(self, letter: &Piece) -> (f32, f32) {
        let (x, y) = ((letter.left + letter.right) as f32 / 2.0, (letter.top + letter.bottom) as f32 / 2.0);
        match self {
            Self::Bottom => (x, letter.bottom as f32),
            Self::Right => (-y, letter.right as f32),
            Self::Top => (-x, -(letter.top as f32)),
            Self::Left => (y, -(letter.left as f32)),
        }
    }
}

/// How unevenly points spread over lines that lean by `lean` degrees: 1 for chance, more for text.
fn sharpness(points: &[(f32, f32)], lean: f32, bin: f32) -> f32 {
    let slope = lean.to_radians().tan();
    let lines: Vec<i32> = points.iter().map(|(along, across)| ((across - along * slope) / bin).floor() as i32).collect();
    let (Some(low), Some(high)) = (lines.iter().min(), lines.iter().max()) else { return 0.0 };
    let mut counts = vec![0_u32; (high - low + 2) as usize];
    for line in &lines {
        counts[(line - low) as usize] += 1;
    }
    // Neighbours count together, so that a line on the border of two bins is not lost.
    let shared: f32 = counts.windows(2).map(|pair| ((pair[0] + pair[1]) as f32).powi(2)).sum();
    let count = points.len() as f32;
    shared / count / (2.0 + 4.0 * count / counts.len() as f32)
}

fn which_way_up(page: &GrayImage, ink: &Ink, letters: &[Piece], height: f32, sides: &[Lines; 4], sampler: &mut Sampler) -> u16 {
    let sharp = |turned: u16| sides[usize::from(turned / 90)].sharpness;
    let (level, sideways) = (sharp(0).max(sharp(180)), sharp(90).max(sharp(270)));
    let surely_upright = letters.len() >= TELLING && sharp(0) > sharp(180) * 1.25 && level > sideways * 1.6;
    if surely_upright {
        return 0;
    }
    let mut turns: Vec<u16> = match () {
        () if level > sideways * 1.6 => vec![0, 180],
        () if sideways > level * 1.6 => vec![90, 270],
        () => vec![0, 90, 180, 270],
    };
    turns.sort_by(|a, b| sharp(*b).total_cmp(&sharp(*a)));
    // Nearly every page is handed in upright: it is asked first unless its letters say otherwise.
    if turns.contains(&0) && sharp(0) * 1.2 > sharp(turns[0]) {
        turns.retain(|turn| *turn != 0);
        turns.insert(0, 0);
    }
    let mut best = (0.0, 0);
    for turned in turns {
        let upright_lines = turned.is_multiple_of(180);
        let Some(sample) = sample(page, ink, letters, height, upright_lines) else { return 0 };
        let sample = picture::turn(sample, turned);
        let lean = sides[usize::from(turned / 90)].lean;
        let sample = if lean.abs() >= SLIGHTEST { rotate_back(&sample, lean) } else { sample };
        let Some(legible) = sampler.legible(&sample) else { return 0 };
        if legible >= LEGIBLE {
            return turned;
        }
        // A turn must earn its place against leaving the page as it is.
        if legible > best.0 {
            best = (legible, turned);
        }
    }
    if best.0 >= LEGIBLE / 2.0 { best.1 } else { 0 }
}

/// The part of the page with the most letters: a few lines of some forty letters, at the height that Tesseract reads best.
fn sample(page: &GrayImage, ink: &Ink, letters: &[Piece], height: f32, upright_lines: bool) -> Option<GrayImage> {
    let (along, across) = (45.0 * height / 2.0, 8.0 * height / 2.0);
    let (half_width, half_height) = if upright_lines { (along, across) } else { (across, along) };
    let centre = |piece: &Piece| ((piece.left + piece.right) as f32 / 2.0, (piece.top + piece.bottom) as f32 / 2.0);
    let crowd = |(x, y): (f32, f32)| {
        letters.iter().map(centre).filter(|(a, b)| (a - x).abs() <= half_width && (b - y).abs() <= half_height).count()
    };
    let step = (letters.len() / 200).max(1);
    let (x, y) = letters.iter().step_by(step).map(centre).max_by_key(|at| crowd(*at))?;
    let edge = |value: f32| (value.max(0.0) * ink.scale) as u32;
    let part = picture::cut(page, [edge(x - half_width), edge(y - half_height), edge(x + half_width), edge(y + half_height)])?;
    let factor = f64::from((LETTER_HEIGHT / (height * ink.scale)).clamp(0.4, 3.0));
    Some(picture::resize(&part, picture::scaled_side(part.width(), factor), picture::scaled_side(part.height(), factor)))
}

/// Rotates counter-clockwise by `degrees` on a canvas that keeps every corner; new area looks like the border.
fn rotate_back(page: &GrayImage, degrees: f32) -> GrayImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (page.width() as f32, page.height() as f32);
    let new_width = (width * cos.abs() + height * sin.abs()).round().max(1.0);
    let new_height = (width * sin.abs() + height * cos.abs()).round().max(1.0);
    let paper = border(page);
    let mut straight = GrayImage::from_pixel(new_width as u32, new_height as u32, image::Luma([paper]));
    let source = page.as_raw();
    let stride = page.width() as usize;
    let (last_x, last_y) = (width - 1.001, height - 1.001);
    for (row, pixels) in straight.chunks_exact_mut(new_width as usize).enumerate() {
        let down = row as f32 + 0.5 - new_height / 2.0;
        for (column, pixel) in pixels.iter_mut().enumerate() {
            let right = column as f32 + 0.5 - new_width / 2.0;
            let x = right * cos - down * sin + width / 2.0 - 0.5;
            let y = right * sin + down * cos + height / 2.0 - 0.5;
            if x < 0.0 || y < 0.0 || x > last_x || y > last_y {
                continue;
            }
            let (left, top) = (x as usize, y as usize);
            let (part_x, part_y) = (x - left as f32, y - top as f32);
            let at = top * stride + left;
            let upper = f32::from(source[at]) * (1.0 - part_x) + f32::from(source[at + 1]) * part_x;
            let lower = f32::from(source[at + stride]) * (1.0 - part_x) + f32::from(source[at + stride + 1]) * part_x;
            *pixel = (upper * (1.0 - part_y) + lower * part_y + 0.5) as u8;
        }
    }
    straight
}

/// The usual grey of the page's edge.
fn border(page: &GrayImage) -> u8 {
    let (width, height) = page.dimensions();
    let across = (0..width).step_by(7).flat_map(|x| [(x, 0), (x, height - 1)]);
    let down = (0..height).step_by(7).flat_map(|y| [(0, y), (width - 1, y)]);
    let mut greys: Vec<u8> = across.chain(down).map(|(x, y)| page.get_pixel(x, y).0[0]).collect();
    greys.sort_unstable();
    greys.get(greys.len() / 2).copied().unwrap_or(u8::MAX)
}

//! From a page and a line's box to the strip of pixels that the net reads: cut with a margin, scaled to 32 rows, ink against background.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::GrayImage;

use super::net::{FRAME, HEIGHT};

/// Margin around a line's box, in heights of the box: boxes cut through descenders and accents. From the design's section 13.
pub const MARGIN: f32 = 0.18;
/// Strips wider than this are no lines: 75 of their heights, three times the widest line of the development receipts.
pub const WIDEST: usize = 75 * HEIGHT;
/// Ink darker (or brighter) than this many half deviations says no more than this.
const CLIP: f32 = 2.0;
/// Added to the deviation, in units of full brightness, so that an empty crop's noise is not made loud.
const QUIET: f32 = 0.05;

/// A place on a page in pixels: `left`, `top` inside, `right`, `bottom` just outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// A line as the net sees it: 32 rows, zero for background, positive for what is darker. The width is a multiple of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    width: usize,
    values: Vec<f32>,
}

impl Strip {
    /// Rows of numbers as they are; what misses to a whole frame is background.
    pub(super) fn padded(values: &[f32], width: usize) -> Self {
        let whole = width.next_multiple_of(FRAME);
        let mut padded = vec![0.0; whole * HEIGHT];
        for (into, from) in padded.chunks_exact_mut(whole).zip(values.chunks_exact(width)) {
            into[..width].copy_from_slice(from);
        }
        Self { width: whole, values: padded }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }
}

/// Cuts a line out of its page with its margin, as far as the page goes. An empty region gives an empty image.
pub fn cut(page: &GrayImage, region: Region) -> GrayImage {
    let margin = (region.bottom.saturating_sub(region.top) as f32 * MARGIN).round() as u32;
    let (left, top) = (region.left.saturating_sub(margin), region.top.saturating_sub(margin));
    let right = region.right.saturating_add(margin).min(page.width());
    let bottom = region.bottom.saturating_add(margin).min(page.height());
    if left >= right || top >= bottom {
        return GrayImage::new(0, 0);
    }
    image::imageops::crop_imm(page, left, top, right - left, bottom - top).to_image()
}

/// The strip of a crop for reading. None where the crop is empty or so wide that it cannot be a line.
pub fn strip(crop: &GrayImage) -> Option<Strip> {
    let width = natural_width(crop.width() as f32, crop.height() as f32)?;
    let whole = Window { left: 0.0, top: 0.0, width: crop.width().into(), height: crop.height().into() };
    let mut values = scale(crop, whole, width, HEIGHT)?;
    level(&mut values);
    clip(&mut values);
    Some(Strip::padded(&values, width))
}

/// Width at 32 rows with the proportions kept, at least one frame.
pub(super) fn natural_width(width: f32, height: f32) -> Option<usize> {
    if width < 1.0 || height < 1.0 {
        return None;
    }
    let scaled = (width * HEIGHT as f32 / height).round() as usize;
    (scaled <= WIDEST).then_some(scaled.max(FRAME))
}

/// A part of a crop, in its pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// A window of a crop at another size, 0 for black to 1 for white. Shrinking averages, so thin strokes fade and do not vanish.
pub(super) fn scale(crop: &GrayImage, window: Window, width: usize, height: usize) -> Option<Vec<f32>> {
    thread_local! {
        // Keeps its buffers between lines.
        static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
    }
    let source = ImageRef::new(crop.width(), crop.height(), crop.as_raw(), PixelType::U8).ok()?;
    let mut target = Image::new(width as u32, height as u32, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
        window.left,
        window.top,
        window.width,
        window.height,
    );
    RESIZER.with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &options)).ok()?;
    Some(target.buffer().iter().map(|&value| f32::from(value) / 255.0).collect())
}

/// Brings ink and background of any print to the same numbers: (median - value) / (deviation + 0.05) / 2, as the design has it. Not yet clipped.
pub(super) fn level(values: &mut [f32]) {
    if values.is_empty() {
        return;
    }
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt();
    let median = {
        let mut sorted = values.to_vec();
        let middle = sorted.len() / 2;
        *sorted.select_nth_unstable_by(middle, f32::total_cmp).1
    };
    let factor = 0.5 / (deviation + QUIET);
    values.iter_mut().for_each(|value| *value = (median - *value) * factor);
}

/// The last step of every strip.
pub(super) fn clip(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.clamp(-CLIP, CLIP));
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn background_is_zero_and_ink_is_positive_whatever_the_paper() {
        for (paper, ink) in [(250, 10), (120, 60)] {
            let crop = GrayImage::from_fn(60, 40, |x, _| Luma([if x % 10 == 0 { ink } else { paper }]));
            let strip = strip(&crop).expect("a line");
            assert_eq!(strip.width(), 48);
            let middle = strip.rows().nth(16).expect("32 rows");
            assert!(middle.iter().any(|&value| value > 0.5) && middle.iter().any(|&value| value.abs() < 0.05));
        }
    }

    #[test]
    fn a_cut_has_its_margin_as_far_as_the_page_goes() {
        let page = GrayImage::new(200, 100);
        assert_eq!(cut(&page, Region { left: 50, top: 20, right: 150, bottom: 70 }).dimensions(), (118, 68));
        assert_eq!(cut(&page, Region { left: 0, top: 0, right: 200, bottom: 100 }).dimensions(), (200, 100));
        assert_eq!(cut(&page, Region { left: 300, top: 0, right: 400, bottom: 50 }).dimensions(), (0, 0));
        assert_eq!(cut(&page, Region { left: 9, top: 9, right: 9, bottom: 9 }).dimensions(), (0, 0));
    }

    #[test]
    fn sizes_that_no_line_has_are_refused_and_small_ones_are_not() {
        for (width, height) in [(0, 0), (0, 20), (20, 0), (10_000, 1), (10_000, 20), (u16::MAX.into(), 30)] {
            assert!(strip(&GrayImage::new(width, height)).is_none(), "{width}x{height}");
        }
        for (width, height) in [(1, 1), (1, 2_000), (3, 30), (2_000, 40)] {
            let strip = strip(&GrayImage::new(width, height)).expect("a strip");
            assert!(strip.width() >= FRAME && strip.width().is_multiple_of(FRAME) && strip.rows().count() == HEIGHT, "{width}x{height}");
        }
    }
}

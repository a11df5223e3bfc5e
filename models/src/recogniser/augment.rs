//! Makes a line look as other printers, papers and scanners would have made it: margins, width, slant, blur, resolution, contrast and noise. The kinds and
//! their ranges are those of the design's section 13; what it leaves open is named here.

use image::GrayImage;
use rand::Rng;
use rand::rngs::StdRng;

use super::crop::{MARGIN, Strip, Window, clip, level, natural_width, scale};
use super::net::HEIGHT;

/// What is trimmed from each side at most, in heights of the line's box; the margin around the box is a little larger.
const TRIM: f32 = 0.16;
/// Factors of the width.
const STRETCH: std::ops::Range<f32> = 0.88..1.14;
/// Columns to the side per row, at most.
const SHEAR: f32 = 0.15;
/// How often a line is blurred, and by which sigma in pixels.
const BLURRED: f64 = 0.3;
const SIGMA: std::ops::Range<f32> = 0.2..1.0;
/// How often a line loses resolution, and what is left of its 32 rows.
const COARSENED: f64 = 0.15;
const COARSE_ROWS: std::ops::Range<usize> = 15..27;
/// Factor and offset of the levelled numbers, where ink is about 1.4 and background 0.
const CONTRAST: std::ops::Range<f32> = 0.75..1.25;
const OFFSET: std::ops::Range<f32> = -0.12..0.12;
/// Deviation of the noise of a pixel.
const NOISE: std::ops::Range<f32> = 0.0..0.12;

/// A changed strip of a crop that was cut with its margin. None where the crop cannot be a line.
pub fn strip(crop: &GrayImage, rng: &mut StdRng) -> Option<Strip> {
    let window = trim(crop, rng);
    let width = natural_width(window.width as f32 * rng.random_range(STRETCH), window.height as f32)?;
    let mut values = if rng.random_bool(COARSENED) { coarsened(crop, window, width, rng)? } else { scale(crop, window, width, HEIGHT)? };
    level(&mut values);
    shear(&mut values, width, rng.random_range(-SHEAR..SHEAR));
    if rng.random_bool(BLURRED) {
        blur(&mut values, width, rng.random_range(SIGMA));
    }
    let (contrast, offset, noise) = (rng.random_range(CONTRAST), rng.random_range(OFFSET), rng.random_range(NOISE));
    for value in &mut values {
        // The sum of three even numbers is near enough to a normal one, with deviation 1 / 2; ten bits are enough for each.
        let bits: u32 = rng.random();
        let even = |shift: u32| (bits >> shift & 1023) as f32 / 1023.0;
        *value = *value * contrast + offset + 2.0 * noise * (even(0) + even(10) + even(20) - 1.5);
    }
    clip(&mut values);
    Some(Strip::padded(&values, width))
}

fn trim(crop: &GrayImage, rng: &mut StdRng) -> Window {
    let (width, height) = (f64::from(crop.width()), f64::from(crop.height()));
    let most = height / f64::from(1.0 + 2.0 * MARGIN) * f64::from(TRIM);
    let mut side = |length: f64| rng.random_range(0.0..=1.0) * most.min(length / 4.0);
    let (left, top, right, bottom) = (side(width), side(height), side(width), side(height));
    Window { left, top, width: width - left - right, height: height - top - bottom }
}

fn coarsened(crop: &GrayImage, window: Window, width: usize, rng: &mut StdRng) -> Option<Vec<f32>> {
    let rows = rng.random_range(COARSE_ROWS);
    let columns = (width * rows / HEIGHT).max(1);
    let coarse = scale(crop, window, columns, rows)?.into_iter().map(|value| (value * 255.0).round() as u8).collect();
    let coarse = GrayImage::from_raw(columns as u32, rows as u32, coarse)?;
    scale(&coarse, Window { left: 0.0, top: 0.0, width: columns as f64, height: rows as f64 }, width, HEIGHT)
}

/// Moves each row to the side, further the further it is from the middle. What comes in is background.
fn shear(values: &mut [f32], width: usize, shear: f32) {
    let mut moved = vec![0.0; width];
    for (row, values) in values.chunks_exact_mut(width).enumerate() {
        let shift = shear * (row as f32 - (HEIGHT - 1) as f32 / 2.0);
        let (whole, part) = (shift.floor() as isize, shift - shift.floor());
        let at = |column: isize| usize::try_from(column).ok().and_then(|column| values.get(column)).copied().unwrap_or(0.0);
        for (column, into) in moved.iter_mut().enumerate() {
            let from = column as isize - whole;
            *into = at(from) * (1.0 - part) + at(from - 1) * part;
        }
        values.copy_from_slice(&moved);
    }
}

/// Gaussian blur in both directions; the edges repeat.
fn blur(values: &mut [f32], width: usize, sigma: f32) {
    const REACH: usize = 2;
    let weight = |distance: usize| (-((distance * distance) as f32) / (2.0 * sigma * sigma)).exp();
    let weights: [f32; REACH + 1] = std::array::from_fn(weight);
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    let mut line = Vec::new();
    let mut smooth = |values: &mut [f32], start: usize, step: usize, count: usize| {
        line.clear();
        line.extend((0..count).map(|index| values[start + index * step]));
        for index in 0..count {
            let around = |distance: usize| line[index.saturating_sub(distance)] + line[(index + distance).min(count - 1)];
            let sum = line[index] * weights[0] + (1..=REACH).map(|distance| around(distance) * weights[distance]).sum::<f32>();
            values[start + index * step] = sum / total;
        }
    };
    for row in 0..HEIGHT {
        smooth(values, row * width, 1, width);
    }
    for column in 0..width {
        smooth(values, column, width, HEIGHT);
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_strip_and_another_seed_another() {
        let crop = GrayImage::from_fn(120, 40, |x, y| Luma([if (x / 7 + y / 9) % 2 == 0 { 30 } else { 230 }]));
        let make = |seed| strip(&crop, &mut StdRng::seed_from_u64(seed)).expect("a line");
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        for seed in 0..50 {
            let strip = make(seed);
            assert!(strip.width() > 60 && strip.width() < 160, "{}", strip.width());
            assert!(strip.rows().flatten().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn small_and_empty_crops_do_no_harm() {
        for (width, height) in [(0, 0), (1, 1), (2, 300), (300, 2), (1, 40)] {
            for seed in 0..20 {
                let _ = strip(&GrayImage::new(width, height), &mut StdRng::seed_from_u64(seed));
            }
        }
    }

    #[test]
    fn a_blur_spreads_a_dot_evenly_and_keeps_its_sum() {
        let mut values = vec![0.0; 16 * HEIGHT];
        values[10 * 16 + 8] = 1.0;
        blur(&mut values, 16, 0.8);
        assert!((values.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(values[10 * 16 + 7] > 0.05 && (values[10 * 16 + 7] - values[9 * 16 + 8]).abs() < 1e-6);
    }
}

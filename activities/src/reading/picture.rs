//! Grey pictures: scaling, softening, cutting, turning, and PNG of our own making.

use std::io::Cursor;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::{ExtendedColorType, GrayImage, ImageDecoder, ImageEncoder, ImageError};

/// Pixels of a prepared page at most: an A4 page at 300 dpi has 8.7 million. More costs time everywhere and reads no better.
const MAX_PIXELS: u64 = 9_000_000;
/// Longest side of a prepared page; long till rolls are narrow.
const MAX_SIDE: u32 = 8_000;

/// Size within the limits of a prepared page, aspect kept.
pub fn fitted(width: u32, height: u32) -> (u32, u32) {
    let pixels = u64::from(width) * u64::from(height);
    let by_pixels = (MAX_PIXELS as f64 / pixels.max(1) as f64).sqrt();
    let by_side = f64::from(MAX_SIDE) / f64::from(width.max(height).max(1));
    let factor = by_pixels.min(by_side).min(1.0);
    (scaled_side(width, factor), scaled_side(height, factor))
}

/// The picture within the limits of a prepared page.
pub fn fit(picture: GrayImage) -> GrayImage {
    let (width, height) = fitted(picture.width(), picture.height());
    if (width, height) == picture.dimensions() { picture } else { resize(&picture, width, height) }
}

/// One side times a factor, never 0.
pub fn scaled_side(side: u32, factor: f64) -> u32 {
    ((f64::from(side) * factor).round() as u32).max(1)
}

/// Scales to exactly this size. Shrinking averages, enlarging interpolates.
pub fn resize(picture: &GrayImage, width: u32, height: u32) -> GrayImage {
    if (width, height) == picture.dimensions() || width == 0 || height == 0 {
        return picture.clone();
    }
    let filter = if width < picture.width() { FilterType::Bilinear } else { FilterType::CatmullRom };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let mut scaled = Image::new(width, height, PixelType::U8);
    let done = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8)
        .ok()
        .and_then(|source| Resizer::new().resize(&source, &mut scaled, &options).ok())
        .and_then(|()| GrayImage::from_raw(width, height, scaled.into_vec()));
    // A scaler that refuses a size it should take must not cost us the page.
    done.unwrap_or_else(|| image::imageops::resize(picture, width, height, image::imageops::FilterType::Triangle))
}

/// Softens with a Gaussian of sigma 1: grain of paper and of compression disappears, strokes of letters stay.
pub fn soften(picture: &GrayImage) -> GrayImage {
    /// Weights of distance 0 to 3, of 4096 together.
    const WEIGHTS: [u32; 4] = [1634, 991, 221, 19];
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let source = picture.as_raw();
    let mut rows = vec![0_u8; source.len()];
    for (from, to) in source.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        for x in 0..width {
            let mut sum = WEIGHTS[0] * u32::from(from[x]);
            for (distance, weight) in WEIGHTS.iter().enumerate().skip(1) {
                sum += weight * (u32::from(from[x.saturating_sub(distance)]) + u32::from(from[(x + distance).min(width - 1)]));
            }
            to[x] = ((sum + 2048) >> 12).min(255) as u8;
        }
    }
    let mut soft = vec![0_u8; source.len()];
    for (y, to) in soft.chunks_exact_mut(width).enumerate() {
        let row = |at: usize| &rows[at * width..(at + 1) * width];
        let (above, below): (Vec<&[u8]>, Vec<&[u8]>) = (1..4).map(|d| (row(y.saturating_sub(d)), row((y + d).min(height - 1)))).unzip();
        let centre = row(y);
        for x in 0..width {
            let mut sum = WEIGHTS[0] * u32::from(centre[x]);
            for (distance, weight) in WEIGHTS.iter().enumerate().skip(1) {
                sum += weight * (u32::from(above[distance - 1][x]) + u32::from(below[distance - 1][x]));
            }
            to[x] = ((sum + 2048) >> 12).min(255) as u8;
        }
    }
    GrayImage::from_raw(picture.width(), picture.height(), soft).unwrap_or_else(|| picture.clone())
}

/// Turns clockwise by a multiple of 90 degrees.
pub fn turn(picture: GrayImage, degrees: u16) -> GrayImage {
    match degrees % 360 {
        90 => image::imageops::rotate90(&picture),
        180 => image::imageops::rotate180(&picture),
        270 => image::imageops::rotate270(&picture),
        _ => picture,
    }
}

/// Cuts a rectangle out; what reaches past the edge is left out. None when nothing is left.
pub fn cut(picture: &GrayImage, [left, top, right, bottom]: [u32; 4]) -> Option<GrayImage> {
    let (right, bottom) = (right.min(picture.width()), bottom.min(picture.height()));
    if left >= right || top >= bottom {
        return None;
    }
    Some(image::imageops::crop_imm(picture, left, top, right - left, bottom - top).to_image())
}

/// Encodes as 8-bit grey PNG, fast rather than small.
pub fn encode(picture: &GrayImage) -> Result<Vec<u8>, ImageError> {
    let mut png = Vec::with_capacity(picture.as_raw().len() / 4);
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, PngFilter::Adaptive).write_image(
        picture.as_raw(),
        picture.width(),
        picture.height(),
        ExtendedColorType::L8,
    )?;
    Ok(png)
}

/// Decodes a PNG that `encode` made. Anything else is refused, so that no foreign picture slips past the sandbox.
pub fn decode(png: &[u8]) -> Result<GrayImage, ImageError> {
    let decoder = our_decoder(png)?;
    let (width, height) = decoder.dimensions();
    let mut pixels = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut pixels)?;
    GrayImage::from_raw(width, height, pixels).ok_or_else(not_ours)
}

/// Width and height of a PNG that `encode` made.
pub fn dimensions(png: &[u8]) -> Result<(u32, u32), ImageError> {
    Ok(our_decoder(png)?.dimensions())
}

fn our_decoder(png: &[u8]) -> Result<impl ImageDecoder + '_, ImageError> {
    let decoder = image::codecs::png::PngDecoder::new(Cursor::new(png))?;
    let (width, height) = decoder.dimensions();
    let small = u64::from(width) * u64::from(height) <= 2 * MAX_PIXELS;
    if decoder.color_type() == image::ColorType::L8 && small { Ok(decoder) } else { Err(not_ours()) }
}

fn not_ours() -> ImageError {
    ImageError::Unsupported(image::error::UnsupportedError::from_format_and_kind(
        image::error::ImageFormatHint::Exact(image::ImageFormat::Png),
        image::error::UnsupportedErrorKind::GenericFeature("a page image that this program did not make".to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_back_from_png_as_it_went() {
        let picture = GrayImage::from_fn(37, 21, |x, y| image::Luma([(x * 7 + y * 3) as u8]));
        assert_eq!(decode(&encode(&picture).unwrap()).unwrap(), picture);
    }

    #[test]
    fn only_our_own_page_images_are_decoded() {
        let mut png = Vec::new();
        image::DynamicImage::new_rgb8(4, 4).write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        assert!(decode(&png).is_err());
        assert!(decode(b"not a picture").is_err());
    }

    #[test]
    fn sizes_are_fitted_by_area_and_by_side() {
        assert_eq!(fitted(1000, 2000), (1000, 2000));
        assert_eq!(fitted(600, 9000), (533, 8000));
        let (width, height) = fitted(6000, 6000);
        assert!(width == height && u64::from(width) * u64::from(height) <= 9_010_000);
    }

    #[test]
    fn softening_keeps_flat_areas_and_the_mean() {
        let flat = GrayImage::from_pixel(9, 9, image::Luma([200]));
        assert_eq!(soften(&flat), flat);
        let mut dot = flat;
        dot.put_pixel(4, 4, image::Luma([0]));
        let soft = soften(&dot);
        assert!(soft.get_pixel(4, 4).0[0] > 150 && soft.get_pixel(5, 4).0[0] < 200);
    }
}

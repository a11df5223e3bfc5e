//! JPEG, PNG and WebP: one picture a file.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Pixel};

use crate::reading::decode::Failure;
use crate::reading::picture;
use crate::reading::wire::ChildLimits;

/// Bytes of decoded pixels at most: 80 megapixels in colour with transparency.
const MAX_DECODED: u64 = 330 << 20;

/// Decodes to grey on white, the way up that EXIF says.
pub fn decode(bytes: &[u8], format: ImageFormat, limits: &ChildLimits) -> Result<GrayImage, Failure> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_alloc = Some(MAX_DECODED);
    reader.limits(decoder_limits);
    let mut decoder = reader.into_decoder().map_err(|error| failure(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Failure::CORRUPT);
    }
    if u64::from(width) * u64::from(height) > limits.pixels || decoder.total_bytes() > MAX_DECODED {
        return Err(Failure::TOO_LARGE);
    }
    // A broken EXIF block is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let picture = grey(DynamicImage::from_decoder(decoder).map_err(|error| failure(&error))?);
    let (width, height) = picture::fitted(picture.width(), picture.height());
    let mut picture = DynamicImage::ImageLuma8(picture::resize(&picture, width, height));
    picture.apply_orientation(orientation);
    Ok(picture.into_luma8())
}

/// Grey over white: what is transparent shows the paper.
fn grey(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let over_white = |grey: u8, alpha: u8| {
        let (grey, alpha) = (u32::from(grey), u32::from(alpha));
        ((grey * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let (width, height) = (picture.width(), picture.height());
    let pixels = match &picture {
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().map(|pixel| over_white(pixel.to_luma().0[0], pixel.0[3])).collect(),
        other => other.to_luma_alpha8().pixels().map(|pixel| over_white(pixel.0[0], pixel.0[1])).collect(),
    };
    GrayImage::from_raw(width, height, pixels).unwrap_or_default()
}

fn failure(error: &ImageError) -> Failure {
    match error {
        ImageError::Limits(_) => Failure::TOO_LARGE,
        ImageError::Unsupported(_) => Failure::Unreadable(crate::reading::reason::UNSUPPORTED),
        ImageError::Decoding(_) | ImageError::Encoding(_) | ImageError::Parameter(_) | ImageError::IoError(_) => Failure::CORRUPT,
    }
}

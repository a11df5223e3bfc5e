//! TIFF with any number of pages, black and white fax pages among them.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use crate::reading::decode::Failure;
use crate::reading::wire::ChildLimits;
use crate::reading::{picture, reason};

/// Bytes of one decoded page at most.
const MAX_DECODED: usize = 256 << 20;

/// A TIFF file, its directories counted.
pub struct Tiff {
    bytes: Vec<u8>,
    pages: u32,
    pixels: u64,
}

impl Tiff {
    /// Walks the directories; no page is decoded.
    pub fn open(bytes: Vec<u8>, limits: &ChildLimits) -> Result<Self, Failure> {
        let mut decoder = decoder(&bytes)?;
        let mut pages = 1;
        // One more than allowed is enough to know.
        while decoder.more_images() && pages <= limits.pages {
            // A chain of directories that breaks off still leaves the pages before.
            if decoder.next_image().is_err() {
                break;
            }
            pages += 1;
        }
        drop(decoder);
        Ok(Self { bytes, pages, pixels: limits.pixels })
    }

    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Decodes one page to grey, counted from 1.
    pub fn draw(&self, page: u32) -> Result<GrayImage, Failure> {
        let mut decoder = decoder(&self.bytes)?;
        decoder.seek_to_image(page.saturating_sub(1) as usize).map_err(failure)?;
        let (width, height) = decoder.dimensions().map_err(failure)?;
        if width == 0 || height == 0 {
            return Err(Failure::CORRUPT);
        }
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(Failure::TOO_LARGE);
        }
        let colours = decoder.colortype().map_err(failure)?;
        let palette = match colours {
            ColorType::Palette(_) => Some(decoder.get_tag_u16_vec(Tag::ColorMap).map_err(failure)?),
            _ => None,
        };
        let orientation = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten().and_then(Orientation::from_exif);
        let samples = decoder.read_image().map_err(failure)?;
        let pixels = Pixels { width: width as usize, height: height as usize, colours, palette };
        let grey = pixels.grey(samples).and_then(|grey| GrayImage::from_raw(width, height, grey)).ok_or(Failure::CORRUPT)?;
        let (width, height) = picture::fitted(width, height);
        let mut picture = DynamicImage::ImageLuma8(picture::resize(&grey, width, height));
        picture.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
        Ok(picture.into_luma8())
    }
}

fn decoder(bytes: &[u8]) -> Result<Decoder<Cursor<&[u8]>>, Failure> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_DECODED;
    limits.intermediate_buffer_size = MAX_DECODED;
    Ok(Decoder::new(Cursor::new(bytes)).map_err(failure)?.with_limits(limits))
}

fn failure(error: TiffError) -> Failure {
    match error {
        TiffError::LimitsExceeded => Failure::TOO_LARGE,
        TiffError::UnsupportedError(_) => Failure::Unreadable(reason::UNSUPPORTED),
        TiffError::FormatError(_) | TiffError::IoError(_) | TiffError::IntSizeError | TiffError::UsageError(_) => Failure::CORRUPT,
    }
}

/// What the samples of a page mean.
struct Pixels {
    width: usize,
    height: usize,
    colours: ColorType,
    /// All reds, then all greens, then all blues.
    palette: Option<Vec<u16>>,
}

impl Pixels {
    fn grey(&self, samples: DecodingResult) -> Option<Vec<u8>> {
        let bytes: Vec<u8> = match samples {
            DecodingResult::U8(samples) => samples,
            DecodingResult::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
            DecodingResult::F32(samples) => samples.into_iter().map(|sample| (sample.clamp(0.0, 1.0) * 255.0) as u8).collect(),
            _ => return None,
        };
        let depth = usize::from(self.colours.bit_depth());
        let bytes = if depth < 8 { self.unpack(&bytes, depth)? } else { bytes };
        let count = self.width * self.height;
        let channels = usize::from(self.colours.num_samples());
        // Planes stored apart: the first is the lightness, or near enough for reading.
        let channels = if bytes.len() < count * channels { 1 } else { channels };
        if bytes.len() < count * channels {
            return None;
        }
        let luma =
            |red: u8, green: u8, blue: u8| ((2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue)) / 10_000) as u8;
        let over_white = |grey: u8, alpha: u8| 255 - ((255 - u32::from(grey)) * u32::from(alpha) / 255) as u8;
        let grey = |pixel: &[u8]| match (self.colours, pixel) {
            (ColorType::RGB(_), [red, green, blue]) => luma(*red, *green, *blue),
            (ColorType::RGBA(_), [red, green, blue, alpha]) => over_white(luma(*red, *green, *blue), *alpha),
            (ColorType::GrayA(_), [grey, alpha]) => over_white(*grey, *alpha),
            (ColorType::CMYK(_) | ColorType::CMYKA(_), [cyan, magenta, yellow, black, ..]) => {
                let paper = |ink: u8| ((255 - u32::from(ink)) * (255 - u32::from(*black)) / 255) as u8;
                luma(paper(*cyan), paper(*magenta), paper(*yellow))
            }
            (_, [first, ..]) => *first,
            (_, []) => 0,
        };
        let mut page: Vec<u8> = bytes.chunks_exact(channels).take(count).map(grey).collect();
        if let Some(palette) = &self.palette {
            let colours = palette.len() / 3;
            for pixel in &mut page {
                let channel = |plane: usize| palette.get(plane * colours + usize::from(*pixel)).map_or(0, |value| (value >> 8) as u8);
                *pixel = luma(channel(0), channel(1), channel(2));
            }
        }
        Some(page)
    }

    /// One byte a sample. Greys fill the range of a byte, palette entries stay numbers.
    fn unpack(&self, packed: &[u8], depth: usize) -> Option<Vec<u8>> {
        let samples = self.width * usize::from(self.colours.num_samples());
        let stride = (samples * depth).div_ceil(8);
        if !matches!(depth, 1 | 2 | 4) || packed.len() < stride * self.height {
            return None;
        }
        let most = (1_u8 << depth) - 1;
        let factor = if self.palette.is_some() { 1 } else { 255 / most };
        let rows = packed.chunks_exact(stride).take(self.height);
        Some(
            rows.flat_map(|row| (0..samples).map(move |at| (row[at * depth / 8] >> (8 - depth - at * depth % 8) & most) * factor))
                .collect(),
        )
    }
}

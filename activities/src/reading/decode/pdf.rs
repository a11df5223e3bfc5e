//! PDF: each page drawn at a resolution that suits it, and its own text held against its pixels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::{InterpreterCache, InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::GrayImage;

use crate::reading::decode::{Drawn, Failure, WayUp};
use crate::reading::layer::{Layer, PageText};
use crate::reading::picture;

/// Resolution of pages that carry their own text: enough for people, and to hold the text against.
const TEXT_DPI: f32 = 150.0;
/// Resolution of other pages without a picture to go by.
const SCAN_DPI: f32 = 200.0;
/// A scan is drawn at its own resolution within these bounds.
const SCAN_DPI_RANGE: (f32, f32) = (150.0, 300.0);
const POINTS_PER_INCH: f32 = 72.0;

/// An opened PDF.
pub struct PdfFile {
    pdf: Pdf,
}

impl PdfFile {
    pub fn open(bytes: Vec<u8>) -> Result<Self, Failure> {
        let bytes = Arc::new(bytes);
        match Pdf::new(Arc::clone(&bytes)) {
            Ok(pdf) => Ok(Self { pdf }),
            Err(LoadPdfError::Decryption(_)) => Err(Failure::Encrypted),
            // A damaged file with a password ends here too.
            Err(LoadPdfError::Invalid) if bytes.windows(8).any(|window| window == b"/Encrypt") => Err(Failure::Encrypted),
            Err(LoadPdfError::Invalid) => Err(Failure::CORRUPT),
        }
    }

    pub fn pages(&self) -> u32 {
        u32::try_from(self.pdf.pages().len()).unwrap_or(u32::MAX)
    }

    /// Fonts and pictures that pages share are kept between them.
    pub fn session(&self) -> PdfSession<'_> {
        let damaged = Arc::new(AtomicBool::new(false));
        let sink = Arc::clone(&damaged);
        let settings = InterpreterSettings {
            warning_sink: Arc::new(move |warning| {
                if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
                    sink.store(true, Ordering::Relaxed);
                }
            }),
            ..InterpreterSettings::default()
        };
        PdfSession { pdf: &self.pdf, text: InterpreterCache::new(), pixels: RenderCache::new(), settings, damaged }
    }
}

/// Draws pages of one PDF.
pub struct PdfSession<'a> {
    pdf: &'a Pdf,
    text: InterpreterCache<'a>,
    pixels: RenderCache<'a>,
    settings: InterpreterSettings,
    /// A picture on the page could not be decoded.
    damaged: Arc<AtomicBool>,
}

impl<'a> PdfSession<'a> {
    /// Draws one page, counted from 1.
    pub fn draw(&mut self, page: u32) -> Result<Drawn, Failure> {
        let page = self.pdf.pages().get(page.saturating_sub(1) as usize).ok_or(Failure::CORRUPT)?;
        let (width, height) = page.render_dimensions();
        if !(width.is_finite() && height.is_finite() && width >= 1.0 && height >= 1.0) {
            return Err(Failure::CORRUPT);
        }
        let text = PageText::of(page, &self.text, &self.settings);
        let scale = scale(&text, width, height);
        self.damaged.store(false, Ordering::Relaxed);
        let picture = self.pixels(page, scale);
        let incomplete = self.damaged.load(Ordering::Relaxed);
        let layer = Layer::hold_against(text, &picture, scale);
        let way_up = if layer.speaks_for_page { WayUp::Turn(layer.turn_upright()) } else { WayUp::Unknown };
        Ok(Drawn { picture, layer, way_up, incomplete })
    }

    /// Draws one page, counted from 1, for people only: nothing is asked of its text.
    pub fn show(&mut self, page: u32, dpi: f32) -> Result<GrayImage, Failure> {
        let page = self.pdf.pages().get(page.saturating_sub(1) as usize).ok_or(Failure::CORRUPT)?;
        Ok(self.pixels(page, dpi / POINTS_PER_INCH))
    }

    fn pixels(&self, page: &'a Page<'a>, scale: f32) -> GrayImage {
        let to = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
        let pixmap = hayro::render(page, &self.pixels, &self.settings, &RenderSettings::default(), &to);
        // The weights of ITU-R BT.709 in parts of 256, which a processor does for many pixels at once.
        let luma = |[red, green, blue, _]: &[u8; 4]| ((54 * u16::from(*red) + 183 * u16::from(*green) + 19 * u16::from(*blue)) >> 8) as u8;
        let grey = pixmap.data_as_u8_slice().as_chunks().0.iter().map(luma).collect();
        GrayImage::from_raw(u32::from(pixmap.width()), u32::from(pixmap.height()), grey).unwrap_or_default()
    }
}

/// Pixels a point.
fn scale(text: &PageText, width: f32, height: f32) -> f32 {
    let dpi = match text.scan_dpi {
        Some(dpi) => dpi.clamp(SCAN_DPI_RANGE.0, SCAN_DPI_RANGE.1),
        None if text.words.is_empty() => SCAN_DPI,
        None => TEXT_DPI,
    };
    let wanted = dpi / POINTS_PER_INCH;
    let (fitted_width, _) = picture::fitted((width * wanted).ceil() as u32, (height * wanted).ceil() as u32);
    (fitted_width as f32 / (width * wanted).ceil()).min(1.0) * wanted
}

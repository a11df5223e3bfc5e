//! Files to grey pages, by type. Runs in the decoding child only.

mod pdf;
mod still;
mod tiff;

use domain::block::PageWords;
use domain::evidence::MediaType;
use image::GrayImage;

use crate::reading::column::Column;
use crate::reading::layer::{self, Layer};
use crate::reading::straighten::{Motion, Sampler, Upright, straighten};
use crate::reading::wire::{ChildLimits, Page};
use crate::reading::{TextLayerState, picture, reason};

/// Resolution of plain text, which only people look at.
const TYPED_DPI: f32 = 100.0;

/// Why a file or a page is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Encrypted,
    Unreadable(&'static str),
}

impl Failure {
    pub const CORRUPT: Self = Self::Unreadable(reason::CORRUPT);
    pub const TOO_LARGE: Self = Self::Unreadable(reason::TOO_LARGE);

    /// The word for one page.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Encrypted => reason::UNSUPPORTED,
            Self::Unreadable(reason) => reason,
        }
    }
}

/// An opened file.
pub enum Source {
    Still(GrayImage),
    Tiff(tiff::Tiff),
    Pdf(pdf::PdfFile),
    Text(Column),
}

/// A page as the file draws it.
pub struct Drawn {
    pub picture: GrayImage,
    pub layer: Layer,
    pub way_up: WayUp,
    /// A part of the page could not be drawn.
    pub incomplete: bool,
}

/// How the page is known to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayUp {
    /// Nobody says; its letters will.
    Unknown,
    /// Its text says: turn it clockwise by this many degrees.
    Turn(u16),
}

impl Source {
    /// Opens a file; declared sizes and page counts are checked before any pixel is decoded.
    pub fn open(media_type: MediaType, bytes: Vec<u8>, limits: &ChildLimits) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Err(Failure::Unreadable(reason::EMPTY));
        }
        let source = match media_type {
            MediaType::Jpeg => Self::Still(still::decode(&bytes, image::ImageFormat::Jpeg, limits)?),
            MediaType::Png => Self::Still(still::decode(&bytes, image::ImageFormat::Png, limits)?),
            MediaType::Webp => Self::Still(still::decode(&bytes, image::ImageFormat::WebP, limits)?),
            MediaType::Tiff => Self::Tiff(tiff::Tiff::open(bytes, limits)?),
            MediaType::Pdf => Self::Pdf(pdf::PdfFile::open(bytes)?),
            MediaType::Text => Self::Text(Column::lay_out(&bytes).ok_or(Failure::Unreadable(reason::EMPTY))?),
        };
        match source.pages() {
            0 => Err(Failure::CORRUPT),
            pages if pages > limits.pages => Err(Failure::Unreadable(reason::TOO_MANY_PAGES)),
            _ => Ok(source),
        }
    }

    pub fn pages(&self) -> u32 {
        match self {
            Self::Still(_) => 1,
            Self::Tiff(tiff) => tiff.pages(),
            Self::Pdf(pdf) => pdf.pages(),
            Self::Text(column) => column.pages(),
        }
    }

    /// Draws pages of one opened file, one after the other.
    pub fn session(&self) -> Session<'_> {
        match self {
            Self::Still(picture) => Session::Still(picture),
            Self::Tiff(tiff) => Session::Tiff(tiff),
            Self::Pdf(pdf) => Session::Pdf(Box::new(pdf.session())),
            Self::Text(column) => Session::Text(column),
        }
    }
}

/// What pages of one file share.
pub enum Session<'a> {
    Still(&'a GrayImage),
    Tiff(&'a tiff::Tiff),
    Pdf(Box<pdf::PdfSession<'a>>),
    Text(&'a Column),
}

impl Session<'_> {
    /// Draws one page, counted from 1.
    pub fn draw(&mut self, page: u32) -> Result<Drawn, Failure> {
        match self {
            Self::Still(picture) => Ok(Drawn::pixels((*picture).clone())),
            Self::Tiff(tiff) => tiff.draw(page).map(Drawn::pixels),
            Self::Pdf(session) => session.draw(page),
            Self::Text(column) => {
                let (pdf, words) = column.page(page).ok_or(Failure::CORRUPT)?;
                let file = pdf::PdfFile::open(pdf)?;
                let picture = file.session().show(1, TYPED_DPI)?;
                let layer = Layer { state: TextLayerState::Given, words, speaks_for_page: true };
                Ok(Drawn { picture, layer, way_up: WayUp::Turn(0), incomplete: false })
            }
        }
    }
}

impl Drawn {
    fn pixels(picture: GrayImage) -> Self {
        Self { picture, layer: Layer::none(), way_up: WayUp::Unknown, incomplete: false }
    }
}

/// An upright page with its answer for the parent.
pub struct UprightPage {
    pub picture: GrayImage,
    pub page: Page,
}

/// Brings a drawn page to its size, turns and straightens it, and takes its words along.
pub fn upright(drawn: Drawn, page: u32, sampler: &mut Sampler) -> UprightPage {
    let Drawn { picture, layer, way_up, incomplete } = drawn;
    let picture = picture::fit(picture);
    let Upright { picture, motion, blank } = match way_up {
        WayUp::Unknown => straighten(picture, sampler),
        WayUp::Turn(turned) => {
            let motion = Motion::turn_only(picture.dimensions(), turned);
            Upright { picture: picture::turn(picture, turned), motion, blank: layer.words.is_empty() }
        }
    };
    let (width, height) = picture.dimensions();
    let aspect = width as f32 / height as f32;
    let source = domain::block::Source::TextLayer;
    let text_layer =
        (!layer.words.is_empty()).then(|| PageWords { page, aspect, source, words: layer::in_reading_order(layer.words, &motion) });
    let page = Page {
        page,
        width,
        height,
        turned_degrees: motion.turned,
        skew_degrees: motion.lean,
        text_layer,
        text_layer_state: layer.state,
        blank: blank && !incomplete,
        incomplete,
    };
    UprightPage { picture, page }
}

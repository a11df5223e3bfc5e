//! What was read: words with boxes on a page, whichever engine read them.

use serde::{Deserialize, Serialize};

/// Engine and version of the stage that makes pages upright and straight. Changes with anything that changes a prepared page; page images and
/// all later results are kept under it.
pub const PREPARE_VERSION: &str = "prepare@2";

/// A box on a page in fractions of its width and height, origin top left: `[left, top, right, bottom]`, each in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BBox(pub [f32; 4]);

impl BBox {
    /// Left edge, 0..=1.
    pub fn left(&self) -> f32 {
        self.0[0]
    }
    /// Top edge, 0..=1.
    pub fn top(&self) -> f32 {
        self.0[1]
    }
    /// Right edge, 0..=1.
    pub fn right(&self) -> f32 {
        self.0[2]
    }
    /// Bottom edge, 0..=1.
    pub fn bottom(&self) -> f32 {
        self.0[3]
    }
    /// Height in fractions of the page.
    pub fn height(&self) -> f32 {
        self.0[3] - self.0[1]
    }
    /// Width in fractions of the page.
    pub fn width(&self) -> f32 {
        self.0[2] - self.0[0]
    }

    /// The smallest box that holds both.
    pub fn union(&self, other: &Self) -> Self {
        Self([self.0[0].min(other.0[0]), self.0[1].min(other.0[1]), self.0[2].max(other.0[2]), self.0[3].max(other.0[3])])
    }
}

/// One word as an engine read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The letters, never empty, without white space.
    pub text: String,
    /// Where it stands.
    pub bbox: BBox,
    /// The engine's own confidence, 0..=1, not calibrated.
    pub confidence: f32,
}

/// Where the words of a page come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The text layer of a PDF, after its ink was found on the page; or plain text evidence.
    TextLayer,
    /// Optical character recognition of the page's pixels.
    Ocr,
    /// The same by our own recogniser of lines.
    Recogniser,
}

/// The words of one page, in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageWords {
    /// Page number, from 1.
    pub page: u32,
    /// Width over height of the upright page, so that fractions can be compared along both axes.
    pub aspect: f32,
    /// Who read it.
    pub source: Source,
    /// Reading order: top to bottom, left to right within a line.
    pub words: Vec<Word>,
}

//! Reads crops of lines with trained weights.

use std::path::Path;

use candle_core::Device;
use image::GrayImage;
use thiserror::Error;

use super::alphabet::Alphabet;
use super::batch::{Batch, by_width};
use super::crop::{Strip, strip};
use super::ctc::{self, Scores};
use super::net::Net;
use super::weights::{Origin, WeightsError, load};
use super::words::{Word, words};

/// Columns and lines of a batch: on a CPU larger ones are no quicker and need more memory.
pub(super) const PIXELS: usize = 4_000;
pub(super) const LINES: usize = 16;

/// Why lines could not be read; that of a single crop is no error, see `Reader::read`.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("run the net")]
    Net(#[source] candle_core::Error),
}

/// A line's text with how sure the net was of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub words: Vec<Word>,
    /// Mean and lowest posterior along the best path, 0 to 1.
    pub mean: f32,
    pub lowest: f32,
}

impl Line {
    /// The words with a space between two.
    pub fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// A net with its symbols, for reading only. Can be shared between threads; each call works on its own thread.
pub struct Reader {
    net: Net,
    alphabet: Alphabet,
    origin: Origin,
    device: Device,
}

impl Reader {
    /// Reads weights from a file.
    pub fn open(file: &Path, device: &Device) -> Result<Self, WeightsError> {
        let bytes = std::fs::read(file).map_err(|source| WeightsError::Read { file: file.to_owned(), source })?;
        Self::new(&bytes, device)
    }

    /// Takes weights as the bytes of their file.
    pub fn new(bytes: &[u8], device: &Device) -> Result<Self, WeightsError> {
        let (net, alphabet, origin) = load(bytes, device)?;
        Ok(Self { net, alphabet, origin, device: device.clone() })
    }

    /// How the weights came to be.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// One line per crop, in their order. A crop that cannot be a line, empty or of an absurd shape, gives no text with no confidence.
    pub fn read(&self, crops: &[GrayImage]) -> Result<Vec<Line>, ReadError> {
        let strips: Vec<Option<Strip>> = crops.iter().map(strip).collect();
        let strips: Vec<(usize, &Strip)> = strips.iter().enumerate().filter_map(|(place, strip)| Some((place, strip.as_ref()?))).collect();
        let widths: Vec<usize> = strips.iter().map(|(_, strip)| strip.width()).collect();
        let mut lines = vec![Line::default(); crops.len()];
        for batch in by_width(&widths, PIXELS, LINES) {
            let members: Vec<&Strip> = batch.iter().map(|&member| strips[member].1).collect();
            let read = read_strips(&self.net, &self.alphabet, &members, &self.device).map_err(ReadError::Net)?;
            for (member, line) in batch.into_iter().zip(read) {
                lines[strips[member].0] = line;
            }
        }
        Ok(lines)
    }

    /// One line per strip of a batch, in their order.
    pub fn read_batch(&self, batch: &Batch) -> Result<Vec<Line>, ReadError> {
        read_batch(&self.net, &self.alphabet, batch).map_err(ReadError::Net)
    }
}

/// One batch through the net, widest first.
pub(super) fn read_strips(net: &Net, alphabet: &Alphabet, strips: &[&Strip], device: &Device) -> candle_core::Result<Vec<Line>> {
    read_batch(net, alphabet, &Batch::new(strips, device)?)
}

fn read_batch(net: &Net, alphabet: &Alphabet, batch: &Batch) -> candle_core::Result<Vec<Line>> {
    let scores = net.read(batch)?;
    let classes = alphabet.len() + 1;
    let mut lines = Vec::with_capacity(batch.widths.len());
    for place in 0..batch.widths.len() {
        let own = scores.get(place)?.narrow(0, 0, batch.frames(place))?.flatten_all()?.to_vec1::<f32>()?;
        let reading = ctc::read(Scores { numbers: &own, classes });
        let words = words(&reading.symbols, alphabet, batch.frames(place));
        lines.push(Line { words, mean: reading.mean, lowest: reading.lowest });
    }
    Ok(lines)
}

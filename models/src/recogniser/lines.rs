//! The recogniser as a model that is served: strips in, lines out, in batches of like width.

use std::sync::Arc;
use std::time::Duration;

use candle_core::Device;

use super::batch::Batch;
use super::crop::{Strip, WIDEST};
use super::net::HEIGHT;
use super::reader::{LINES, Line, PIXELS, ReadError, Reader};
use crate::serve::{Backend, Fault, Settings};

/// Permits, in columns of pixels: sixteen full batches wait at most, which a core reads in a few seconds. One tenant may have half of them.
const TOTAL: usize = 16 * PIXELS;
/// A line that waited through about this many seconds of others' batches goes first.
const AGE_CAP: Duration = Duration::from_secs(2);
/// Width of the strip that warms the model up, about that of half a line of a receipt.
const WARM: usize = 12 * HEIGHT;

/// Reads strips with one set of weights.
pub struct Lines {
    weights: Vec<u8>,
    device: Device,
}

impl Lines {
    /// Takes weights as the bytes of their file. They are kept, so that the model can be loaded again whatever became of the file.
    pub fn new(weights: Vec<u8>, device: Device) -> Self {
        Self { weights, device }
    }

    /// Bounds for serving on a CPU: batches as `Reader::read` makes them, and no strip too wide that `crop::strip` makes.
    pub fn settings() -> Settings {
        Settings {
            name: "recogniser",
            batch_items: LINES,
            batch_cost: PIXELS,
            item_cost: WIDEST,
            tenant_cost: TOTAL / 2,
            total_cost: TOTAL,
            age_cap: AGE_CAP,
        }
    }
}

impl Backend for Lines {
    type Input = Strip;
    type Output = Line;
    type Model = Reader;
    type Packed = Batch;

    fn load(&self) -> Result<Reader, Fault> {
        Reader::new(&self.weights, &self.device).map_err(|error| Arc::new(error) as Fault)
    }

    fn length(&self, strip: &Strip) -> usize {
        strip.width()
    }

    fn pack(&self, strips: &[&Strip]) -> Result<Batch, Fault> {
        Batch::new(strips, &self.device).map_err(|source| Arc::new(ReadError::Net(source)) as Fault)
    }

    fn run(&self, reader: &mut Reader, batch: Batch) -> Result<Vec<Line>, Fault> {
        reader.read_batch(&batch).map_err(|error| Arc::new(error) as Fault)
    }

    fn warm_up(&self) -> Vec<Strip> {
        vec![Strip::padded(&vec![0.0; WARM * HEIGHT], WARM)]
    }
}

//! The net: seven convolutions that bring a line 32 px high down to one row of frames, two recurrent layers that read it both ways, and a score per frame
//! and symbol. Its shape is that of section 13 of the design (models and data), 1.66 million numbers.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Result, Tensor, Var};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::batch::Batch;
use super::ops::convolve::COLUMNS;
use super::ops::grid::Pool;
use super::ops::lstm::{DIRECTIONS, GATES, Lstm};
use super::ops::plain;
use super::ops::stage::{Moments, Source, Stage};

/// Rows of every line.
pub const HEIGHT: usize = 32;
/// Columns of pixels that one frame stands for: the two pools that halve the width.
pub const FRAME: usize = 4;
/// Units of a recurrent layer in one direction.
const UNITS: usize = 160;
/// Recurrent layers.
const LAYERS: usize = 2;
/// Share of a batch's statistics in the running ones; the usual value of batch norm.
const MOMENTUM: f32 = 0.1;

/// A convolution with what follows it.
struct Shape {
    filters: usize,
    kernel_rows: usize,
    /// Rows of zeros above and below.
    pad: usize,
    pool: Pool,
}

const SQUARE: Pool = Pool { rows: 2, columns: 2 };
const FLAT: Pool = Pool { rows: 2, columns: 1 };

const SHAPES: [Shape; 7] = [
    Shape { filters: 32, kernel_rows: 3, pad: 1, pool: SQUARE },
    Shape { filters: 64, kernel_rows: 3, pad: 1, pool: SQUARE },
    Shape { filters: 96, kernel_rows: 3, pad: 1, pool: Pool::NONE },
    Shape { filters: 96, kernel_rows: 3, pad: 1, pool: FLAT },
    Shape { filters: 128, kernel_rows: 3, pad: 1, pool: Pool::NONE },
    Shape { filters: 128, kernel_rows: 3, pad: 1, pool: FLAT },
    Shape { filters: 192, kernel_rows: 2, pad: 0, pool: Pool::NONE },
];

/// The weights, and how they are applied.
pub struct Net {
    convolutions: Vec<Convolution>,
    layers: Vec<Layer>,
    /// (2 x units, symbols + 1)
    head: Var,
    /// (symbols + 1)
    head_bias: Var,
    operations: Operations,
}

struct Convolution {
    /// (kernel rows, 3 x channels, filters)
    kernel: Var,
    /// Scale above shift of batch norm, (2, filters).
    affine: Var,
    /// Running statistics, which reading uses and training keeps up without a gradient.
    mean: Var,
    variance: Var,
}

struct Layer {
    /// (numbers of a frame, 2 x 4 x units)
    input: Var,
    /// (2, units, 4 x units)
    state: Var,
    /// (2, 4 x units)
    bias: Var,
}

/// Which form of the operations runs: ours on the CPU, candle's elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operations {
    Quick,
    Plain,
}

/// A forward pass of training.
pub struct Pass {
    /// (lines, frames, symbols + 1); frames beyond a line's own have no meaning.
    pub logits: Tensor,
    /// Statistics of each convolution's output in this batch.
    pub moments: Vec<Moments>,
}

impl Net {
    /// Random weights, the same for the same seed, within the bounds that PyTorch uses (the prototype's framework): 1 / root of what flows into a number.
    pub fn new(symbols: usize, seed: u64, device: &Device) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut uniform = |shape: &[usize], inflow: usize| {
            let bound = 1.0 / (inflow as f32).sqrt();
            let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-bound..bound)).collect();
            Var::from_tensor(&Tensor::from_vec(numbers, shape, device)?)
        };
        let constant = |value: f32, length: usize| Var::from_tensor(&Tensor::full(value, length, device)?);
        let mut convolutions = Vec::with_capacity(SHAPES.len());
        let mut channels = 1;
        for Shape { filters, kernel_rows, .. } in SHAPES {
            convolutions.push(Convolution {
                kernel: uniform(&[kernel_rows, COLUMNS * channels, filters], kernel_rows * COLUMNS * channels)?,
                affine: Var::from_vec([1.0_f32, 0.0].map(|number| vec![number; filters]).concat(), (2, filters), device)?,
                mean: constant(0.0, filters)?,
                variance: constant(1.0, filters)?,
            });
            channels = filters;
        }
        let mut layers = Vec::with_capacity(LAYERS);
        for _ in 0..LAYERS {
            layers.push(Layer {
                input: uniform(&[channels, DIRECTIONS * GATES * UNITS], UNITS)?,
                state: uniform(&[DIRECTIONS, UNITS, GATES * UNITS], UNITS)?,
                bias: uniform(&[DIRECTIONS, GATES * UNITS], UNITS)?,
            });
            channels = DIRECTIONS * UNITS;
        }
        let head = uniform(&[channels, symbols + 1], channels)?;
        let head_bias = uniform(&[symbols + 1], channels)?;
        let operations = if device.is_cpu() { Operations::Quick } else { Operations::Plain };
        Ok(Self { convolutions, layers, head, head_bias, operations })
    }

    /// What training changes by its gradient, under the names of the weights' file.
    pub fn trained(&self) -> Vec<(String, &Var)> {
        let mut all = Vec::new();
        for (index, convolution) in self.convolutions.iter().enumerate() {
            all.push((format!("convolution.{index}.kernel"), &convolution.kernel));
            all.push((format!("convolution.{index}.affine"), &convolution.affine));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            all.push((format!("recurrent.{index}.input"), &layer.input));
            all.push((format!("recurrent.{index}.state"), &layer.state));
            all.push((format!("recurrent.{index}.bias"), &layer.bias));
        }
        all.push(("head.weight".to_owned(), &self.head));
        all.push(("head.bias".to_owned(), &self.head_bias));
        all
    }

    /// What training keeps up without a gradient.
    pub fn running(&self) -> Vec<(String, &Var)> {
        let mut all = Vec::new();
        for (index, convolution) in self.convolutions.iter().enumerate() {
            all.push((format!("convolution.{index}.mean"), &convolution.mean));
            all.push((format!("convolution.{index}.variance"), &convolution.variance));
        }
        all
    }

    /// Scores for reading, (lines, frames, symbols + 1): running statistics, nothing kept for a gradient. A line's scores do not depend on the batch it is in.
    pub fn read(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.pass(batch, false)?.logits)
    }

    /// Scores for training, with the statistics of this batch.
    pub fn train(&self, batch: &Batch) -> Result<Pass> {
        self.pass(batch, true)
    }

    /// Moves the running statistics towards those of the parts of one batch.
    pub fn learn_moments(&self, parts: &[Vec<Moments>]) -> Result<()> {
        for (index, convolution) in self.convolutions.iter().enumerate() {
            let share = MOMENTUM / parts.len().max(1) as f32;
            let mut mean = convolution.mean.to_vec1::<f32>()?;
            let mut variance = convolution.variance.to_vec1::<f32>()?;
            mean.iter_mut().chain(&mut variance).for_each(|number| *number *= 1.0 - MOMENTUM);
            for moments in parts.iter().filter_map(|part| part.get(index)) {
                mean.iter_mut().zip(&moments.mean).for_each(|(running, seen)| *running += share * seen);
                variance.iter_mut().zip(&moments.variance).for_each(|(running, seen)| *running += share * seen);
            }
            let length = mean.len();
            convolution.mean.set(&Tensor::from_vec(mean, length, convolution.mean.device())?)?;
            convolution.variance.set(&Tensor::from_vec(variance, length, convolution.variance.device())?)?;
        }
        Ok(())
    }

    fn pass(&self, batch: &Batch, training: bool) -> Result<Pass> {
        // Without its variable a weight leaves no trace, and what was computed on the way is freed at once.
        let weight = |var: &Var| if training { var.as_tensor().clone() } else { var.as_detached_tensor() };
        let mut activations = batch.pixels.clone();
        let mut widths = batch.widths.clone();
        let mut seen = Vec::with_capacity(self.convolutions.len());
        for (index, (convolution, shape)) in self.convolutions.iter().zip(&SHAPES).enumerate() {
            let source = if training {
                let moments = Arc::new(Mutex::new(Moments::default()));
                seen.push(Arc::clone(&moments));
                Source::Batch(moments)
            } else {
                Source::Kept(Moments { mean: convolution.mean.to_vec1()?, variance: convolution.variance.to_vec1()? })
            };
            let (kernel, affine) = (weight(&convolution.kernel), weight(&convolution.affine));
            activations = match self.operations {
                Operations::Quick => {
                    let stage = Stage::new(shape.pad, shape.pool, widths.clone(), source, index > 0);
                    activations.apply_op3(&kernel, &affine, stage)?
                }
                Operations::Plain => plain::stage(&activations, &kernel, &affine, shape.pad, shape.pool, &widths, &source)?,
            };
            widths.iter_mut().for_each(|width| *width /= shape.pool.columns);
        }
        let (lines, rows, frames, channels) = activations.dims4()?;
        let mut states = activations.reshape((lines * frames, rows * channels))?;
        for layer in &self.layers {
            let given = states.matmul(&weight(&layer.input))?.reshape((lines, frames, DIRECTIONS * GATES * UNITS))?;
            states = self.recur(&given, &weight(&layer.state), &weight(&layer.bias), &widths, training)?;
            states = states.reshape((lines * frames, DIRECTIONS * UNITS))?;
        }
        let logits = states.matmul(&weight(&self.head))?.broadcast_add(&weight(&self.head_bias))?;
        let logits = logits.reshape((lines, frames, self.head_bias.elem_count()))?;
        let moments = seen.iter().map(|moments| moments.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect();
        Ok(Pass { logits, moments })
    }

    fn recur(&self, input: &Tensor, state: &Tensor, bias: &Tensor, lengths: &[usize], training: bool) -> Result<Tensor> {
        match self.operations {
            Operations::Quick if training => input.apply_op3(state, bias, Lstm::for_training(lengths.to_vec())),
            Operations::Quick => input.apply_op3(state, bias, Lstm::for_reading(lengths.to_vec())),
            Operations::Plain => plain::lstm(input, state, bias, lengths),
        }
    }
}

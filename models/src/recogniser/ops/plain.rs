//! The same operations written with candle's own: what runs on other devices than the CPU, and what the tests hold the quick ones against.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{D, DType, Result, Tensor};

use super::convolve::COLUMNS;
use super::grid::Pool;
use super::lstm::{DIRECTIONS, GATES};
use super::stage::{EPSILON, Moments, Source};

/// See `Stage`. `widths` are those before the pool.
pub fn stage(
    input: &Tensor,
    kernel: &Tensor,
    affine: &Tensor,
    pad: usize,
    pooled: Pool,
    widths: &[usize],
    source: &Source,
) -> Result<Tensor> {
    let inner = convolve(input, kernel, pad)?;
    pool(&normalise(&inner, &affine.get(0)?, &affine.get(1)?, widths, source)?, pooled)
}

fn convolve(input: &Tensor, kernel: &Tensor, pad: usize) -> Result<Tensor> {
    let (lines, rows, columns, channels) = input.dims4()?;
    let (kernel_rows, taps, filters) = kernel.dims3()?;
    let padded = input.pad_with_zeros(1, pad, pad)?.pad_with_zeros(2, 1, 1)?;
    let rows_out = rows + 2 * pad + 1 - kernel_rows;
    let mut neighbours = Vec::with_capacity(kernel_rows * COLUMNS);
    for row in 0..kernel_rows {
        for column in 0..COLUMNS {
            neighbours.push(padded.narrow(1, row, rows_out)?.narrow(2, column, columns)?);
        }
    }
    let pixels = lines * rows_out * columns;
    let flat = Tensor::cat(&neighbours, D::Minus1)?.reshape((pixels, kernel_rows * COLUMNS * channels))?;
    flat.matmul(&kernel.reshape((kernel_rows * taps, filters))?)?.reshape((lines, rows_out, columns, filters))
}

/// One where a column is a line's own, (lines, 1, width + 1, 1).
fn mask(widths: &[usize], columns: usize, like: &Tensor) -> Result<Tensor> {
    let ones: Vec<f32> = widths.iter().flat_map(|&width| (0..columns).map(move |column| if column < width { 1.0 } else { 0.0 })).collect();
    Tensor::from_vec(ones, (widths.len(), 1, columns, 1), like.device())
}

fn normalise(input: &Tensor, scale: &Tensor, shift: &Tensor, widths: &[usize], source: &Source) -> Result<Tensor> {
    let (_, rows, columns, channels) = input.dims4()?;
    let mask = mask(widths, columns, input)?;
    let (mean, variance) = match source {
        Source::Kept(kept) => (
            Tensor::from_slice(&kept.mean, (1, 1, 1, channels), input.device())?,
            Tensor::from_slice(&kept.variance, (1, 1, 1, channels), input.device())?,
        ),
        Source::Batch(seen) => {
            let pixels = (widths.iter().sum::<usize>() * rows).max(1) as f64;
            let mean = (input.broadcast_mul(&mask)?.sum_keepdim((0, 1, 2))? / pixels)?;
            let variance = (input.broadcast_sub(&mean)?.sqr()?.broadcast_mul(&mask)?.sum_keepdim((0, 1, 2))? / pixels)?;
            remember(seen, &mean, &variance)?;
            (mean, variance)
        }
    };
    let whitened = input.broadcast_sub(&mean)?.broadcast_div(&(variance + f64::from(EPSILON))?.sqrt()?)?;
    whitened.broadcast_mul(scale)?.broadcast_add(shift)?.relu()?.broadcast_mul(&mask)
}

fn remember(seen: &Arc<Mutex<Moments>>, mean: &Tensor, variance: &Tensor) -> Result<()> {
    let moments = Moments { mean: mean.flatten_all()?.to_vec1()?, variance: variance.flatten_all()?.to_vec1()? };
    *seen.lock().unwrap_or_else(PoisonError::into_inner) = moments;
    Ok(())
}

fn pool(input: &Tensor, pooled: Pool) -> Result<Tensor> {
    let (lines, rows, columns, channels) = input.dims4()?;
    let (rows_out, columns_out) = (rows / pooled.rows, (columns - 1) / pooled.columns);
    let cells = input.narrow(2, 0, columns - 1)?.contiguous()?;
    let cells = cells.reshape(vec![lines, rows_out, pooled.rows, columns_out, pooled.columns, channels])?;
    cells.max(4)?.max(2)?.pad_with_zeros(2, 0, 1)
}

fn logistic(input: &Tensor) -> Result<Tensor> {
    (input.neg()?.exp()? + 1.0)?.recip()
}

/// See `Lstm`.
pub fn lstm(input: &Tensor, weights: &Tensor, bias: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (lines, frames, width) = input.dims3()?;
    let units = width / DIRECTIONS / GATES;
    let by_direction = input.reshape((lines, frames, DIRECTIONS, GATES * units))?;
    let mut directions = Vec::with_capacity(DIRECTIONS);
    for direction in 0..DIRECTIONS {
        let given = by_direction.narrow(2, direction, 1)?.squeeze(2)?.broadcast_add(&bias.get(direction)?)?;
        let weights = weights.get(direction)?;
        let mut state = Tensor::zeros((lines, units), DType::F32, input.device())?;
        let mut cell = state.clone();
        let mut states = Vec::with_capacity(frames);
        for step in 0..frames {
            let frame = if direction == 0 { step } else { frames - 1 - step };
            let gates = (given.narrow(1, frame, 1)?.squeeze(1)? + state.matmul(&weights)?)?.chunk(GATES, 1)?;
            // Beyond a line's length state and cell are held at zero, which is where the way back begins.
            let own: Vec<f32> = lengths.iter().map(|&length| if frame < length { 1.0 } else { 0.0 }).collect();
            let own = Tensor::from_vec(own, (lines, 1), input.device())?;
            cell = ((logistic(&gates[1])? * &cell)? + (logistic(&gates[0])? * gates[2].tanh()?)?)?.broadcast_mul(&own)?;
            state = (logistic(&gates[3])? * cell.tanh()?)?.broadcast_mul(&own)?;
            states.push(state.clone());
        }
        if direction == 1 {
            states.reverse();
        }
        directions.push(Tensor::stack(&states, 1)?);
    }
    Tensor::cat(&directions, 2)
}

//! The net's operations with gradients of their own, for the CPU: each does in one pass over memory what a chain of general operations does in ten.
//!
//! Activations lie as (line, row, column, channel). The last column is no pixel: it stays zero, so that the left neighbour of a row's first pixel and the
//! right neighbour of its last are zero without copying anything. Elsewhere than on a CPU, `plain` does the same with candle's own operations; tests hold
//! the two against each other.

pub mod convolve;
pub mod function;
pub mod grid;
pub mod lstm;
pub mod matrix;
pub mod plain;
pub mod stage;
#[cfg(test)]
mod tests;

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The numbers of an argument on the CPU, which must lie without gaps.
fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("an operation of ours takes tensors without gaps"),
    }
}

/// Hands the numbers of a tensor on the CPU to `look`.
fn look_at<T>(tensor: &Tensor, look: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(look(floats(storage, layout)?)),
        _ => bail!("an operation of ours runs on the CPU only"),
    }
}

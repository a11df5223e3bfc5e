//! Several lines side by side as one tensor, widest first, the shorter ones filled up with background.

use candle_core::{Device, Result, Tensor};

use super::crop::Strip;
use super::net::{FRAME, HEIGHT};

/// Lines for one pass of the net.
pub struct Batch {
    /// (lines, 32, widest + 1, 1); the last column is zero, as the net's operations want it.
    pub pixels: Tensor,
    /// Columns of each line, multiples of a frame.
    pub widths: Vec<usize>,
}

impl Batch {
    /// Takes strips that are already in order, widest first: recurrent layers are quickest so.
    pub fn new(strips: &[&Strip], device: &Device) -> Result<Self> {
        let columns = strips.iter().map(|strip| strip.width()).max().unwrap_or(0) + 1;
        let mut pixels = vec![0.0; strips.len() * HEIGHT * columns];
        for (strip, lines) in strips.iter().zip(pixels.chunks_exact_mut(HEIGHT * columns)) {
            for (from, into) in strip.rows().zip(lines.chunks_exact_mut(columns)) {
                into[..from.len()].copy_from_slice(from);
            }
        }
        let widths = strips.iter().map(|strip| strip.width()).collect();
        Ok(Self { pixels: Tensor::from_vec(pixels, (strips.len(), HEIGHT, columns, 1), device)?, widths })
    }

    /// Frames of a line.
    pub fn frames(&self, line: usize) -> usize {
        self.widths[line] / FRAME
    }
}

/// Cuts a list of widths into batches, widest first, each of at most `pixels` columns with its filling and at most `lines` lines. Gives positions in the list.
pub fn by_width(widths: &[usize], pixels: usize, lines: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..widths.len()).collect();
    order.sort_by_key(|&position| (std::cmp::Reverse(widths[position]), position));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for position in order {
        match batches.last_mut() {
            Some(batch) if batch.len() < lines && (batch.len() + 1) * widths[batch[0]] <= pixels => batch.push(position),
            _ => batches.push(vec![position]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_lines_of_like_width_within_their_bounds() {
        assert_eq!(by_width(&[8, 100, 12, 96, 300], 200, 64), [vec![4], vec![1, 3], vec![2, 0]]);
        assert_eq!(by_width(&[8; 5], 1000, 2), [vec![0, 1], vec![2, 3], vec![4]]);
        assert!(by_width(&[], 1000, 2).is_empty());
    }
}

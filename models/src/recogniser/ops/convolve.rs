//! Convolution three columns wide, as one matrix product per row of the kernel: in our layout the three neighbours of a pixel are one run of numbers, so
//! the neighbourhoods of all pixels are a matrix whose rows overlap, and nothing is copied for forward, gradient of the input or gradient of the kernel.

use candle_core::{Result, bail};

use super::matrix::{Into, View, multiply};

/// Columns of every kernel.
pub const COLUMNS: usize = 3;

/// Sizes of an input (lines, rows, width + 1, channels) and a kernel (kernel rows, 3 x channels, filters); the output is (lines, rows + 2 x pad - kernel rows
/// + 1, width + 1, filters). Its last column holds nothing of meaning and is for the caller to clear.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub lines: usize,
    pub rows: usize,
    /// With the column of zeros.
    pub columns: usize,
    pub channels: usize,
    pub kernel_rows: usize,
    pub filters: usize,
    /// Rows of zeros above and below the input.
    pub pad: usize,
}

/// One row of the kernel over one line: from which pixel of the input which pixels of the output grow.
struct Sweep {
    kernel_row: usize,
    /// First pixel of the output, counted over all lines.
    output: usize,
    /// The pixel of the input that lies left of it, plus one: zero means that it lies before the first number of all.
    input: usize,
    pixels: usize,
}

impl Sizes {
    pub fn new(input: &[usize], kernel: &[usize], pad: usize) -> Result<Self> {
        let (&[lines, rows, columns, channels], &[kernel_rows, taps, filters]) = (input, kernel) else {
            bail!("convolve takes four dimensions and three, not {input:?} and {kernel:?}");
        };
        if taps != COLUMNS * channels || rows + 2 * pad < kernel_rows || columns < 2 || lines == 0 {
            bail!("convolve of {input:?} by {kernel:?} with {pad} rows of zeros");
        }
        Ok(Self { lines, rows, columns, channels, kernel_rows, filters, pad })
    }

    pub fn rows_out(&self) -> usize {
        self.rows + 2 * self.pad + 1 - self.kernel_rows
    }

    /// The sizes of the way back: from the gradient of the output to that of the input.
    pub fn back(&self) -> Self {
        Self { rows: self.rows_out(), channels: self.filters, filters: self.channels, pad: self.kernel_rows - 1 - self.pad, ..*self }
    }

    /// Every product of a forward pass. The first of each line covers all its output, so it may replace what stands there.
    fn sweeps(&self) -> impl Iterator<Item = (Sweep, Into)> {
        let sizes = *self;
        let first = sizes.pad.min(sizes.kernel_rows - 1);
        let order = std::iter::once(first).chain((0..sizes.kernel_rows).filter(move |&row| row != first));
        (0..sizes.lines).flat_map(move |line| {
            order.clone().map(move |kernel_row| {
                let top = sizes.pad.saturating_sub(kernel_row);
                let bottom = sizes.rows_out().min(sizes.rows + sizes.pad - kernel_row);
                let input = (line * sizes.rows + top + kernel_row - sizes.pad) * sizes.columns;
                let output = (line * sizes.rows_out() + top) * sizes.columns;
                let covers = top == 0 && bottom == sizes.rows_out();
                let mode = if kernel_row == first && covers { Into::Replace } else { Into::Add };
                (Sweep { kernel_row, output, input, pixels: bottom.saturating_sub(top) * sizes.columns }, mode)
            })
        })
    }

    /// The neighbourhoods of a sweep as a matrix, without the pixel before the first number and the one that looks past the last (a last column, which has
    /// no meaning). Gives the first pixel of the output that the matrix is for.
    fn neighbourhoods<'a>(&self, sweep: &Sweep, input: &'a [f32]) -> (View<'a>, usize) {
        let total = self.lines * self.rows * self.columns;
        let skipped = usize::from(sweep.input == 0);
        let start = sweep.input + skipped - 1;
        let pixels = (sweep.pixels - skipped).min(total + 1 - COLUMNS - start);
        let data = &input[start * self.channels..];
        (View { data, rows: pixels, columns: COLUMNS * self.channels, row_stride: self.channels, column_stride: 1 }, sweep.output + skipped)
    }

    /// The run of numbers of the very first pixel, whose left neighbour does not exist.
    fn first_run(&self) -> usize {
        (COLUMNS - 1) * self.channels
    }
}

/// The convolution of an input.
pub fn correlate(sizes: &Sizes, input: &[f32], kernel: &[f32]) -> Vec<f32> {
    let (filters, taps) = (sizes.filters, COLUMNS * sizes.channels);
    let mut output = vec![0.0; sizes.lines * sizes.rows_out() * sizes.columns * filters];
    for (sweep, mode) in sizes.sweeps().filter(|(sweep, _)| sweep.pixels > 0) {
        let weights = &kernel[sweep.kernel_row * taps * filters..][..taps * filters];
        let (neighbourhoods, from) = sizes.neighbourhoods(&sweep, input);
        if sweep.input == 0 {
            let run = View::rows(&input[..sizes.first_run()], 1, sizes.first_run());
            let below = View::rows(&weights[sizes.channels * filters..], sizes.first_run(), filters);
            multiply(run, below, &mut output[sweep.output * filters..][..filters], mode);
        }
        let into = &mut output[from * filters..][..neighbourhoods.rows * filters];
        multiply(neighbourhoods, View::rows(weights, taps, filters), into, mode);
    }
    output
}

/// How the kernel should change, given how the output should. The gradient's last column must be zero, here and in `back`.
pub fn kernel_gradient(sizes: &Sizes, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let (filters, taps) = (sizes.filters, COLUMNS * sizes.channels);
    let mut of_kernel = vec![0.0; sizes.kernel_rows * taps * filters];
    for (sweep, _) in sizes.sweeps().filter(|(sweep, _)| sweep.pixels > 0) {
        let into = &mut of_kernel[sweep.kernel_row * taps * filters..][..taps * filters];
        let (neighbourhoods, from) = sizes.neighbourhoods(&sweep, input);
        if sweep.input == 0 {
            let run = View::rows(&input[..sizes.first_run()], 1, sizes.first_run());
            let of_pixel = View::rows(&gradient[sweep.output * filters..], 1, filters);
            multiply(run.turned(), of_pixel, &mut into[sizes.channels * filters..], Into::Add);
        }
        let of_pixels = View::rows(&gradient[from * filters..], neighbourhoods.rows, filters);
        multiply(neighbourhoods.turned(), of_pixels, into, Into::Add);
    }
    of_kernel
}

/// The kernel turned by half a circle, with channels and filters changed over: what brings a gradient back to the input with `Sizes::back`.
pub fn flip(sizes: &Sizes, kernel: &[f32]) -> Vec<f32> {
    let (channels, filters) = (sizes.channels, sizes.filters);
    let cells = sizes.kernel_rows * COLUMNS;
    let mut flipped = vec![0.0; kernel.len()];
    for (cell, into) in flipped.chunks_exact_mut(filters * channels).enumerate() {
        let from = &kernel[(cells - 1 - cell) * channels * filters..][..channels * filters];
        for (channel, run) in from.chunks_exact(filters).enumerate() {
            for (filter, &weight) in run.iter().enumerate() {
                into[filter * channels + channel] = weight;
            }
        }
    }
    flipped
}

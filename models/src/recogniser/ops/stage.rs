//! Convolution, batch norm, rectifier and pool as one operation: its inner activations, most of what the net computes, are read and written as few times as
//! can be, and no gradient of theirs is kept. Statistics count only pixels of lines, and beyond a line's own width its activations are zero, exactly as if the
//! line stood alone.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::convolve::{Sizes, correlate, flip, kernel_gradient};
use super::grid::{Grid, Pool};
use super::{floats, look_at};

/// Added to the variance before its root is taken; the usual value of batch norm.
pub const EPSILON: f32 = 1e-5;

/// Mean and variance per filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

/// Where mean and variance come from.
pub enum Source {
    /// From this batch; they are left here for the running averages.
    Batch(Arc<Mutex<Moments>>),
    /// From training.
    Kept(Moments),
}

/// Arguments: activations (lines, rows, width + 1, channels), kernel (kernel rows, 3 x channels, filters), scale above shift (2, filters).
/// Result: activations (lines, rows after pad, kernel and pool, pooled width + 1, filters).
pub struct Stage {
    /// Rows of zeros above and below the input.
    pub pad: usize,
    pub pool: Pool,
    /// Columns of each line that are its own, before the pool.
    pub widths: Vec<usize>,
    pub source: Source,
    /// The first stage has no use for the gradient of its pixels.
    pub input_gradient: bool,
    /// The convolution's output, from the forward to the backward pass.
    inner: Mutex<Option<Vec<f32>>>,
}

impl Stage {
    pub fn new(pad: usize, pool: Pool, widths: Vec<usize>, source: Source, input_gradient: bool) -> Self {
        Self { pad, pool, widths, source, input_gradient, inner: Mutex::new(None) }
    }

    fn grid(&self, sizes: &Sizes) -> Result<Grid<'_>> {
        Grid::new([sizes.lines, sizes.rows_out(), sizes.columns, sizes.filters], self.pool, &self.widths)
    }
}

impl CustomOp3 for Stage {
    fn name(&self) -> &'static str {
        "stage"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        kernel: &CpuStorage,
        kernel_layout: &Layout,
        affine: &CpuStorage,
        affine_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = Sizes::new(input_layout.dims(), kernel_layout.dims(), self.pad)?;
        let grid = self.grid(&sizes)?;
        let inner = correlate(&sizes, floats(input, input_layout)?, floats(kernel, kernel_layout)?);
        let moments = match &self.source {
            Source::Kept(moments) => moments.clone(),
            Source::Batch(seen) => {
                let moments = moments(&grid, &inner);
                seen.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&moments);
                moments
            }
        };
        let norm = Norm::new(floats(affine, affine_layout)?, &moments, grid.channels)?;
        let output = norm.apply(&grid, &inner);
        if let Source::Batch(_) = self.source {
            *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = Some(inner);
        }
        Ok((CpuStorage::F32(output), (grid.lines, grid.rows_out(), grid.columns_out(), grid.channels).into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        kernel: &Tensor,
        affine: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Source::Batch(seen) = &self.source else { bail!("a stage with kept moments has no gradient: it is for reading") };
        let moments = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(mut inner) = self.inner.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            bail!("the gradient of a stage is taken once, after its forward pass");
        };
        let sizes = Sizes::new(input.dims(), kernel.dims(), self.pad)?;
        let grid = self.grid(&sizes)?;
        let norm = look_at(affine, |affine| Norm::new(affine, &moments, grid.channels))??;
        let of_affine =
            look_at(result, |result| look_at(gradient, |gradient| norm.go_back(&grid, &moments, &mut inner, result, gradient)))??;
        let of_affine = Tensor::from_vec(of_affine, affine.shape(), affine.device())?;

        let of_inner = inner;
        let of_kernel = look_at(input, |input| kernel_gradient(&sizes, input, &of_inner))?;
        let of_kernel = Tensor::from_vec(of_kernel, kernel.shape(), kernel.device())?;
        let of_input = if self.input_gradient {
            let flipped = look_at(kernel, |kernel| flip(&sizes, kernel))?;
            Some(Tensor::from_vec(correlate(&sizes.back(), &of_inner, &flipped), input.shape(), input.device())?)
        } else {
            None
        };
        Ok((of_input, Some(of_kernel), Some(of_affine)))
    }
}

/// Sums of two numbers over all pixels, by channel. A row is short enough for f32, a batch is not.
struct Sums {
    row: [Vec<f32>; 2],
    all: Vec<[f64; 2]>,
}

impl Sums {
    fn new(channels: usize) -> Self {
        Self { row: [vec![0.0; channels], vec![0.0; channels]], all: vec![[0.0; 2]; channels] }
    }

    fn end_row(&mut self) {
        let [first, second] = &mut self.row;
        for ((all, first), second) in self.all.iter_mut().zip(first.iter_mut()).zip(second.iter_mut()) {
            all[0] += f64::from(std::mem::take(first));
            all[1] += f64::from(std::mem::take(second));
        }
    }
}

fn moments(grid: &Grid<'_>, inner: &[f32]) -> Moments {
    let mut sums = Sums::new(grid.channels);
    for (own, _) in grid.runs() {
        let [plain, square] = &mut sums.row;
        for pixel in inner[own].chunks_exact(grid.channels) {
            for ((plain, square), value) in plain.iter_mut().zip(square.iter_mut()).zip(pixel) {
                *plain += value;
                *square += value * value;
            }
        }
        sums.end_row();
    }
    let pixels = grid.pixels();
    let mean: Vec<f64> = sums.all.iter().map(|sums| sums[0] / pixels).collect();
    let variance = sums.all.iter().zip(&mean).map(|(sums, mean)| (sums[1] / pixels - mean * mean).max(0.0) as f32).collect();
    Moments { mean: mean.into_iter().map(|mean| mean as f32).collect(), variance }
}

/// Batch norm as one factor and one offset per channel.
struct Norm {
    factor: Vec<f32>,
    offset: Vec<f32>,
    /// 1 / root of the variance.
    inverse: Vec<f32>,
}

impl Norm {
    fn new(affine: &[f32], moments: &Moments, channels: usize) -> Result<Self> {
        if affine.len() != 2 * channels || moments.mean.len() != channels || moments.variance.len() != channels {
            bail!("a norm of {channels} channels with numbers of others");
        }
        let (scale, shift) = affine.split_at(channels);
        let inverse: Vec<f32> = moments.variance.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect();
        let factor: Vec<f32> = scale.iter().zip(&inverse).map(|(scale, inverse)| scale * inverse).collect();
        let offset = shift.iter().zip(&moments.mean).zip(&factor).map(|((shift, mean), factor)| shift - mean * factor).collect();
        Ok(Self { factor, offset, inverse })
    }

    /// The pooled and rectified output.
    fn apply(&self, grid: &Grid<'_>, inner: &[f32]) -> Vec<f32> {
        let mut output = vec![0.0_f32; grid.lines * grid.rows_out() * grid.columns_out() * grid.channels];
        for cell in grid.rows_of_cells().flatten() {
            // It begins at zero, which is the rectifier.
            let into = &mut output[cell.pooled..][..grid.channels];
            for &pixel in cell.pixels() {
                let affine = self.factor.iter().zip(&self.offset);
                for ((into, value), (factor, offset)) in into.iter_mut().zip(&inner[pixel..][..grid.channels]).zip(affine) {
                    let normed = value * factor + offset;
                    *into = if normed > *into { normed } else { *into };
                }
            }
        }
        output
    }

    /// Turns the convolution's output into its gradient (Ioffe and Szegedy 2015, section 3) and gives that of scale and shift.
    fn go_back(&self, grid: &Grid<'_>, moments: &Moments, inner: &mut [f32], result: &[f32], gradient: &[f32]) -> Vec<f32> {
        let mut passed = vec![0.0_f32; grid.numbers()];
        let mut sums = Sums::new(grid.channels);
        let mut left = vec![0.0_f32; grid.channels];
        for row in grid.rows_of_cells() {
            let [plain, weighted] = &mut sums.row;
            for cell in row {
                // The gradient goes to the first pixel that has the cell's value, if the rectifier let it through.
                let highest = &result[cell.pooled..][..grid.channels];
                for ((left, gradient), highest) in left.iter_mut().zip(&gradient[cell.pooled..]).zip(highest) {
                    *left = if *highest > 0.0 { *gradient } else { 0.0 };
                }
                for &pixel in cell.pixels() {
                    let affine = self.factor.iter().zip(&self.offset);
                    let pixels = passed[pixel..][..grid.channels].iter_mut().zip(&inner[pixel..][..grid.channels]);
                    let sums = plain.iter_mut().zip(weighted.iter_mut());
                    let cells = left.iter_mut().zip(highest);
                    for ((((into, value), (factor, offset)), (left, highest)), (plain, weighted)) in pixels.zip(affine).zip(cells).zip(sums)
                    {
                        let taken = if value * factor + offset == *highest { *left } else { 0.0 };
                        *into = taken;
                        *left -= taken;
                        *plain += taken;
                        *weighted += taken * value;
                    }
                }
            }
            sums.end_row();
        }
        let shift: Vec<f32> = sums.all.iter().map(|sums| sums[0] as f32).collect();
        let scale = |channel: usize| {
            let [plain, weighted] = sums.all[channel];
            ((weighted - f64::from(moments.mean[channel]) * plain) * f64::from(self.inverse[channel])) as f32
        };
        let scale: Vec<f32> = (0..grid.channels).map(scale).collect();

        // By channel the gradient is factor x passed + slope x value + constant.
        let pixels = grid.pixels() as f32;
        let slope: Vec<f32> =
            (0..grid.channels).map(|channel| -self.factor[channel] * self.inverse[channel] * scale[channel] / pixels).collect();
        let constant: Vec<f32> = (0..grid.channels)
            .map(|channel| -self.factor[channel] * shift[channel] / pixels - slope[channel] * moments.mean[channel])
            .collect();
        for (own, other) in grid.runs() {
            for (inner, passed) in inner[own.clone()].chunks_exact_mut(grid.channels).zip(passed[own].chunks_exact(grid.channels)) {
                let numbers = self.factor.iter().zip(&slope).zip(&constant);
                for ((inner, passed), ((factor, slope), constant)) in inner.iter_mut().zip(passed).zip(numbers) {
                    *inner = factor * passed + slope * *inner + constant;
                }
            }
            inner[other].fill(0.0);
        }
        [scale, shift].concat()
    }
}

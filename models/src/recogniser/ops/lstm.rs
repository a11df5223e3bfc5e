//! A recurrent layer that reads every line in both directions, each line over its own length: one product a step, with the inputs of all steps multiplied
//! beforehand by the caller.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::function::{logistic, tanh};
use super::matrix::{Into, View, multiply};
use super::{floats, look_at};

/// Input gate, forget gate, candidate, output gate, in this order.
pub const GATES: usize = 4;
/// Left to right, and right to left.
pub const DIRECTIONS: usize = 2;

/// Arguments: the inputs times their weights (lines, frames, 2 x 4 x units), the weights of the state (2, units, 4 x units) and the bias (2, 4 x units).
/// Result: the states (lines, frames, 2 x units), zero beyond a line's own frames.
pub struct Lstm {
    /// Frames of each line that are its own; quickest when they never grow from line to line.
    lengths: Vec<usize>,
    /// What the forward pass leaves for the backward pass; reading leaves nothing.
    kept: Option<Mutex<Vec<Trace>>>,
}

/// One direction of a forward pass, step by step: (steps, lines, ...).
struct Trace {
    /// Gates and candidates after their functions: 4 x units.
    gates: Vec<f32>,
    /// Cells and states: units.
    cells: Vec<f32>,
    states: Vec<f32>,
}

impl Lstm {
    pub fn for_reading(lengths: Vec<usize>) -> Self {
        Self { lengths, kept: None }
    }

    pub fn for_training(lengths: Vec<usize>) -> Self {
        Self { lengths, kept: Some(Mutex::new(Vec::new())) }
    }

    fn sizes(&self, dims: &[usize]) -> Result<Sizes<'_>> {
        let &[lines, frames, width] = dims else { bail!("lstm takes three dimensions, not {dims:?}") };
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        if lines != self.lengths.len() || longest > frames || !width.is_multiple_of(DIRECTIONS * GATES) {
            bail!("lstm of {dims:?} with {} lengths up to {longest}", self.lengths.len());
        }
        Ok(Sizes { lines, frames, units: width / DIRECTIONS / GATES, steps: longest, lengths: &self.lengths })
    }
}

impl CustomOp3 for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(input_layout.dims())?;
        let (input, weights, bias) = (floats(input, input_layout)?, floats(weights, weights_layout)?, floats(bias, bias_layout)?);
        if weights.len() != DIRECTIONS * sizes.units * sizes.width() || bias.len() != DIRECTIONS * sizes.width() {
            bail!("lstm of {} units with weights of others", sizes.units);
        }
        let mut output = vec![0.0; sizes.lines * sizes.frames * DIRECTIONS * sizes.units];
        for direction in 0..DIRECTIONS {
            let weights = &weights[direction * sizes.units * sizes.width()..][..sizes.units * sizes.width()];
            let trace = sizes.forward(direction, input, weights, &bias[direction * sizes.width()..][..sizes.width()]);
            for (step, line) in sizes.cells() {
                let into = &mut output[sizes.of_output(direction, step, line)..][..sizes.units];
                into.copy_from_slice(&trace.states[(step * sizes.lines + line) * sizes.units..][..sizes.units]);
            }
            if let Some(kept) = &self.kept {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(trace);
            }
        }
        Ok((CpuStorage::F32(output), (sizes.lines, sizes.frames, DIRECTIONS * sizes.units).into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let sizes = self.sizes(input.dims())?;
        let Some(kept) = &self.kept else { bail!("an lstm for reading has no gradient") };
        let traces = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
        if traces.len() != DIRECTIONS {
            bail!("the gradient of an lstm is taken once, after its forward pass");
        }
        let mut of_input = vec![0.0; sizes.lines * sizes.frames * DIRECTIONS * sizes.width()];
        let mut of_weights = vec![0.0; DIRECTIONS * sizes.units * sizes.width()];
        let mut of_bias = vec![0.0; DIRECTIONS * sizes.width()];
        look_at(weights, |weights| {
            look_at(gradient, |gradient| {
                for (direction, trace) in traces.into_iter().enumerate() {
                    let range = direction * sizes.units * sizes.width()..(direction + 1) * sizes.units * sizes.width();
                    let of_gates = sizes.backward(direction, &trace, gradient, &weights[range.clone()]);
                    sizes.gather(
                        direction,
                        &trace,
                        &of_gates,
                        &mut of_input,
                        &mut of_weights[range],
                        &mut of_bias[direction * sizes.width()..],
                    );
                }
            })
        })??;
        Ok((
            Some(Tensor::from_vec(of_input, input.shape(), input.device())?),
            Some(Tensor::from_vec(of_weights, weights.shape(), weights.device())?),
            Some(Tensor::from_vec(of_bias, bias.shape(), bias.device())?),
        ))
    }
}

struct Sizes<'a> {
    lines: usize,
    frames: usize,
    units: usize,
    /// Frames of the longest line.
    steps: usize,
    lengths: &'a [usize],
}

impl Sizes<'_> {
    /// Numbers of all gates of a line.
    fn width(&self) -> usize {
        GATES * self.units
    }

    /// The lines that a step has to look at: up to the last one that is long enough.
    fn active(&self, step: usize) -> usize {
        self.lengths.iter().rposition(|&length| length > step).map_or(0, |line| line + 1)
    }

    /// Every step of every line, without those beyond a line's length.
    fn cells(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.steps).flat_map(move |step| (0..self.lines).filter(move |&line| self.lengths[line] > step).map(move |line| (step, line)))
    }

    /// The frame that a direction reads in a step, counted over all lines.
    fn frame(&self, direction: usize, step: usize, line: usize) -> usize {
        line * self.frames + if direction == 0 { step } else { self.lengths[line] - 1 - step }
    }

    fn of_input(&self, direction: usize, step: usize, line: usize) -> usize {
        (self.frame(direction, step, line) * DIRECTIONS + direction) * self.width()
    }

    fn of_output(&self, direction: usize, step: usize, line: usize) -> usize {
        (self.frame(direction, step, line) * DIRECTIONS + direction) * self.units
    }

    fn forward(&self, direction: usize, input: &[f32], weights: &[f32], bias: &[f32]) -> Trace {
        let (units, width, row) = (self.units, self.width(), self.lines * self.units);
        let mut gates = vec![0.0; self.steps * self.lines * width];
        let mut cells = vec![0.0; self.steps * row];
        let mut states = vec![0.0; self.steps * row];
        for step in 0..self.steps {
            let active = self.active(step);
            let gates = &mut gates[step * self.lines * width..][..active * width];
            for (line, gates) in gates.chunks_exact_mut(width).enumerate().filter(|(line, _)| self.lengths[*line] > step) {
                let given = &input[self.of_input(direction, step, line)..][..width];
                for ((gate, given), bias) in gates.iter_mut().zip(given).zip(bias) {
                    *gate = given + bias;
                }
            }
            let (cells_before, cells) = cells.split_at_mut(step * row);
            let (states_before, states) = states.split_at_mut(step * row);
            if step > 0 {
                let before = View::rows(&states_before[(step - 1) * row..], active, units);
                multiply(before, View::rows(weights, units, width), gates, Into::Add);
            }
            for (line, gates) in gates.chunks_exact_mut(width).enumerate().filter(|(line, _)| self.lengths[*line] > step) {
                let (cell, state) = (&mut cells[line * units..][..units], &mut states[line * units..][..units]);
                let before = if step > 0 { &cells_before[(step - 1) * row + line * units..][..units] } else { &[] };
                advance(gates, before, cell, state);
            }
        }
        Trace { gates, cells, states }
    }

    /// The gradients of the gates before their functions, (steps, lines, 4 x units).
    fn backward(&self, direction: usize, trace: &Trace, gradient: &[f32], weights: &[f32]) -> Vec<f32> {
        let (units, width, row) = (self.units, self.width(), self.lines * self.units);
        let mut of_gates = vec![0.0; self.steps * self.lines * width];
        let mut of_state = vec![0.0; row];
        let mut of_cell = vec![0.0; row];
        for step in (0..self.steps).rev() {
            let active = self.active(step);
            let into = &mut of_gates[step * self.lines * width..][..active * width];
            for (line, into) in into.chunks_exact_mut(width).enumerate().filter(|(line, _)| self.lengths[*line] > step) {
                let at = (step * self.lines + line) * units;
                let arrived = &gradient[self.of_output(direction, step, line)..][..units];
                for (of_state, arrived) in of_state[line * units..][..units].iter_mut().zip(arrived) {
                    *of_state += arrived;
                }
                let before = if step > 0 { &trace.cells[at - row..][..units] } else { &[] };
                let forward = Step { gates: &trace.gates[at * GATES..][..width], cell: &trace.cells[at..][..units], before };
                retreat(&forward, &of_state[line * units..][..units], &mut of_cell[line * units..][..units], into);
            }
            // Lines that are over have zeros here, so nothing of theirs goes on.
            multiply(View::rows(into, active, width), View::rows(weights, units, width).turned(), &mut of_state, Into::Replace);
        }
        of_gates
    }

    /// Adds up what the gates' gradients mean for inputs, weights and bias.
    fn gather(&self, direction: usize, trace: &Trace, of_gates: &[f32], of_input: &mut [f32], of_weights: &mut [f32], of_bias: &mut [f32]) {
        let (units, width) = (self.units, self.width());
        for (step, line) in self.cells() {
            let from = &of_gates[(step * self.lines + line) * width..][..width];
            of_input[self.of_input(direction, step, line)..][..width].copy_from_slice(from);
            for (of_bias, from) in of_bias.iter_mut().zip(from) {
                *of_bias += from;
            }
        }
        if self.steps > 1 {
            let earlier = View::rows(&trace.states, (self.steps - 1) * self.lines, units);
            let later = View::rows(&of_gates[self.lines * width..], (self.steps - 1) * self.lines, width);
            multiply(earlier.turned(), later, of_weights, Into::Add);
        }
    }
}

/// One line, one step: `gates` go through their functions, cell and state follow. `before` is empty at the first step.
fn advance(gates: &mut [f32], before: &[f32], cell: &mut [f32], state: &mut [f32]) {
    let units = cell.len();
    let (entering, rest) = gates.split_at_mut(units);
    let (forgetting, rest) = rest.split_at_mut(units);
    let (candidate, leaving) = rest.split_at_mut(units);
    for gate in entering.iter_mut().chain(forgetting.iter_mut()) {
        *gate = logistic(*gate);
    }
    for value in candidate.iter_mut() {
        *value = tanh(*value);
    }
    for gate in leaving.iter_mut() {
        *gate = logistic(*gate);
    }
    for ((cell, entering), candidate) in cell.iter_mut().zip(entering.iter()).zip(candidate.iter()) {
        *cell = entering * candidate;
    }
    for ((cell, forgetting), before) in cell.iter_mut().zip(forgetting.iter()).zip(before) {
        *cell += forgetting * before;
    }
    for ((state, leaving), cell) in state.iter_mut().zip(leaving.iter()).zip(cell.iter()) {
        *state = leaving * tanh(*cell);
    }
}

/// What one step of one line left behind.
struct Step<'a> {
    gates: &'a [f32],
    cell: &'a [f32],
    before: &'a [f32],
}

/// One line, one step backwards: gradients of the gates into `into`; `of_cell` becomes that of the step before.
fn retreat(step: &Step<'_>, of_state: &[f32], of_cell: &mut [f32], into: &mut [f32]) {
    let units = of_cell.len();
    let (entering, rest) = step.gates.split_at(units);
    let (forgetting, rest) = rest.split_at(units);
    let (candidate, leaving) = rest.split_at(units);
    let (of_entering, rest) = into.split_at_mut(units);
    let (of_forgetting, rest) = rest.split_at_mut(units);
    let (of_candidate, of_leaving) = rest.split_at_mut(units);
    for unit in 0..units {
        let shown = tanh(step.cell[unit]);
        let of_value = of_cell[unit] + of_state[unit] * leaving[unit] * (1.0 - shown * shown);
        of_leaving[unit] = of_state[unit] * shown * leaving[unit] * (1.0 - leaving[unit]);
        of_entering[unit] = of_value * candidate[unit] * entering[unit] * (1.0 - entering[unit]);
        of_candidate[unit] = of_value * entering[unit] * (1.0 - candidate[unit] * candidate[unit]);
        of_cell[unit] = of_value * forgetting[unit];
    }
    for (unit, before) in step.before.iter().enumerate() {
        // `of_cell` already holds the forget gate once.
        let of_value = of_cell[unit] * (1.0 - forgetting[unit]);
        of_forgetting[unit] = of_value * before;
    }
}

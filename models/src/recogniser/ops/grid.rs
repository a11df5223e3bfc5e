//! Which numbers of an activation are pixels of lines, and which of them a pool takes together.

use std::ops::Range;

use candle_core::{Result, bail};

/// A convolution's output (lines, rows, width + 1, channels) before the pool, and how it is pooled. Only the first `widths` columns of each line are its own.
pub struct Grid<'a> {
    pub lines: usize,
    pub rows: usize,
    /// With the column of zeros.
    pub columns: usize,
    pub channels: usize,
    pub pool: Pool,
    pub widths: &'a [usize],
}

/// Rows and columns whose highest number stands for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub rows: usize,
    pub columns: usize,
}

impl Pool {
    /// Every pixel stands for itself.
    pub const NONE: Self = Self { rows: 1, columns: 1 };
}

/// Most pixels of a cell.
const CELL: usize = 4;

/// One number per channel of the pooled output: where it stands, and where its pixels stand.
pub struct Cell {
    pub pooled: usize,
    pixels: [usize; CELL],
    count: usize,
}

impl Cell {
    pub fn pixels(&self) -> &[usize] {
        &self.pixels[..self.count]
    }
}

impl<'a> Grid<'a> {
    pub fn new([lines, rows, columns, channels]: [usize; 4], pool: Pool, widths: &'a [usize]) -> Result<Self> {
        let grid = Self { lines, rows, columns, channels, pool, widths };
        let Pool { rows: down, columns: across } = pool;
        let pools =
            down * across > 0 && down * across <= CELL && rows.is_multiple_of(down) && columns > 0 && (columns - 1).is_multiple_of(across);
        let fits = lines == widths.len() && widths.iter().all(|&width| width < columns && width.is_multiple_of(across));
        if channels == 0 || !pools || !fits {
            bail!("a grid of {lines}x{rows}x{columns}x{channels}, pooled by {down}x{across}, with {} widths", widths.len());
        }
        Ok(grid)
    }

    pub fn numbers(&self) -> usize {
        self.lines * self.rows * self.columns * self.channels
    }

    pub fn rows_out(&self) -> usize {
        self.rows / self.pool.rows
    }

    /// With the column of zeros, which no pool takes in.
    pub fn columns_out(&self) -> usize {
        (self.columns - 1) / self.pool.columns + 1
    }

    /// Pixels of all lines.
    pub fn pixels(&self) -> f64 {
        (self.widths.iter().sum::<usize>() * self.rows).max(1) as f64
    }

    /// The numbers of each row of each line: its own, and those that are not.
    pub fn runs(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        (0..self.lines * self.rows).map(|row| {
            let start = row * self.columns * self.channels;
            let end = start + self.widths[row / self.rows] * self.channels;
            (start..end, end..start + self.columns * self.channels)
        })
    }

    /// The cells of each pooled row of each line, without those that are not its own.
    pub fn rows_of_cells(&self) -> impl Iterator<Item = impl Iterator<Item = Cell>> {
        (0..self.lines * self.rows_out()).map(move |row| {
            let cells = self.widths[row / self.rows_out()] / self.pool.columns;
            (0..cells).map(move |column| self.cell(row, column))
        })
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let mut cell = Cell { pooled: (row * self.columns_out() + column) * self.channels, pixels: [0; CELL], count: 0 };
        for down in 0..self.pool.rows {
            for across in 0..self.pool.columns {
                let pixel = (row * self.pool.rows + down) * self.columns + column * self.pool.columns + across;
                cell.pixels[cell.count] = pixel * self.channels;
                cell.count += 1;
            }
        }
        cell
    }
}

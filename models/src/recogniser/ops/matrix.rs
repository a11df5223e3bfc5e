//! Products of matrices that lie in slices with any stride, rows overlapping too, on the calling thread. The one place that calls the product's unchecked form.

use gemm::Parallelism;

/// A matrix of f32 seen in a slice. Rows may overlap, which is how a convolution reads its neighbourhoods without copying them.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    /// Distance between rows and between columns, in numbers.
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a> View<'a> {
    /// Rows one after the other.
    pub fn rows(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers with rows and columns changed over.
    pub fn turned(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }

    /// How many numbers the slice must have.
    fn reach(&self) -> usize {
        if self.rows == 0 || self.columns == 0 {
            0
        } else {
            (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride + 1
        }
    }
}

/// What becomes of the numbers that stand where the product goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Into {
    Replace,
    Add,
}

/// `into` (rows of `left` by columns of `right`, one row after the other) becomes the product, or grows by it.
///
/// # Panics
/// When shapes do not fit or a slice is too short; that is a mistake of the caller, never of its input.
#[expect(unsafe_code, reason = "the product takes pointers and strides; reach and shapes are checked first")]
pub fn multiply(left: View<'_>, right: View<'_>, into: &mut [f32], mode: Into) {
    let (rows, columns, inner) = (left.rows, right.columns, left.columns);
    assert_eq!(inner, right.rows, "a product of {rows}x{inner} by {}x{columns}", right.rows);
    assert!(
        left.reach() <= left.data.len() && right.reach() <= right.data.len() && rows * columns <= into.len(),
        "a matrix beyond its slice"
    );
    if rows == 0 || columns == 0 {
        return;
    }
    // SAFETY: every index that the product forms from these shapes and strides was checked above to lie inside its slice, `into` is borrowed for us
    // alone, and strides of slices in memory fit isize.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            into.as_mut_ptr(),
            1,
            columns as isize,
            mode == Into::Add,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_rows_multiply_as_if_they_were_copied() {
        let data = [1.0, 2.0, 3.0, 4.0, 5.0];
        let overlapping = View { data: &data, rows: 3, columns: 3, row_stride: 1, column_stride: 1 };
        let weights = [1.0, 10.0, 100.0];
        let mut into = [1.0; 3];
        multiply(overlapping, View::rows(&weights, 3, 1), &mut into, Into::Add);
        assert_eq!(into, [322.0, 433.0, 544.0]);
        multiply(overlapping.turned(), View::rows(&weights, 3, 1), &mut into, Into::Replace);
        assert_eq!(into, [321.0, 432.0, 543.0]);
    }

    #[test]
    #[should_panic(expected = "beyond its slice")]
    fn a_view_beyond_its_slice_is_refused() {
        multiply(View::rows(&[1.0; 3], 2, 2), View::rows(&[1.0; 4], 2, 2), &mut [0.0; 4], Into::Replace);
    }
}

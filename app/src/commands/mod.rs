//! One file per command of the `assay` binary.

pub mod down;
pub mod up;

//! What the contract of the workflows promises: the work on documents, from pixels to findings.

pub mod classify;
pub mod eval;
pub mod extract;

//! The models that Assay trains itself: their nets, their training and what reads with them. Knows pixels and symbols, and nothing of claims, stores or workflows.

pub mod recogniser;
pub mod serve;

pub use candle_core::Device;

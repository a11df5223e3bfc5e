//! The durable half of Assay: Temporal workflows and the contract of every activity. No I/O, no clock, no chance of its own.

pub mod contract;
pub mod delivery;
pub mod options;
pub mod pool;
pub mod search;
pub mod verification;

pub mod window;

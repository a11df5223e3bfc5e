//! The `assay` binary's parts: configuration, roles, commands, and the stack that runs it all on one machine.

pub mod build;
pub mod client;
pub mod commands;
pub mod config;
pub mod ops;
pub mod presence;
mod sse;
pub mod stack;
pub mod stop;
pub mod telemetry;
pub mod temporal;
pub mod worker;

//! The `assay` binary's parts: configuration, roles, commands, and the stack that runs it all on one machine.

pub mod commands;
pub mod stack;

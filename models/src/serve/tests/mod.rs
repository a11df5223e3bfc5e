//! The rules of the scheduling core on instants of their own, and the shell with a model that does as it is told.

mod admission;
mod fake;
mod property;
mod queue;
mod service;
mod trouble;

//! The review desk: pages for people who settle what the machine could not. Every action is a form first; scripts only save a reload.
//!
//! The desk writes decisions and leases to the store. Telling the engine is the relay's work, which does it for every desk and gateway alike.

mod edge;
mod form;
mod layout;
mod metric;
mod pages;
pub mod password;
mod person;
mod problem;
mod state;
mod statics;
mod words;

pub use pages::router;
pub use state::{AppState, Parts};

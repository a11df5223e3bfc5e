//! The review desk: pages for people who settle what the machine could not. Every action is a form first; scripts only save a reload.
//!
//! The desk writes decisions and leases to the store. Telling the engine is the relay's work, which does it for every desk and gateway alike.

mod difference;
mod edge;
mod form;
mod icons;
mod layout;
mod level;
mod live;
mod metric;
pub mod oidc;
mod pages;
pub mod password;
mod person;
mod problem;
mod reading;
mod shortcuts;
mod state;
mod statics;
mod words;

pub use pages::router;
pub use state::{AppState, Parts};

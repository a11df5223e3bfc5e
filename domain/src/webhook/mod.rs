//! Telling the client: what a webhook says, how it is signed, when it is tried again, and where it may go.

pub mod address;
pub mod event;
pub mod schedule;
pub mod signature;

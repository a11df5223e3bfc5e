//! Serving a model to many callers at once: admission by cost, fair queues, batches of like length, and one thread that owns the model.
//!
//! | step | rule | file |
//! |---|---|---|
//! | admission | by cost, with permits per tenant and overall; what is full says when to come back | `admission` |
//! | waiting | a queue per tenant, priority and shape; priorities first, tenants in turn, first in first out inside | `ring`, `queue` |
//! | choosing | the item whose turn it is, with companions of like length from a window of four batches | `queue`, `companions` |
//! | running | one batch runs while one is made ready; a batch that fails is halved until its bad item is alone | `service`, `owner` |
//!
//! Everything up to "running" is plain data that is handed its instants, so tests drive it on a clock of their own; `service` is the thin
//! shell of two threads around it. No runtime is needed: an [`Answer`] is a future for async callers and can be waited for by others.

mod admission;
mod backend;
mod clock;
mod companions;
mod metric;
mod owner;
mod pace;
mod queue;
mod request;
mod ring;
mod service;
mod settings;

pub use backend::{Backend, Fault};
pub use clock::{Clock, SystemClock};
pub use request::{Answer, Failed, Priority, Refused, Request, Tenant};
pub use service::{Handle, Service, StartError};
pub use settings::{Settings, SettingsError};

#[cfg(test)]
mod tests;

//! The workflow on a real Temporal server, with activities that follow a script instead of reading documents: what is under test is
//! the order of steps, so the steps themselves cost nothing and fail on demand.

mod deliveries;
mod engine;
mod hands;
mod play;
mod run;
mod shared;
mod worker;

pub use deliveries::{ScriptedDeliveries, Sent, Turn};
pub use engine::Engine;
pub use hands::ScriptedActivities;
pub use play::{Fault, Play, Script};
pub use run::{Refused, Run};
pub use shared::on_engine;
pub use worker::RunningWorker;

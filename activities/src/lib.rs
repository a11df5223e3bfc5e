//! What the contract of the workflows promises: the work on documents, from pixels to findings.

mod artifact;
pub mod calibration;
pub mod classify;
mod decide;
mod deliver;
pub mod eval;
mod evidence;
pub mod extract;
mod failure;
mod finalise;
mod meter;
mod metric;
mod prepare;
mod read;
pub mod reading;
mod recent;
mod review;
mod stage;
mod tries;
mod understand;

pub use artifact::Engines;
pub use decide::DecideActivities;
pub use deliver::DeliverActivities;
pub use finalise::FinaliseActivities;
pub use prepare::PrepareActivities;
pub use read::ReadActivities;
pub use review::ReviewActivities;
pub use stage::Stages;
pub use understand::UnderstandActivities;

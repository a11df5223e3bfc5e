//! The words of Assay and every pure rule over them: no I/O, no clock, no chance of its own.

pub mod audit;
pub mod block;
pub mod blocker;
pub mod check;
pub mod claim;
pub mod claim_type;
pub mod clock;
pub mod compare;
pub mod document;
pub mod evidence;
pub mod failure;
pub mod id;
pub mod judge;
pub mod level;
pub mod money;
pub mod person;
pub mod policy;
pub mod priority;
pub mod review;
pub mod route;
pub mod scope;
pub mod spelling;
pub mod usage;
pub mod verdict;
pub mod verification;
pub mod webhook;

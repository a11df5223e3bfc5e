//! End to end, through the public API, on a real PostgreSQL, Temporal server and S3 store.

mod api;
mod desk;
mod faults;
mod privacy;
mod review;
mod samples;
mod trace;
mod webhook;

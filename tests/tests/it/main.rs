//! End to end, through the public API, on a real PostgreSQL, Temporal server and S3 store.

mod api;
mod faults;
mod review;
mod samples;

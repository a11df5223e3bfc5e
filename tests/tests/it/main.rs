//! End to end, through the public API, on a real PostgreSQL, Temporal server and S3 store.

mod api;
mod desk;
mod desk_trouble;
mod double;
mod faults;
mod live;
mod news;
mod operations;
mod privacy;
mod receivers;
mod review;
mod samples;
mod trace;
mod viewer;
mod webhook;

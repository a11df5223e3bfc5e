//! The review desk, called in process over a real PostgreSQL: one binary, so that its tests share one cluster.

mod access;
mod browser;
mod decide;
mod hostile;
mod item;
mod pages;
mod policy;
mod queue;
mod scene;
mod signin;
mod submit;

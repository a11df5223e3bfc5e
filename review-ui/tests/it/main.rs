//! The review desk, called in process over a real PostgreSQL: one binary, so that its tests share one cluster.

mod access;
mod arrange;
mod browser;
mod correct;
mod decide;
mod double;
mod groups;
mod hostile;
mod item;
mod keys;
mod live;
mod mine;
mod numbers;
mod oidc;
mod opening;
mod operations;
mod pages;
mod policy;
mod provider;
mod queue;
mod scene;
mod signin;
mod stream;
mod submit;
mod viewer;
mod visitor;

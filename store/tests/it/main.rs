//! The store against a real PostgreSQL and a real S3 store: one binary, so that its tests share one cluster.

mod audit;
mod finalise;
mod listen;
mod objects;
mod outbox;
mod partitions;
mod review;
mod scene;
mod stage;
mod submit;
mod tenancy;
mod transaction;

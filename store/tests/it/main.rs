//! The store against a real PostgreSQL and a real S3 store: one binary, so that its tests share one cluster.

mod audit;
mod deliveries;
mod desk;
mod finalise;
mod listen;
mod objects;
mod outbox;
mod partitions;
mod people;
mod policy;
mod review;
mod scene;
mod stage;
mod submit;
mod talk;
mod tenancy;
mod transaction;
mod webhook;

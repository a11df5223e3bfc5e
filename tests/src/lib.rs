//! What the tests of the whole share: a running stack, tenants, a caller of the API, a look into Temporal and the metrics.

pub mod api;
pub mod browser;
pub mod collector;
pub mod engine;
pub mod machine;
pub mod metrics;
pub mod path;
pub mod receipt;
pub mod receiver;
pub mod record;
pub mod scenario;
pub mod scripted;
pub mod tenant;
pub mod wait;

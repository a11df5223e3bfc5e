//! Everything that remembers: rows in PostgreSQL and objects in S3. Rules live in `domain`; here is what lasts, and in which order.

pub mod api_key;
pub mod audit;
pub mod chore;
pub mod comment;
pub mod desk_notices;
mod error;
pub mod event;
pub mod evidence;
pub mod figures;
pub mod idempotency;
pub mod installation;
pub mod instance;
pub mod listen;
mod migrate;
pub mod objects;
pub mod opening;
pub mod outbox;
pub mod partition;
pub mod policy;
mod pool;
pub mod review;
mod schema;
pub mod session;
pub mod sign_in;
mod sql;
pub mod stage;
pub mod task_queue;
pub mod tenant;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tries;
mod tx;
pub mod usage;
pub mod user;
pub mod verification;
pub mod webhook;
pub mod work;
pub mod wrong_password;

pub use error::{Cause, StoreError};
pub use migrate::{ensure_partitions, migrate};
pub use pool::{DatabaseConfig, PoolStatus, Store};
pub use tx::{AnyTx, RelayTx, TenantTx};

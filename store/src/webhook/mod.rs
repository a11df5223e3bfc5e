//! Telling clients what happened: where they want to be told, what was to be told, and how each telling went.
//!
//! An event is written with the change that it tells of. From then on the engine carries each delivery, called by the outbox, and whoever
//! follows the feed reads it there.

mod delivery;
mod endpoint;
mod event;
mod feed;
mod secret;
mod work;

pub use delivery::{
    AttemptRow, DeliveryFilter, DeliveryRow, DeliveryStatus, REPLAY_LIMIT, RetryOutcome, attempts, deliveries, delivery, order_overdue,
    replay, retry,
};
pub use endpoint::{
    Created, DisabledReason, EndpointChange, EndpointRow, MAX_ENDPOINTS, NewEndpoint, UpdateOutcome, create, create_once, delete, disable,
    enable, get, list, update,
};
pub use event::{Event, EventRow, emit, emit_test, event};
pub use feed::{FeedRow, KEPT_DAYS, feed, feed_end, feed_since, forget};
pub use secret::{RotateOutcome, rotate};
pub use work::{NewAttempt, Work, disable_endpoint, endpoint_answered, endpoint_failed, finish, load, record_attempt, wait_until};

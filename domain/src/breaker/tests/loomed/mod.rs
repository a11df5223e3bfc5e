//! Handle and permit once more, from the same sources, but sharing memory by the primitives of a model checker. The rest of the breaker is
//! for one thread and needs no second copy.
#![expect(dead_code, reason = "the races need only part of the handle")]
#![expect(clippy::duplicate_mod, reason = "the very same sources are to be checked")]

use crate::breaker::{clock, config, event, rules, snapshot, state, window};

mod sync {
    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(super) use loom::sync::{Arc, Mutex};
}

#[path = "../../handle.rs"]
pub(super) mod handle;
#[path = "../../permit.rs"]
pub(super) mod permit;

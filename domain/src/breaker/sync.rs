//! What the handle and its permits share memory by. In a module of its own, so that the tests can put a model checker's in its place.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Mutex};

//! The public API as a client meets it.

mod corrections;
mod evidence;
mod hostile;
mod manners;
mod policy;
mod repeats;
mod stream;
mod tenancy;
mod verifications;
mod webhook_events;

//! The public API as a client meets it.

mod evidence;
mod manners;
mod repeats;
mod tenancy;
mod verifications;

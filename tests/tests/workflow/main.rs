//! The verification workflow on a real Temporal server, with scripted activities: workers that come and go, decisions, cancels.

mod cancel;
mod decision;
mod sweep;

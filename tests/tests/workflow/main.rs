//! The workflows on a real Temporal server, with scripted activities: workers that come and go, decisions, cancels, deliveries.

mod cancel;
mod decision;
mod delivery;
mod sweep;

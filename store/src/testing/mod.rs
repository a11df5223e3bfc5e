//! Real things for tests: a PostgreSQL database per test and a bucket per test, in private servers that end with the test process.
//!
//! | variable | effect |
//! |---|---|
//! | `ASSAY_TEST_DATABASE_OWNER_URL` | use this cluster instead of a private one; the role must own databases and be allowed to create them |
//! | `ASSAY_VERSITYGW` | the S3 store's binary, instead of the one in the cache folder |
//! | `ASSAY_CACHE` | the cache folder, instead of `~/.cache/assay` |
//! | `ASSAY_TEST_REQUIRE_ALL=1` | fail where a test would be skipped |

use std::io::Write;

mod child;
mod cluster;
mod database;
mod objects;

pub use database::TestDatabase;
pub use objects::TestObjects;

/// Says loudly that a test was not run, or fails where nothing may be skipped.
pub fn skip(reason: &str) {
    assert!(std::env::var_os("ASSAY_TEST_REQUIRE_ALL").is_none_or(|value| value != "1"), "may not be skipped: {reason}");
    // Straight to the stream: what the macros print is swallowed when the test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

//! The `ETag` of an endpoint, and `If-Match`: who writes says which version they saw, so that nobody undoes what they never read.
//!
//! The tag also changes with how the endpoint is doing, which is no reason to refuse a change: before the full stop stands the version, and
//! that is all that `If-Match` is held against.

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, Utc};
use store::webhook::EndpointRow;

use super::error::Error;
use crate::input::etag;

/// What it is now.
pub fn tag(row: &EndpointRow) -> HeaderValue {
    let stamp = |at: Option<DateTime<Utc>>| at.map_or(0, |at| at.timestamp_micros());
    etag(&format!("{}.{}-{}", row.version, stamp(row.failing_since), stamp(row.held_until)))
}

/// Whether it names the version that counts. A weak tag never does (RFC 9110).
pub fn holds(headers: &HeaderMap, row: &EndpointRow) -> Result<(), Error> {
    if names(headers, row.version) { Ok(()) } else { Err(Error::Stale(tag(row))) }
}

fn names(headers: &HeaderMap, version: i64) -> bool {
    let lines = headers.get_all(header::IF_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    let version = version.to_string();
    tags.any(|one| {
        let opaque = one.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        one == "*" || opaque.is_some_and(|opaque| opaque.split('.').next() == Some(version.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_the_current_version_may_write() {
        for (line, expected) in [
            ("\"7.0-0\"", true),
            ("\"7.1790000000000000-0\"", true),
            ("\"6.0-0\", \"7.0-0\"", true),
            ("*", true),
            ("W/\"7.0-0\"", false),
            ("7.0-0", false),
            ("\"77.0-0\"", false),
            ("\"\"", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(line))]);
            assert_eq!(names(&headers, 7), expected, "{line}");
        }
    }
}

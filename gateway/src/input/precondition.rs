//! `If-Match`: who writes says which version they saw, so that nobody undoes what they never read.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::problem::{Code, Problem};

/// Whether the header is there at all, before anything is looked up.
pub fn required(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::IF_MATCH) { Ok(()) } else { Err(Problem::new(Code::PreconditionRequired)) }
}

/// Whether it names this ETag. The comparison is the strong one, as RFC 9110 wants it here: a weak tag never matches.
pub fn holds(headers: &HeaderMap, current: &HeaderValue) -> Result<(), Problem> {
    let lines = headers.get_all(header::IF_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    if tags.any(|one| one == "*" || current.as_bytes() == one.as_bytes()) { Ok(()) } else { Err(stale(current)) }
}

/// Somebody else wrote since.
pub fn stale(current: &HeaderValue) -> Problem {
    Problem::new(Code::PreconditionFailed).header(header::ETAG, current.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::etag;

    #[test]
    fn only_what_names_the_current_version_may_write() {
        let current = etag("7");
        for (line, expected) in [
            ("\"7\"", true),
            ("\"6\", \"7\"", true),
            ("*", true),
            ("W/\"7\"", false),
            ("7", false),
            ("\"77\"", false),
            ("\"6\"", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(line))]);
            assert!(required(&headers).is_ok());
            assert_eq!(holds(&headers, &current).is_ok(), expected, "{line}");
        }
        assert_eq!(required(&HeaderMap::new()).unwrap_err().code, Code::PreconditionRequired);
    }
}

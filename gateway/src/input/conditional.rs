//! ETags: strong ones, and whether a client holds the current one.

use axum::http::{HeaderMap, HeaderValue, header};

/// A strong ETag around an opaque text of letters, digits, dots and hyphens.
pub fn etag(opaque: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{opaque}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

/// Whether `If-None-Match` names this ETag. The comparison is the weak one, as RFC 9110 wants it here.
pub fn matches_etag(headers: &HeaderMap, current: &HeaderValue) -> bool {
    let Ok(current) = current.to_str() else { return false };
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_weak_tags_and_stars_match() {
        let current = etag("7.2");
        for (line, expected) in
            [("\"7.2\"", true), ("W/\"7.2\"", true), ("\"1\", \"7.2\"", true), ("*", true), ("\"7\"", false), ("", false)]
        {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(line))]);
            assert_eq!(matches_etag(&headers, &current), expected, "{line}");
        }
        assert!(!matches_etag(&HeaderMap::new(), &current));
    }
}

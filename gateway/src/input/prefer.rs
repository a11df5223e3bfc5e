//! How long a caller is willing to wait: `Prefer: wait=N`, `Prefer: respond-async` (RFC 7240), `?wait=N`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::Params;

/// Nobody waits longer than this, in seconds: proxies on the way give up soon after.
pub const LONGEST_WAIT_SECONDS: i64 = 60;

/// A wish to wait, and how the response echoes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub time: Duration,
    applied: Option<String>,
}

impl Waiting {
    /// From the `Prefer` header. A preference that cannot be read is ignored, as the RFC wants it; a longer wait is cut.
    pub fn from_prefer(headers: &HeaderMap) -> Self {
        let mut waiting = Self { time: Duration::ZERO, applied: None };
        let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
        for preference in lines.flat_map(|line| line.split(',')).map(|one| one.split(';').next().unwrap_or_default().trim()) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let seconds = value.trim().trim_matches('"').parse::<i64>().ok().filter(|seconds| *seconds >= 0);
            match (name.trim().to_ascii_lowercase().as_str(), seconds) {
                // The first of each kind counts, and asking for both means not to wait.
                ("respond-async", _) => return Self { time: Duration::ZERO, applied: Some("respond-async".to_owned()) },
                ("wait", Some(seconds)) if waiting.applied.is_none() => {
                    let seconds = seconds.min(LONGEST_WAIT_SECONDS);
                    waiting = Self { time: Duration::from_secs(seconds.unsigned_abs()), applied: Some(format!("wait={seconds}")) };
                }
                _ => {}
            }
        }
        waiting
    }

    /// From `?wait=`, 0 to 60 and else a 400.
    pub fn from_query(params: &mut Params) -> Self {
        let seconds = params.integer("wait", 0, LONGEST_WAIT_SECONDS).unwrap_or(0);
        Self { time: Duration::from_secs(seconds.unsigned_abs()), applied: None }
    }

    /// This wish if there is one, else the other.
    pub fn or(self, other: Self) -> Self {
        if self.time.is_zero() { other } else { self }
    }

    /// `Preference-Applied`, where a preference was.
    pub fn applied(&self) -> Option<(HeaderName, HeaderValue)> {
        let value = HeaderValue::from_str(self.applied.as_deref()?).ok()?;
        Some((HeaderName::from_static("preference-applied"), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_leniently_and_cut() {
        let cases = [
            ("wait=10", 10, Some("wait=10")),
            ("Wait=\"5\"; foo=bar", 5, Some("wait=5")),
            ("handling=lenient, wait=600", 60, Some("wait=60")),
            ("wait=3, wait=9", 3, Some("wait=3")),
            ("respond-async, wait=10", 0, Some("respond-async")),
            ("wait=10, respond-async", 0, Some("respond-async")),
            ("wait=-1", 0, None),
            ("wait=soon", 0, None),
            ("", 0, None),
        ];
        for (line, seconds, applied) in cases {
            let headers = HeaderMap::from_iter([(HeaderName::from_static("prefer"), HeaderValue::from_static(line))]);
            let waiting = Waiting::from_prefer(&headers);
            assert_eq!((waiting.time.as_secs(), waiting.applied.as_deref()), (seconds, applied), "{line}");
        }
    }
}

//! Query parameters, read strictly: an unknown or repeated one is a 400, never ignored.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};

use crate::problem::{Code, InvalidField, Problem};

/// The parameters of a query that has not been read to its end.
pub struct Params {
    pairs: Vec<(String, String)>,
    errors: Vec<InvalidField>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::new(Code::InvalidParameter).detail("the query cannot be read"))?;
        Ok(Self { pairs, errors: Vec::new() })
    }
}

impl Params {
    /// A parameter as it stands, at most once.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = Vec::new();
        self.pairs.retain_mut(|(other, value)| {
            if other != name {
                return true;
            }
            values.push(std::mem::take(value));
            false
        });
        if values.len() > 1 {
            self.wrong(name, "repeated", "expected at most once");
        }
        values.pop()
    }

    /// A word out of a closed set.
    pub fn word<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let word = parse(&text);
        if word.is_none() {
            self.wrong(name, "unknown_word", "not one of the documented words");
        }
        word
    }

    /// An id, whose prefix says what it names.
    pub fn id<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        let id = text.parse().ok();
        if id.is_none() {
            self.wrong(name, "not_an_id", "expected an id of this kind");
        }
        id
    }

    /// A whole number within bounds.
    pub fn integer(&mut self, name: &'static str, smallest: i64, largest: i64) -> Option<i64> {
        let text = self.text(name)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (smallest..=largest).contains(number));
        if number.is_none() {
            let code = if digits { "out_of_range" } else { "not_a_number" };
            self.wrong(name, code, &format!("expected a whole number from {smallest} to {largest}"));
        }
        number
    }

    /// A point in time, RFC 3339.
    pub fn time(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let text = self.text(name)?;
        // A plus sign that was not escaped arrives as a space.
        let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|time| time.to_utc());
        if time.is_none() {
            self.wrong(name, "not_a_time", "expected a time like 2026-11-20T10:00:00Z");
        }
        time
    }

    /// Size of a page.
    pub fn limit(&mut self) -> i64 {
        self.integer("limit", 1, 100).unwrap_or(20)
    }

    /// Whether nothing is wrong, unread parameters included.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let name: String = name.chars().take(100).collect();
            self.errors.push(InvalidField::parameter(&name, "unknown_parameter", "no such parameter here"));
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.errors.iter().filter_map(|error| error.parameter.as_deref()).collect();
        Err(Problem::new(Code::InvalidParameter).detail(format!("not valid: {}", names.join(", "))).errors(self.errors))
    }

    fn wrong(&mut self, name: &str, code: &str, detail: &str) {
        self.errors.push(InvalidField::parameter(name, code, detail));
    }
}

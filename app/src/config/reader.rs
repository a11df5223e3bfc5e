//! Reads variables and remembers what was wrong with each, so that one run names every problem.

use std::fmt::Display;
use std::str::FromStr;

use super::{ConfigProblems, Problem, Variable};

/// Reads from an environment and collects problems. A value that could not be read is replaced by a stand-in that never leaves [`Reader::finish`].
pub struct Reader<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { environment, problems: Vec::new() }
    }

    /// The text of a variable, or its default. Missing without a default is a problem.
    pub fn text(&mut self, variable: Variable) -> String {
        match self.optional(variable) {
            Some(value) => value,
            None => {
                self.problem(variable, format!("is not set; it is {}", variable.purpose));
                String::new()
            }
        }
    }

    /// The text of a variable, its default, or nothing. Empty counts as not set.
    pub fn optional(&mut self, variable: Variable) -> Option<String> {
        (self.environment)(variable.name)
            .filter(|value| !value.trim().is_empty())
            .or_else(|| variable.default.filter(|default| !default.is_empty()).map(str::to_owned))
    }

    /// A parsed value. `stand_in` is returned beside the problem.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, variable: Variable, stand_in: T) -> T {
        let text = self.text(variable);
        if text.is_empty() {
            return stand_in;
        }
        match text.parse() {
            Ok(value) => value,
            Err(error) => {
                let shown = if variable.secret { "its value".to_owned() } else { format!("`{text}`") };
                self.problem(variable, format!("{shown} cannot be used: {error}"));
                stand_in
            }
        }
    }

    /// A number within limits.
    pub fn number(&mut self, variable: Variable, range: std::ops::RangeInclusive<u64>) -> u64 {
        let before = self.problems.len();
        let value = self.parsed(variable, *range.start());
        if self.problems.len() == before && !range.contains(&value) {
            self.problem(variable, format!("{value} is not within {} to {}", range.start(), range.end()));
        }
        value
    }

    /// An address with one of the schemes.
    pub fn url(&mut self, variable: Variable, schemes: &[&str]) -> String {
        let text = self.text(variable);
        let fits = schemes
            .iter()
            .any(|scheme| text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")).is_some_and(|rest| !rest.is_empty()));
        if !text.is_empty() && !fits {
            let shown = if variable.secret { "its value".to_owned() } else { format!("`{text}`") };
            self.problem(variable, format!("{shown} is not an address like {}://host:port", schemes.first().copied().unwrap_or("http")));
        }
        text
    }

    /// Notes a problem found by other means.
    pub fn problem(&mut self, variable: Variable, detail: String) {
        self.problems.push(Problem { variable: variable.name, detail });
    }

    /// The value, if nothing was wrong.
    pub fn finish<T>(self, value: T) -> Result<T, ConfigProblems> {
        if self.problems.is_empty() { Ok(value) } else { Err(ConfigProblems(self.problems)) }
    }
}

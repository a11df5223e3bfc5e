//! Configuration: read once from the environment into a tree of small structs, every problem reported together before anything is bound.

mod database;
mod gateway;
mod objects;
mod oidc;
mod ops;
mod reader;
mod review_ui;
mod telemetry;
mod temporal;
mod webhooks;
mod worker;

use std::fmt;

pub use database::Database;
pub use gateway::Gateway;
pub use objects::Objects;
pub use ops::Ops;
pub use reader::Reader;
pub use review_ui::ReviewUi;
pub use telemetry::{LogFormat, Telemetry};
pub use temporal::Temporal;
pub use webhooks::Webhooks;
pub use worker::Worker;

/// The exit code for a configuration that cannot be used, `EX_USAGE` of BSD's sysexits.
pub const EXIT_CONFIG: u8 = 64;

/// Everything wrong with the configuration, by variable name.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<Problem>);

/// One variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub variable: &'static str,
    pub detail: String,
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration has {} problem(s):", self.0.len())?;
        for problem in &self.0 {
            writeln!(f, "  {}: {}", problem.variable, problem.detail)?;
        }
        write!(f, "`assay doctor` shows every variable, its default and what it is for")
    }
}

impl std::error::Error for ConfigProblems {}

/// What a role reads. Each role asks for just the sections it uses.
pub fn read<T>(environment: &dyn Fn(&str) -> Option<String>, section: impl FnOnce(&mut Reader) -> T) -> Result<T, ConfigProblems> {
    let mut reader = Reader::new(environment);
    let value = section(&mut reader);
    reader.finish(value)
}

/// The process's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// One variable that some role reads: name, default, purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    pub default: Option<&'static str>,
    pub purpose: &'static str,
    /// Never printed.
    pub secret: bool,
}

impl Variable {
    const fn required(name: &'static str, purpose: &'static str) -> Self {
        Self { name, default: None, purpose, secret: false }
    }

    const fn with_default(name: &'static str, default: &'static str, purpose: &'static str) -> Self {
        Self { name, default: Some(default), purpose, secret: false }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// Every variable of every section, for `assay doctor` and for the test that holds the compose file against them.
pub fn variables() -> Vec<Variable> {
    [
        database::VARIABLES,
        temporal::VARIABLES,
        objects::VARIABLES,
        gateway::VARIABLES,
        ops::VARIABLES,
        review_ui::VARIABLES,
        oidc::VARIABLES,
        worker::VARIABLES,
        webhooks::VARIABLES,
        telemetry::VARIABLES,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_problem_is_reported_together_by_name() {
        let variables = HashMap::from([("ASSAY_DATABASE_POOL_SIZE", "many"), ("ASSAY_TEMPORAL_ADDRESS", "not a url")]);
        let environment = |name: &str| variables.get(name).map(|value| (*value).to_owned());
        let problems = read(&environment, |reader| (Database::read(reader), Temporal::read(reader), Objects::read(reader))).err().unwrap();
        let names: Vec<&str> = problems.0.iter().map(|problem| problem.variable).collect();
        assert_eq!(
            names,
            [
                "ASSAY_DATABASE_URL",
                "ASSAY_DATABASE_RELAY_URL",
                "ASSAY_DATABASE_POOL_SIZE",
                "ASSAY_TEMPORAL_ADDRESS",
                "ASSAY_OBJECTS_ENDPOINT",
                "ASSAY_OBJECTS_ACCESS_KEY",
                "ASSAY_OBJECTS_SECRET_KEY"
            ]
        );
    }

    #[test]
    fn variables_are_listed_once() {
        let mut names: Vec<&str> = variables().iter().map(|variable| variable.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}

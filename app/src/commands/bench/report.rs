//! The figures of a run, as a table of Markdown that `docs/benchmarks.md` can hold, and as JSON.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::clock::{Clock, SystemClock};
use serde::Serialize;

use super::machine::{self, Watch};

/// One figure, and what it must be.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
}

/// What a figure must not pass.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// All figures, with the machine and the time.
#[derive(Debug, Serialize)]
pub struct Report {
    at: DateTime<Utc>,
    machine: String,
    optimised: bool,
    /// The share of the processors that others used meanwhile: figures of a busy machine are worth less.
    others: Option<f64>,
    rows: Vec<Row>,
    #[serde(skip)]
    watch: Watch,
}

impl Row {
    /// A figure that may not be more.
    pub fn at_most(name: impl Into<String>, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { name: name.into(), value, unit, bar: Some(Bar::AtMost(bar)) }
    }

    /// A figure that may not be less.
    pub fn at_least(name: impl Into<String>, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { name: name.into(), value, unit, bar: Some(Bar::AtLeast(bar)) }
    }

    /// A figure to know.
    pub fn known(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, bar: None }
    }

    fn is_met(&self) -> bool {
        match self.bar {
            Some(Bar::AtMost(bar)) => self.value <= bar,
            Some(Bar::AtLeast(bar)) => self.value >= bar,
            None => true,
        }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

impl Report {
    pub fn new() -> Self {
        Self {
            at: SystemClock.now(),
            machine: machine::describe(),
            optimised: !cfg!(debug_assertions),
            others: None,
            rows: Vec::new(),
            watch: Watch::start(),
        }
    }

    /// Takes a figure, and says it at once.
    pub fn add(&mut self, row: Row) {
        eprintln!("bench: {}: {}", row.name, shown(&row));
        self.rows.push(row);
    }

    /// Ends the run; the stack has stopped by now.
    pub fn close(&mut self) {
        self.others = Some(self.watch.others());
    }

    pub fn all_met(&self) -> bool {
        self.rows.iter().all(Row::is_met)
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let build = if self.optimised { "release build" } else { "not an optimised build" };
        let others = self.others.map_or_else(String::new, |share| format!("; others used {:.0} % of it meanwhile", 100.0 * share));
        writeln!(f, "{} on {}, {build}{others}\n", self.at.format("%Y-%m-%d %H:%M UTC"), self.machine)?;
        writeln!(f, "| what | figure | bar | met |\n|---|---:|---:|---|")?;
        for row in &self.rows {
            let bar = match row.bar {
                Some(Bar::AtMost(bar)) => format!("at most {}", number(bar)),
                Some(Bar::AtLeast(bar)) => format!("at least {}", number(bar)),
                None => String::new(),
            };
            let met = if row.bar.is_none() {
                ""
            } else if row.is_met() {
                "yes"
            } else {
                "**no**"
            };
            writeln!(f, "| {} | {} | {bar} | {met} |", row.name, shown(row))?;
        }
        Ok(())
    }
}

fn shown(row: &Row) -> String {
    format!("{} {}", number(row.value), row.unit).trim_end().to_owned()
}

fn number(value: f64) -> String {
    let whole = value.fract() == 0.0 || value >= 100.0;
    if whole { format!("{value:.0}") } else { format!("{value:.3}") }
}

//! How events look on the terminal: lines for people, JSON for programs.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::forward::Forwarded;
use crate::commands::verify::text;

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line for the event and one for the receiver's answer
    Line,
    /// One JSON object a line: number, event_id, body, forwarded
    Json,
}

/// An event that is being printed.
#[derive(Serialize)]
pub struct Event<'a> {
    #[serde(skip)]
    format: Format,
    number: i64,
    event_id: &'a str,
    body: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<Forwarded>,
}

impl<'a> Event<'a> {
    /// As a line the event shows at once, so that one sees what a slow receiver is busy with.
    pub fn begin(format: Format, number: i64, event_id: &'a str, body: &'a RawValue) -> Result<Self> {
        if format == Format::Line {
            say(&line(event_id, body)?)?;
        }
        Ok(Self { format, number, event_id, body, forwarded: None })
    }

    /// The receiver answered, or did not.
    pub fn forwarded(&mut self, forwarded: Forwarded) -> Result<()> {
        if self.format == Format::Line {
            say(&format!("  {}", answer(&forwarded)))?;
        }
        self.forwarded = Some(forwarded);
        Ok(())
    }

    /// As JSON the event shows whole.
    pub fn end(self) -> Result<()> {
        if self.format == Format::Json {
            say(&serde_json::to_string(&self)?)?;
        }
        Ok(())
    }
}

/// Fails, rather than panics, when nobody reads any more.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn line(event_id: &str, body: &RawValue) -> Result<String> {
    let body: Value = serde_json::from_str(body.get())?;
    let data = &body["data"];
    // To the second: the rest is in the JSON.
    let time = text(&body, "timestamp").split('.').next().unwrap_or_default();
    let words =
        ["verification_id", "review_id", "status", "verdict"].into_iter().map(|name| text(data, name)).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.chain((data["test"] == true).then_some("test")).collect();
    Ok(format!("{time}Z  {:<24}  {}  {}", text(&body, "type"), event_id, words.join(" ")))
}

fn answer(forwarded: &Forwarded) -> String {
    let tries = if forwarded.tries > 1 { format!(", {} tries", forwarded.tries) } else { String::new() };
    match (forwarded.status, &forwarded.error) {
        (Some(status), _) => {
            let word = if (200..300).contains(&status) { "taken" } else { "refused" };
            format!("{word}: {status} in {} ms{tries}", forwarded.milliseconds)
        }
        (None, error) => format!("no answer: {}{tries}; going on", error.as_deref().unwrap_or("unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_one_looks_for() {
        let body = r#"{"type":"verification.final","timestamp":"2026-11-21T10:00:00.123456Z","data":{"sequence":5,"status":"final","verdict":"supported","verification_id":"ver_1"}}"#;
        let body: &RawValue = serde_json::from_str(body).unwrap();
        assert_eq!(line("evt_1", body).unwrap(), "2026-11-21T10:00:00Z  verification.final        evt_1  ver_1 final supported");
        let test: &RawValue =
            serde_json::from_str(r#"{"type":"later.kind","timestamp":"2026-11-21T10:00:00Z","data":{"test":true}}"#).unwrap();
        assert!(line("evt_2", test).unwrap().ends_with("later.kind                evt_2  test"));
    }

    #[test]
    fn an_answer_says_whether_the_event_was_taken() {
        let forwarded = |status, error: Option<&str>, tries| Forwarded { status, error: error.map(str::to_owned), milliseconds: 12, tries };
        assert_eq!(answer(&forwarded(Some(204), None, 1)), "taken: 204 in 12 ms");
        assert_eq!(answer(&forwarded(Some(500), None, 2)), "refused: 500 in 12 ms, 2 tries");
        assert_eq!(answer(&forwarded(None, Some("Connection refused"), 3)), "no answer: Connection refused, 3 tries; going on");
    }
}

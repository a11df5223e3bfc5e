//! Log lines as JSON, one object each: what `tracing-subscriber` writes too, but with an error's causes, which it leaves out.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// One JSON object per event: time, level, the event's own fields, target, the span that it happened in.
pub(super) struct JsonLines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for JsonLines {
    fn format_event(&self, context: &FmtContext<'_, S, JsonFields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let metadata = event.metadata();
        let mut line = Line::default();
        line.add("timestamp", timestamp);
        line.add("level", metadata.level().as_str());
        event.record(&mut line);
        line.add("target", metadata.target());
        let span = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        if let Some(span) = span {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            let mut fields: Map<String, Value> = fields.and_then(|fields| serde_json::from_str(fields).ok()).unwrap_or_default();
            fields.insert("name".to_owned(), span.name().into());
            line.add("span", fields);
        }
        line.write(&mut writer)
    }
}

/// Members in the order in which they came.
#[derive(Default)]
struct Line(Vec<(&'static str, Value)>);

impl Line {
    fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            out.write_char(if index == 0 { '{' } else { ',' })?;
            write!(out, "{}:{value}", Value::from(*name))?;
        }
        out.write_str("}\n")
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field.name(), chain(value));
    }
}

/// The error and its causes, outermost first. Some errors repeat their cause in their own text; it is written once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("the sink").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("could not keep it")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_line_has_fields_span_and_every_cause() {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer().json().event_format(JsonLines).with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("work", request.id = "r", status = tracing::field::Empty);
            span.record("status", 200);
            let error = Outer(io::Error::other("the disk is full"));
            span.in_scope(|| tracing::warn!(pages = 3, error = &error as &dyn Error, "Kept \"nothing\""));
        });

        let text = String::from_utf8(sink.0.lock().expect("the sink").clone()).expect("text");

        assert!(text.starts_with("{\"timestamp\":") && text.ends_with("}\n"), "{text}");
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["error"], "could not keep it: the disk is full");
        assert_eq!((&line["level"], &line["pages"], &line["message"]), (&"WARN".into(), &3.into(), &"Kept \"nothing\"".into()));
        assert_eq!(line["span"], serde_json::json!({ "name": "work", "request.id": "r", "status": 200 }));
    }
}

//! What a body may say of an endpoint: where to, what it is for, which events.

use domain::webhook::address::{Rules, Target, check};
use domain::webhook::event::{EventFilter, EventType};

use super::error::Error;
use crate::input::Fields;
use crate::problem::{Code, InvalidField, Problem};

/// Longest description, in characters.
const LONGEST_DESCRIPTION: usize = 500;
/// More than there are kinds of events.
const MOST_EVENTS: usize = 100;

/// The members that were there.
#[derive(Debug)]
pub struct Wish {
    pub target: Option<Target>,
    pub description: Option<String>,
    pub filter: Option<EventFilter>,
}

impl Wish {
    /// Reads the body, in which every member may be left out.
    pub fn read(mut fields: Fields<'_>, rules: &Rules) -> Result<Self, Error> {
        let (target, refused) = match fields.value("url").map(|url| url.as_str()) {
            None => (None, None),
            Some(None) => {
                fields.wrong("url", "not_text", "expected a string");
                (None, None)
            }
            Some(Some(text)) => match check(text, rules) {
                Ok(target) => (Some(target), None),
                Err(refusal) => (None, Some(InvalidField::at("/url", refusal.code(), refusal.to_string()))),
            },
        };
        let description = fields.optional_text("description", LONGEST_DESCRIPTION);
        let filter = fields.value("events").is_some().then(|| events(&mut fields));
        let errors = fields.into_errors();
        match (errors.is_empty(), refused) {
            (true, None) => Ok(Self { target, description, filter }),
            (true, Some(fault)) => Err(Error::UrlNotAllowed(fault)),
            (false, refused) => Err(Error::Request(Problem::new(Code::InvalidBody).errors(errors.into_iter().chain(refused).collect()))),
        }
    }

    /// Reads the body, in which `url` must be there.
    pub fn with_url(mut fields: Fields<'_>, rules: &Rules) -> Result<(Target, String, EventFilter), Error> {
        fields.required("url");
        let Self { target, description, filter } = Self::read(fields, rules)?;
        // Without one the reading above has failed.
        let target = target.ok_or_else(|| Error::Request(Problem::new(Code::InvalidBody)))?;
        Ok((target, description.unwrap_or_default(), filter.unwrap_or_default()))
    }
}

fn events(fields: &mut Fields<'_>) -> EventFilter {
    let mut events = Vec::new();
    for (index, item) in fields.optional_list("events", MOST_EVENTS).iter().enumerate() {
        match item.as_str().and_then(EventType::parse) {
            Some(event) => events.push(event),
            None => fields.wrong_item("events", index, "unknown_word", &format!("expected one of {}", words())),
        }
    }
    EventFilter::new(events)
}

fn words() -> String {
    EventType::ALL.map(EventType::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problem(body: &Value) -> (Code, Vec<(String, String)>) {
        let problem = Problem::from(Wish::with_url(Fields::of(body), &Rules::default()).unwrap_err());
        let faults = problem.errors.into_iter().map(|fault| (fault.pointer.unwrap_or_default(), fault.code));
        (problem.code, faults.collect())
    }

    #[test]
    fn a_body_is_read_and_its_address_brought_into_one_form() {
        let body = json!({ "url": "https://Hooks.Acme.com:443/a", "events": ["review.overdue", "verification.final"] });
        let (target, description, filter) = Wish::with_url(Fields::of(&body), &Rules::default()).unwrap();
        assert_eq!((target.url.as_str(), description.as_str()), ("https://hooks.acme.com/a", ""));
        assert_eq!(filter.words(), ["verification.final", "review.overdue"]);

        let body = json!({});
        let nothing = Wish::read(Fields::of(&body), &Rules::default()).unwrap();
        assert!(nothing.target.is_none() && nothing.description.is_none() && nothing.filter.is_none());
        let body = json!({ "events": [] });
        assert_eq!(Wish::read(Fields::of(&body), &Rules::default()).unwrap().filter, Some(EventFilter::default()), "all again");
    }

    #[test]
    fn an_address_that_is_refused_has_a_code_of_its_own() {
        let at = |code: &str| vec![("/url".to_owned(), code.to_owned())];
        for (url, code) in [
            ("http://hooks.acme.com/", "scheme"),
            ("https://127.1/", "address"),
            ("https://169.254.169.254/latest", "address"),
            ("https://localhost/", "host"),
            ("https://hooks.acme.com:22/", "port"),
            ("https://a:b@hooks.acme.com/", "userinfo"),
            ("hooks.acme.com", "not_a_url"),
            ("", "not_a_url"),
        ] {
            assert_eq!(problem(&json!({ "url": url })), (Code::UrlNotAllowed, at(code)), "{url}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let (code, faults) = problem(&json!({ "url": "https://10.0.0.1/", "description": "", "events": ["final", 7], "colour": "red" }));
        assert_eq!(code, Code::InvalidBody);
        let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/description", "/events/0", "/events/1", "/colour", "/url"]);
        for body in [json!({}), json!({ "url": null }), json!({ "url": 7 }), json!([])] {
            assert_eq!(problem(&body).0, Code::InvalidBody, "{body}");
        }
    }
}

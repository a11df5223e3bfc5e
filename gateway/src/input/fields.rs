//! Reading a JSON object member by member, strictly, and reporting everything wrong with it together.

use serde_json::{Map, Value};

use crate::problem::{Code, InvalidField, Problem};

/// The members of a JSON object that has not been read to its end. Getters hand out a stand-in where a member is wrong;
/// `finish` is what makes them safe to use.
pub struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    prefix: String,
    read: Vec<&'static str>,
    errors: Vec<InvalidField>,
}

impl<'a> Fields<'a> {
    /// The members of the body itself.
    pub fn of(body: &'a Value) -> Self {
        Self::at("", body)
    }

    /// The members of an object inside the body, which stands at the JSON Pointer `prefix`.
    pub fn at(prefix: &str, value: &'a Value) -> Self {
        let object = value.as_object();
        let errors = if object.is_some() { Vec::new() } else { vec![InvalidField::at(prefix, "not_an_object", "expected an object")] };
        Self { object, prefix: prefix.to_owned(), read: Vec::new(), errors }
    }

    /// Whether nothing is wrong, unread members included.
    pub fn finish(self) -> Result<(), Problem> {
        let errors = self.into_errors();
        if errors.is_empty() { Ok(()) } else { Err(Problem::new(Code::InvalidBody).errors(errors)) }
    }

    /// Everything wrong, unread members included.
    pub fn into_errors(mut self) -> Vec<InvalidField> {
        if let Some(object) = self.object {
            for name in object.keys().filter(|name| !self.read.contains(&name.as_str())) {
                let pointer = format!("{}/{}", self.prefix, escape(name));
                self.errors.push(InvalidField::at(pointer, "unknown_member", "this object has no such member"));
            }
        }
        self.errors
    }

    /// A member that may be left out or null.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.object.and_then(|object| object.get(name)).filter(|value| !value.is_null())
    }

    /// A member of any kind that must be there.
    pub fn required(&mut self, name: &'static str) -> Option<&'a Value> {
        let value = self.value(name);
        if value.is_none() && self.object.is_some() {
            self.wrong(name, "missing", "this member is required");
        }
        value
    }

    /// A text of 1 to `longest` characters that must be there.
    pub fn text(&mut self, name: &'static str, longest: usize) -> String {
        self.required(name).and_then(|value| self.read_text(name, value, longest)).unwrap_or_default()
    }

    /// A text that may be left out.
    pub fn optional_text(&mut self, name: &'static str, longest: usize) -> Option<String> {
        self.value(name).and_then(|value| self.read_text(name, value, longest))
    }

    /// A whole number within bounds that must be there.
    pub fn integer(&mut self, name: &'static str, smallest: i64, largest: i64) -> i64 {
        self.required(name).and_then(|value| self.read_integer(name, value, smallest, largest)).unwrap_or(smallest)
    }

    /// A whole number that may be left out.
    pub fn optional_integer(&mut self, name: &'static str, smallest: i64, largest: i64) -> Option<i64> {
        self.value(name).and_then(|value| self.read_integer(name, value, smallest, largest))
    }

    /// A word out of a closed set that must be there.
    pub fn word<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        self.required(name).and_then(|value| self.read_word(name, value, parse, expected))
    }

    /// A word that may be left out.
    pub fn optional_word<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        self.value(name).and_then(|value| self.read_word(name, value, parse, expected))
    }

    /// A list that may be left out.
    pub fn optional_list(&mut self, name: &'static str, longest: usize) -> &'a [Value] {
        match self.value(name) {
            None => &[],
            Some(Value::Array(items)) if items.len() <= longest => items,
            Some(Value::Array(_)) => {
                self.wrong(name, "too_many", &format!("expected at most {longest} items"));
                &[]
            }
            Some(_) => {
                self.wrong(name, "not_a_list", "expected an array");
                &[]
            }
        }
    }

    /// Notes a fault of a member.
    pub fn wrong(&mut self, name: &str, code: &str, detail: &str) {
        let pointer = format!("{}/{}", self.prefix, escape(name));
        self.errors.push(InvalidField::at(pointer, code, detail));
    }

    /// Notes faults found elsewhere.
    pub fn add(&mut self, errors: impl IntoIterator<Item = InvalidField>) {
        self.errors.extend(errors);
    }

    fn read_text(&mut self, name: &str, value: &Value, longest: usize) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.wrong(name, "not_text", "expected a string");
            return None;
        };
        let length = text.chars().count();
        if length == 0 || length > longest || text.contains('\0') {
            self.wrong(name, "not_text", &format!("expected 1 to {longest} characters and no NUL"));
            return None;
        }
        Some(text.to_owned())
    }

    fn read_integer(&mut self, name: &str, value: &Value, smallest: i64, largest: i64) -> Option<i64> {
        let number = value.as_i64().filter(|number| (smallest..=largest).contains(number));
        if number.is_none() {
            self.wrong(name, "not_a_number", &format!("expected a whole number from {smallest} to {largest}"));
        }
        number
    }

    fn read_word<T>(&mut self, name: &str, value: &Value, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        let word = value.as_str().and_then(parse);
        if word.is_none() {
            self.wrong(name, "unknown_word", &format!("expected {expected}"));
        }
        word
    }
}

fn escape(name: &str) -> String {
    // RFC 6901.
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_is_told_at_its_place() {
        let body = json!({ "a": 5, "c": 99, "d/e": 1, "w": "blue", "l": {} });
        let mut fields = Fields::of(&body);
        fields.text("a", 10);
        fields.text("b", 10);
        fields.integer("c", 0, 9);
        fields.word("w", |word| (word == "red").then_some(()), "`red`");
        fields.optional_list("l", 3);
        let errors = fields.into_errors();
        let found: Vec<(&str, &str)> = errors.iter().map(|error| (error.pointer.as_deref().unwrap(), error.code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("/a", "not_text"),
                ("/b", "missing"),
                ("/c", "not_a_number"),
                ("/w", "unknown_word"),
                ("/l", "not_a_list"),
                ("/d~1e", "unknown_member")
            ]
        );
    }

    #[test]
    fn a_body_that_is_no_object_has_one_fault() {
        let body = json!([1]);
        let mut fields = Fields::of(&body);
        fields.text("a", 10);
        assert_eq!(fields.into_errors().len(), 1);
    }
}

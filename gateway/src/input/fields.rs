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

    /// A member that may be left out, and says something by being null.
    pub fn said(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.object.and_then(|object| object.get(name))
    }

    /// A member of any kind that must be there.
    pub fn required(&mut self, name: &'static str) -> Option<&'a Value> {
        let value = self.value(name);
        if value.is_none() && self.object.is_some() {
            self.wrong(name, "missing", "this member is required");
        }
        value
    }

    /// A line of 1 to `longest` characters that must be there.
    pub fn text(&mut self, name: &'static str, longest: usize) -> String {
        self.required(name).and_then(|value| self.read_text(name, value, longest)).unwrap_or_default()
    }

    /// A line that may be left out.
    pub fn optional_text(&mut self, name: &'static str, longest: usize) -> Option<String> {
        self.value(name).and_then(|value| self.read_text(name, value, longest))
    }

    /// A text that a person wrote, in lines perhaps, and that must be there.
    pub fn note(&mut self, name: &'static str, longest: usize) -> String {
        self.required(name).and_then(|value| self.read_note(name, value, longest)).unwrap_or_default()
    }

    /// A text that a person wrote and that may be left out.
    pub fn optional_note(&mut self, name: &'static str, longest: usize) -> Option<String> {
        self.value(name).and_then(|value| self.read_note(name, value, longest))
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

    /// A list that must be there, with one item at least; `expected` says of what.
    pub fn list(&mut self, name: &'static str, longest: usize, expected: &str) -> &'a [Value] {
        let empty = match self.value(name) {
            None => self.object.is_some(),
            Some(value) => value.as_array().is_some_and(Vec::is_empty),
        };
        if empty {
            self.wrong(name, "missing", &format!("expected at least one {expected}"));
            return &[];
        }
        self.optional_list(name, longest)
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

    /// Notes a fault of an item of a list.
    pub fn wrong_item(&mut self, list: &str, index: usize, code: &str, detail: &str) {
        let pointer = format!("{}/{}/{index}", self.prefix, escape(list));
        self.errors.push(InvalidField::at(pointer, code, detail));
    }

    /// Notes faults found elsewhere.
    pub fn add(&mut self, errors: impl IntoIterator<Item = InvalidField>) {
        self.errors.extend(errors);
    }

    fn read_text(&mut self, name: &str, value: &Value, longest: usize) -> Option<String> {
        let odd = |c: char| c.is_control();
        self.read_characters(name, value, longest, odd, "on one line, none of them a control character")
    }

    fn read_note(&mut self, name: &str, value: &Value, longest: usize) -> Option<String> {
        let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        self.read_characters(name, value, longest, odd, "and no control characters other than tabs and line breaks")
    }

    fn read_characters(&mut self, name: &str, value: &Value, longest: usize, odd: impl Fn(char) -> bool, which: &str) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.wrong(name, "not_text", "expected a string");
            return None;
        };
        let length = text.chars().count();
        if length == 0 || length > longest || text.chars().any(odd) {
            self.wrong(name, "not_text", &format!("expected 1 to {longest} characters {which}"));
            return None;
        }
        Some(text.to_owned())
    }

    fn read_integer(&mut self, name: &str, value: &Value, smallest: i64, largest: i64) -> Option<i64> {
        let number = value.as_i64().filter(|number| (smallest..=largest).contains(number));
        if number.is_none() {
            let code = if value.is_i64() || value.is_u64() { "out_of_range" } else { "not_a_number" };
            self.wrong(name, code, &format!("expected a whole number from {smallest} to {largest}"));
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

/// A member's name as JSON Pointer (RFC 6901) spells it.
pub(super) fn escape(name: &str) -> String {
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
                ("/c", "out_of_range"),
                ("/w", "unknown_word"),
                ("/l", "not_a_list"),
                ("/d~1e", "unknown_member")
            ]
        );
    }

    #[test]
    fn a_body_that_is_no_object_has_one_fault() {
        for body in [json!([1]), json!(null), json!("x")] {
            let mut fields = Fields::of(&body);
            fields.text("a", 10);
            fields.list("b", 10, "thing");
            assert_eq!(fields.into_errors().len(), 1, "{body}");
        }
    }

    #[test]
    fn a_list_that_must_be_there_has_one_fault_of_its_own() {
        for (list, code) in [(json!(null), "missing"), (json!([]), "missing"), (json!([1, 2, 3]), "too_many"), (json!("x"), "not_a_list")] {
            let body = json!({ "a": list });
            let mut fields = Fields::of(&body);
            assert!(fields.list("a", 2, "thing").is_empty());
            let errors = fields.into_errors();
            assert_eq!(errors.iter().map(|error| error.code.as_str()).collect::<Vec<_>>(), [code], "{body}");
        }
    }

    #[test]
    fn an_item_is_named_by_its_index() {
        let body = json!({ "d/e": [] });
        let mut fields = Fields::at("/a", &body);
        fields.optional_list("d/e", 2);
        fields.wrong_item("d/e", 1, "odd", "odd");
        assert_eq!(fields.into_errors()[0].pointer.as_deref(), Some("/a/d~1e/1"));
    }

    #[test]
    fn control_characters_are_refused_and_line_breaks_are_for_notes() {
        let body = json!({ "line": "a\nb", "bell": "a\u{7}b", "note": "a\r\n\tb", "escape": "a\u{1b}b" });
        let mut fields = Fields::of(&body);
        fields.text("line", 10);
        fields.optional_text("bell", 10);
        assert_eq!(fields.note("note", 10), "a\r\n\tb");
        fields.optional_note("escape", 10);
        let errors = fields.into_errors();
        let found: Vec<&str> = errors.iter().filter_map(|error| error.pointer.as_deref()).collect();
        assert_eq!(found, ["/line", "/bell", "/escape"]);
    }
}

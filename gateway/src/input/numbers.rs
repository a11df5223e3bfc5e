//! Numbers in a body that would come back as others: more digits than 64 bits hold, as in `12345678901234567890123`.

use serde_json::Value;

use crate::problem::InvalidField;

/// More faults than this help nobody.
const MOST: usize = 100;

/// The inside of an object or array on the way to the place at hand.
enum Step {
    Member(String),
    Item(usize),
}

/// Every number of a body that we would change, by JSON Pointer. The body was parsed before, so only what tells a place is looked at.
pub fn changed_numbers(body: &[u8]) -> Vec<InvalidField> {
    let mut faults = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut name_next = false;
    let mut at = 0;
    while at < body.len() && faults.len() < MOST {
        let end = match body[at] {
            b'"' => string_end(body, at),
            b'-' | b'0'..=b'9' => number_end(body, at),
            _ => at + 1,
        };
        let token = &body[at..end];
        match body[at] {
            b'{' => {
                steps.push(Step::Member(String::new()));
                name_next = true;
            }
            b'[' => {
                steps.push(Step::Item(0));
                name_next = false;
            }
            b'}' | b']' => {
                steps.pop();
            }
            b',' => match steps.last_mut() {
                Some(Step::Item(index)) => *index += 1,
                _ => name_next = true,
            },
            b'"' if name_next => {
                if let Some(Step::Member(name)) = steps.last_mut() {
                    *name = serde_json::from_slice(token).unwrap_or_default();
                }
                name_next = false;
            }
            b'-' | b'0'..=b'9' if !survives(token) => {
                let detail = "this number has more digits than we keep, and would come back as another: send it as a string";
                faults.push(InvalidField::at(pointer(&steps), "number_not_kept", detail));
            }
            _ => {}
        }
        at = end;
    }
    faults
}

fn string_end(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < body.len() && body[at] != b'"' {
        at += if body[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(body.len())
}

fn number_end(body: &[u8], start: usize) -> usize {
    let length = body[start..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
    start + length
}

fn pointer(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Member(name) => format!("/{}", super::fields::escape(name)),
        Step::Item(index) => format!("/{index}"),
    };
    steps.iter().map(step).collect()
}

/// Whether a number is the same after we read it, and after we read again what we then write: once for the store, once for the client.
fn survives(token: &[u8]) -> bool {
    let (Ok(text), Ok(read)) = (std::str::from_utf8(token), serde_json::from_slice::<Value>(token)) else { return false };
    let written = read.to_string();
    amount(text) == amount(&written) && serde_json::from_str::<Value>(&written).is_ok_and(|again| again == read)
}

/// Sign, digits without zeros around them, and the power of ten of the last one: the same for every spelling of a number.
fn amount(text: &str) -> (bool, String, i64) {
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let power: i64 = power.parse().unwrap_or(if power.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{part}");
    let significant = digits.trim_end_matches('0');
    let power = power + (digits.len() - significant.len()) as i64 - part.len() as i64;
    match significant.trim_start_matches('0') {
        "" => (false, String::new(), 0),
        significant => (mantissa.starts_with('-'), significant.to_owned(), power),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_come_back_as_they_were_are_taken() {
        for number in [
            "0",
            "-0",
            "0.0",
            "1.10",
            "9.00",
            "1e3",
            "1E-7",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1e22",
            "123456789012345.5",
        ] {
            assert!(changed_numbers(format!("{{\"n\":{number}}}").as_bytes()).is_empty(), "{number}");
        }
    }

    #[test]
    fn numbers_that_would_be_changed_are_named_by_their_place() {
        let body = br#"{"metadata": {"a/b": [1, {"x\"y": 12345678901234567890123}, "7.77777777777777777777"], "c": 0.12345678901234567890}, "d": {}, "e": [[], -1e-999]}"#;
        let found: Vec<_> = changed_numbers(body).into_iter().filter_map(|fault| fault.pointer).collect();
        assert_eq!(found, ["/metadata/a~1b/1/x\"y", "/metadata/c", "/e/1"]);
        assert_eq!(changed_numbers(b"18446744073709551616000001").len(), 1);
    }
}

//! Every key of the desk in one table: what the script acts on, what buttons show as a hint, and what the help page lists.
//!
//! A person may give each act another key, or none, or switch single keys off. Acts are known by name, which lasts; keys are not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::form::Form;

/// Something that a key does.
pub struct Act {
    /// In the markup (`data-act`), in forms and in the database.
    pub name: &'static str,
    /// The key that it has until somebody chooses another.
    pub key: &'static str,
    pub does: &'static str,
    /// Where it does something.
    pub at: &'static str,
}

const fn act(name: &'static str, key: &'static str, does: &'static str, at: &'static str) -> Act {
    Act { name, key, does, at }
}

const QUEUE: &str = "queue";
const REVIEW: &str = "review";
const BOTH: &str = "queue, review";

/// Every act. Those that are a button or a link are pressed by their `data-act`; what the others do stands in `fields.js`.
pub const ACTS: [Act; 15] = [
    act("next_item", "j", "Next line of the queue; on a review, the one after it", BOTH),
    act("previous_item", "k", "The line, or the review, before", BOTH),
    act("take_next", "t", "Take the next review", QUEUE),
    act("next_field", "n", "Next field; the last one is the whole", REVIEW),
    act("previous_field", "p", "Field before", REVIEW),
    act("verdict_yes", "1", "The evidence supports the field in focus", REVIEW),
    act("verdict_no", "2", "The evidence speaks against it", REVIEW),
    act("verdict_unsure", "3", "The evidence does not say enough", REVIEW),
    act("found", "e", "Correct the value found", REVIEW),
    act("reason", "r", "Choose the reason", REVIEW),
    act("undo", "z", "Take back the last change to the field in focus, or the last of all", REVIEW),
    act("all_fields", "a", "All fields, or only those that need a person", REVIEW),
    act("boxes", "b", "Boxes on or off", REVIEW),
    act("keep", "h", "Hold the review longer", REVIEW),
    act("help", "?", "This list", "everywhere"),
];

/// Keys that stay as they are: they do nothing that a slip could do, and work while you type.
pub const FIXED: [Act; 2] = [
    act("submit", "Ctrl+Enter", "Submit and take the next", REVIEW),
    act("leave", "Esc", "Leave the text field, or close what lies over the page", "everywhere"),
];

/// Keys with a name that neither browsers nor screen readers want for themselves.
const NAMED: [&str; 6] = ["F2", "F4", "F8", "F9", "Insert", "Delete"];
/// Characters with which a browser begins a search of its own.
const OF_BROWSERS: [&str; 2] = ["/", "'"];

/// The keys of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortcuts {
    /// Single keys do nothing.
    pub off: bool,
    /// By act; nothing for an act without a key.
    keys: BTreeMap<&'static str, String>,
}

/// As the database keeps them: only what differs from the table above.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    off: bool,
    keys: BTreeMap<String, String>,
}

/// As the script reads them.
#[derive(Serialize)]
struct Told<'a> {
    off: bool,
    /// The act of each key.
    acts: BTreeMap<&'a str, &'a str>,
}

impl Default for Shortcuts {
    fn default() -> Self {
        Self { off: false, keys: ACTS.iter().map(|act| (act.name, act.key.to_owned())).collect() }
    }
}

impl Shortcuts {
    /// What was kept for a person. What no longer makes sense is left out: an act that is gone, a key that is not taken any more.
    pub fn of(kept: Option<&Value>) -> Self {
        let Some(kept) = kept.and_then(|kept| Kept::deserialize(kept).ok()) else { return Self::default() };
        let mut keys = BTreeMap::new();
        let mut taken = BTreeSet::new();
        // What was chosen comes before the defaults, so that a new act never takes a key away that somebody uses.
        for act in &ACTS {
            if let Some(key) = kept.keys.get(act.name).filter(|key| key.is_empty() || fault(key).is_none()) {
                let free = key.is_empty() || taken.insert(key.clone());
                keys.insert(act.name, if free { key.clone() } else { String::new() });
            }
        }
        for act in &ACTS {
            keys.entry(act.name).or_insert_with(|| if taken.insert(act.key.to_owned()) { act.key.to_owned() } else { String::new() });
        }
        Self { off: kept.off, keys }
    }

    /// What a form says that has an input `key.<act>` for each act, empty for none. Or what is wrong, by act.
    pub fn read(form: &Form) -> Result<Self, BTreeMap<&'static str, String>> {
        let (mut keys, mut faults) = (BTreeMap::new(), BTreeMap::new());
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        for act in &ACTS {
            let key = form.get(&format!("key.{}", act.name)).unwrap_or_default();
            if !key.is_empty() {
                let other = taken.insert(key.to_owned(), act.does);
                if let Some(text) = fault(key) {
                    faults.insert(act.name, text);
                } else if let Some(other) = other {
                    faults.insert(act.name, format!("{key} is the key of “{other}” already"));
                }
            }
            keys.insert(act.name, key.to_owned());
        }
        if faults.is_empty() { Ok(Self { off: form.get("off").is_some(), keys }) } else { Err(faults) }
    }

    /// What to keep; nothing for who changed nothing.
    pub fn kept(&self) -> Option<Value> {
        let changed = ACTS.iter().filter_map(|act| Some((act.name, self.keys.get(act.name)?)).filter(|(_, key)| *key != act.key));
        let kept = Kept { off: self.off, keys: changed.map(|(name, key)| (name.to_owned(), key.clone())).collect() };
        if kept.off || !kept.keys.is_empty() { serde_json::to_value(kept).ok() } else { None }
    }

    /// The key of an act; empty when it has none.
    pub fn key(&self, name: &str) -> &str {
        self.keys.get(name).map_or("", String::as_str)
    }

    /// The key to show beside a button; empty when there is none, or when keys are off.
    pub fn hint(&self, name: &str) -> &str {
        if self.off { "" } else { self.key(name) }
    }

    /// For the script, as JSON.
    pub fn json(&self) -> String {
        let acts = self.keys.iter().filter(|(_, key)| !key.is_empty()).map(|(name, key)| (key.as_str(), *name)).collect();
        serde_json::to_string(&Told { off: self.off, acts }).unwrap_or_default()
    }
}

/// Why a key cannot be chosen.
fn fault(key: &str) -> Option<String> {
    let mut letters = key.chars();
    let single = matches!((letters.next(), letters.next()), (Some(letter), None) if !letter.is_control() && !letter.is_whitespace());
    if OF_BROWSERS.contains(&key) {
        return Some(format!("{key} begins a search in some browsers"));
    }
    if single || NAMED.contains(&key) {
        return None;
    }
    Some(format!("Choose a single character, or one of {}; combinations belong to the browser", NAMED.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(changes: &[(&str, &str)]) -> Form {
        let filled = ACTS.iter().map(|act| {
            let key = changes.iter().find(|(name, _)| *name == act.name).map_or(act.key, |(_, key)| key);
            (format!("key.{}", act.name), key.to_owned())
        });
        Form(filled.collect())
    }

    #[test]
    fn no_two_acts_share_a_name_or_a_key() {
        let all = || ACTS.iter().chain(&FIXED);
        assert_eq!(all().map(|act| act.key).collect::<BTreeSet<_>>().len(), ACTS.len() + FIXED.len());
        assert_eq!(all().map(|act| act.name).collect::<BTreeSet<_>>().len(), ACTS.len() + FIXED.len());
        assert!(ACTS.iter().all(|act| fault(act.key).is_none()), "every default could be chosen");
    }

    #[test]
    fn a_form_is_taken_or_says_what_is_wrong_with_which_key() {
        assert_eq!(Shortcuts::read(&form(&[])), Ok(Shortcuts::default()));
        for key in ["m", "J", "é", "ж", ";", "F9", "<", "\""] {
            let read = Shortcuts::read(&form(&[("next_item", key)])).unwrap();
            assert_eq!((read.key("next_item"), read.hint("next_item")), (key, key));
        }
        for key in ["Ctrl+W", "jj", "F5", "Tab", "Enter", "/", "\u{1}", "ctrl", "❤\u{fe0f}"] {
            let faults = Shortcuts::read(&form(&[("next_item", key)])).unwrap_err();
            assert_eq!(faults.keys().collect::<Vec<_>>(), [&"next_item"], "{key:?}");
        }
        let faults = Shortcuts::read(&form(&[("undo", "j")])).unwrap_err();
        assert!(faults["undo"].contains("already"), "{faults:?}");
        // Two that change places do not collide, nor do two without a key.
        assert!(Shortcuts::read(&form(&[("next_item", "k"), ("previous_item", "j"), ("boxes", ""), ("undo", "")])).is_ok());
    }

    #[test]
    fn only_what_differs_is_kept_and_it_reads_back() {
        assert_eq!(Shortcuts::default().kept(), None);
        let mut typed = form(&[("next_item", "m"), ("boxes", "")]);
        typed.0.push(("off".to_owned(), "yes".to_owned()));
        let chosen = Shortcuts::read(&typed).unwrap();
        let kept = chosen.kept().unwrap();
        assert_eq!(kept, json!({ "off": true, "keys": { "next_item": "m", "boxes": "" } }));
        assert_eq!(Shortcuts::of(Some(&kept)), chosen);
        assert_eq!((chosen.key("next_item"), chosen.hint("next_item")), ("m", ""));
    }

    #[test]
    fn what_was_kept_long_ago_never_breaks_the_desk() {
        let odd = json!({ "off": false, "keys": { "gone": "x", "undo": "Ctrl+Z", "boxes": "j", "keep": "j" } });
        let read = Shortcuts::of(Some(&odd));
        // The chosen key wins over the default of another act, and the first of two that chose the same.
        assert_eq!((read.key("boxes"), read.key("keep"), read.key("next_item"), read.key("undo")), ("j", "", "", "z"));
        for odd in [json!(null), json!([]), json!("x"), json!({ "keys": 1 })] {
            assert_eq!(Shortcuts::of(Some(&odd)), Shortcuts::default(), "{odd}");
        }
        assert_eq!(serde_json::from_str::<Value>(&read.json()).unwrap()["acts"]["j"], "boxes");
    }
}

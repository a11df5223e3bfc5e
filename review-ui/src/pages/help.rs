//! Help: how the desk works, and every key.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;

/// One key and what it does. The script reads its keys from the page's buttons and links, which carry them too.
pub struct Key {
    pub keys: &'static str,
    pub does: &'static str,
}

/// Every key. A test holds them against the script and against each other.
pub const KEYS: [Key; 13] = [
    Key { keys: "j", does: "Next line of the queue" },
    Key { keys: "k", does: "Line before" },
    Key { keys: "t", does: "Take the next review" },
    Key { keys: "n", does: "Next field" },
    Key { keys: "p", does: "Field before" },
    Key { keys: "1", does: "Supported, for the field in focus" },
    Key { keys: "2", does: "Refuted" },
    Key { keys: "3", does: "Insufficient" },
    Key { keys: "e", does: "Correct the value found" },
    Key { keys: "r", does: "Choose the reason" },
    Key { keys: "b", does: "Boxes on or off" },
    Key { keys: "?", does: "This page" },
    Key { keys: "Ctrl+Enter", does: "Submit and take the next" },
];

#[derive(Template)]
#[template(path = "help.html")]
struct Page {
    layout: Layout,
    keys: &'static [Key],
}

/// `GET /help`.
pub async fn page(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    problem::page(&Page { layout: Layout::of(&state, &person, Place::Help, "Help").await?, keys: &KEYS })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_acts_share_a_key() {
        let keys: BTreeSet<&str> = KEYS.iter().map(|key| key.keys).collect();
        assert_eq!(keys.len(), KEYS.len());
    }
}

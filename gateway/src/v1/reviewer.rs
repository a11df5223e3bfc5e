//! The person behind a key, as the client names them.

use crate::auth::Caller;
use crate::input::Fields;

/// Longest name of a reviewer, in characters.
const LONGEST_NAME: usize = 100;

/// The holder that stands in rows and audit links: the key, and the reviewer that the client named.
pub(super) fn holder(caller: &Caller, fields: &mut Fields<'_>) -> String {
    match fields.optional_text("reviewer", LONGEST_NAME) {
        Some(reviewer) => format!("{}/{reviewer}", caller.actor()),
        None => caller.actor(),
    }
}

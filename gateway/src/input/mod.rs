//! What comes in with a request: bodies under limits, members and parameters read strictly, ids, cursors and preferences.

mod body;
mod conditional;
mod cursor;
mod fields;
mod numbers;
mod params;
mod path;
pub mod precondition;
mod prefer;

pub use body::{JsonBody, OptionalJsonBody, chunks, media_type, refuse_by_length, refuse_encoded, too_large};
pub use conditional::{etag, matches_etag};
pub use cursor::CursorKey;
pub use fields::Fields;
pub use params::Params;
pub use path::Id;
pub use prefer::{LONGEST_WAIT_SECONDS, Waiting};

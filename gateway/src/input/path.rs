//! Ids in paths. A text that is no id names nothing, so it is a 404 like any unknown id.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::problem::{Code, Problem};

/// The `{id}` of the path.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || Problem::new(Code::NotFound);
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        let text = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value).ok_or_else(nothing)?;
        text.parse().map(Self).map_err(|_| nothing())
    }
}

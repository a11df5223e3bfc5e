//! Forms as browsers post them: read whole, within a bound, and only from our own pages.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use subtle::ConstantTimeEq;

use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// Bytes of the largest form: a decision on every field with a long note is a tenth of it.
const LARGEST: usize = 256 << 10;

/// What was posted, in order; a name may come more than once.
#[derive(Debug, Clone, Default)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    /// Reads a body of type `application/x-www-form-urlencoded`.
    pub async fn read(request: Request) -> Result<Self, Problem> {
        let bytes = to_bytes(request.into_body(), LARGEST).await.map_err(|_| Problem::TooLarge)?;
        // A browser sends text; PostgreSQL knows no NUL. A line break is one character to whoever types and to `maxlength`, and two on its way.
        let text = |value: &str| value.replace('\0', "").replace("\r\n", "\n");
        let pairs = form_urlencoded::parse(&bytes).map(|(name, value)| (name.into_owned(), text(&value)));
        Ok(Self(pairs.collect()))
    }

    /// The value of that name as typed, without the spaces around it; nothing when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The value of that name exactly as typed, empty or not.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same without the values of these names.
    pub fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    /// The value, or a sentence that says that it is missing.
    pub fn require(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| Problem::Invalid(format!("The form is incomplete: {name} is missing. Go back and fill it in.")))
    }

    /// Whether the form carries this session's token. Compared in a time that says nothing of where they differ.
    pub fn belongs_to(&self, csrf: &str) -> bool {
        self.raw("csrf").is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(csrf.as_bytes())))
    }
}

/// A form that a signed-in person posted from one of our pages.
pub struct Posted(pub Person, pub Form);

impl FromRequest<AppState> for Posted {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let person = Person::from_request_parts(&mut parts, state).await?;
        let form = Form::read(Request::from_parts(parts, body)).await?;
        if form.belongs_to(&person.csrf) { Ok(Self(person, form)) } else { Err(Problem::Csrf) }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn read(body: impl Into<Body>) -> Result<Form, Problem> {
        Form::read(Request::new(body.into())).await
    }

    #[tokio::test]
    async fn a_form_is_read_as_browsers_write_it() {
        let form = read("csrf=abc&note=two+words%0D%0A&empty=&note=second&nul=a%00b").await.unwrap();
        assert_eq!((form.get("note"), form.get("empty"), form.get("none"), form.get("nul")), (Some("two words"), None, None, Some("ab")));
        assert!(form.belongs_to("abc") && !form.belongs_to("abd") && !form.belongs_to(""));
        let lines = read("note=one%0D%0Atwo%0D%0A%0D%0Athree%0Afour").await.unwrap();
        assert_eq!(lines.raw("note"), Some("one\ntwo\n\nthree\nfour"), "a line break counts once, as in the browser");
        assert!(matches!(form.require("none"), Err(Problem::Invalid(_))));
    }

    #[tokio::test]
    async fn a_form_larger_than_any_of_ours_is_refused() {
        assert!(matches!(read("note=".to_owned() + &"x".repeat(LARGEST)).await, Err(Problem::TooLarge)));
        assert!(matches!(read("").await, Ok(form) if !form.belongs_to("")));
    }
}

//! What went wrong, as a page: what happened, what is kept, what to do next.

use askama::Template;
use axum::Extension;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use store::StoreError;
use store::objects::ObjectError;

use crate::layout::Layout;
use crate::oidc::Refusal;

/// Why a page or an action was not given.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nobody is signed in; `next` is where they wanted to go, `from` the page of ours that they sent something from instead.
    #[error("nobody is signed in")]
    SignedOut { next: Option<String>, from: Option<String> },
    #[error("this needs another role")]
    Forbidden,
    #[error("there is no such page")]
    NotFound,
    /// The form is not one of ours, or older than the session.
    #[error("the form does not belong to this session")]
    Csrf,
    /// Nobody came in through the provider.
    #[error(transparent)]
    SignIn(#[from] Refusal),
    /// Too many want the same at once.
    #[error("too many at once")]
    Busy,
    #[error("the form is larger than any of ours")]
    TooLarge,
    /// Text that says what is wrong with the request.
    #[error("{0}")]
    Invalid(String),
    /// The state has moved on; what to tell, and where to go on.
    #[error("{title}")]
    Conflict { title: &'static str, detail: String, link: (String, &'static str) },
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    #[error("the object store did not answer")]
    Objects(#[from] ObjectError),
    #[error("a page could not be made")]
    Template(#[from] askama::Error),
}

impl Problem {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignedOut { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Csrf => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignIn(refusal) => refusal.status(),
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Store(error) if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Objects(error) if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Objects(_) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A page that is nothing but a message. It goes with the answer, so that whoever knows who asked can put their frame around it.
#[derive(Debug, Clone, Template)]
#[template(path = "message.html")]
pub struct Message {
    pub title: &'static str,
    detail: String,
    link: String,
    link_text: &'static str,
}

/// The same for who is signed in: with the way to everywhere else.
#[derive(Template)]
#[template(path = "message_framed.html")]
struct Framed {
    layout: Layout,
    title: &'static str,
    detail: String,
    link: String,
    link_text: &'static str,
}

impl Message {
    /// The page of it in a person's frame.
    pub fn framed(self, layout: Layout) -> Result<String, askama::Error> {
        let Self { title, detail, link, link_text } = self;
        Framed { layout, title, detail, link, link_text }.render()
    }
}

/// The way in, and afterwards on to that path.
pub fn way_in(next: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/signin?{query}")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::SignedOut { next: Some(next), .. } = &self {
            return Redirect::to(&way_in(next)).into_response();
        }
        let status = self.status();
        // A sign-in that came to nothing is noted where it is counted.
        if status.is_server_error() && !matches!(self, Self::SignIn(_)) {
            tracing::error!(
                error = &self as &dyn std::error::Error,
                status = status.as_u16(),
                "A page of the desk failed; runbook PostgresDown.md"
            );
        }
        let home = ("/".to_owned(), "Back to the queue");
        let (title, detail, (link, link_text)) = match self {
            Self::SignedOut { from, .. } => (
                "You are signed out",
                "Your session has ended, so nothing was changed. What was kept as a draft is there when you come back.".to_owned(),
                (from.as_deref().map_or_else(|| "/signin".to_owned(), way_in), "Sign in again"),
            ),
            Self::Forbidden => {
                ("This is not for your role", "Ask a lead or an operator of your organisation if you need it.".to_owned(), home)
            }
            Self::NotFound => ("There is nothing here", "The address is wrong, or belongs to another organisation.".to_owned(), home),
            Self::Csrf => (
                "This form is out of date",
                "It was made before you signed in, or by another site, so nothing was changed. Go back, load the page again and repeat it."
                    .to_owned(),
                home,
            ),
            Self::SignIn(refusal) => {
                let (title, detail) = refusal.words();
                (title, detail.to_owned(), ("/signin".to_owned(), "Back to the sign-in page"))
            }
            Self::Busy => ("Too many at once", "Nothing was changed. Try again in a few seconds.".to_owned(), home),
            Self::TooLarge => ("That is too long", "Nothing was changed. Go back and shorten what you typed.".to_owned(), home),
            Self::Invalid(detail) => ("That does not work", detail, home),
            Self::Conflict { title, detail, link } => (title, detail, link),
            Self::Store(_) | Self::Objects(_) | Self::Template(_) if status == StatusCode::SERVICE_UNAVAILABLE => {
                ("A part of Assay is away", "Nothing was changed. It is being looked after; try again in a few seconds.".to_owned(), home)
            }
            Self::Store(_) | Self::Objects(_) | Self::Template(_) => {
                ("Something is broken", "Nothing was changed. The fault is ours and has been written down.".to_owned(), home)
            }
        };
        let message = Message { title, detail, link, link_text };
        let page = message.render().unwrap_or_else(|_| title.to_owned());
        let mut response = (status, Extension(message), Html(page)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// A page from its template.
pub fn page(template: &impl Template) -> Result<Response, Problem> {
    Ok(Html(template.render()?).into_response())
}

//! Who is signed in, from the cookie; and what they may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use domain::id::TenantId;
use domain::person::Right;
use store::user::{self, Membership};
use store::{StoreError, session};

use crate::problem::Problem;
use crate::shortcuts::Shortcuts;
use crate::state::AppState;

/// A person at the desk.
#[derive(Debug, Clone)]
pub struct Person {
    pub email: String,
    pub member: Membership,
    /// Stands in every form of the session.
    pub csrf: String,
    /// The cookie's value.
    pub token: String,
    /// The keys that they chose.
    pub shortcuts: Shortcuts,
}

impl Person {
    /// How rows and audit links name them.
    pub fn actor(&self) -> String {
        user::actor(self.member.user_id)
    }

    /// For whom they work.
    pub fn tenant(&self) -> TenantId {
        self.member.tenant_id
    }

    pub fn may(&self, right: Right) -> bool {
        right.of(&self.member.roles)
    }

    /// Stops those who may not.
    pub fn require(&self, right: Right) -> Result<(), Problem> {
        if self.may(right) { Ok(()) } else { Err(Problem::Forbidden) }
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        // Somebody who wanted to see a page sees it after signing in; a form is not repeated.
        // What a page asks for by itself is neither a sign of life nor a page to come back to.
        let by_itself = parts.method == Method::GET && (parts.headers.contains_key("hx-request") || is_stream(&parts.headers));
        let found = Self::signed_in(state, &parts.headers, !by_itself).await?;
        let wanted = (parts.method == Method::GET && !by_itself).then(|| parts.uri.to_string());
        found.ok_or_else(|| Problem::SignedOut { next: wanted, from: came_from(&parts.headers) })
    }
}

impl Person {
    /// Who sends these headers, if anybody does. `by_hand` is false for what says nothing of whether somebody is there.
    pub async fn signed_in(state: &AppState, headers: &HeaderMap, by_hand: bool) -> Result<Option<Self>, StoreError> {
        let jar = CookieJar::from_headers(headers);
        let Some(token) = jar.get(state.cookie_name()).map(|cookie| cookie.value().to_owned()) else { return Ok(None) };
        let mut tx = state.store.begin_relay().await?;
        let found = session::find(&mut tx, &token, state.lifetime, by_hand).await?;
        tx.commit().await?;
        Ok(found.map(|session| {
            let shortcuts = Shortcuts::of(session.desk_keys.as_ref());
            Self { email: session.email, member: session.member, csrf: session.csrf, token, shortcuts }
        }))
    }
}

/// The page of this desk that a request comes from.
pub fn came_from(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (_, address) = text(header::REFERER)?.split_once("://")?;
    let path = address.strip_prefix(text(header::HOST)?)?;
    path.starts_with('/').then(|| path.to_owned())
}

/// Whether a browser asks for Server-Sent Events, which it does again and again by itself.
fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"))
}

/// The session's cookie, for `token`; an empty one ends it in the browser.
pub fn cookie(state: &AppState, token: String) -> Cookie<'static> {
    let seconds = if token.is_empty() { 0 } else { i64::try_from(state.lifetime.total.as_secs()).unwrap_or(i64::MAX) };
    let mut cookie = Cookie::new(state.cookie_name(), token);
    cookie.set_path("/");
    cookie.set_http_only(true);
    // Strict would show the sign-in page to everyone who follows a link in a message.
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(state.secure);
    cookie.set_max_age(Some(time::Duration::seconds(seconds)));
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_this_desk_is_one_to_come_back_to() {
        let headers = |pairs: &[(HeaderName, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
        };
        for (referer, path) in [
            ("http://desk:1/reviews/rev_1?x=1", Some("/reviews/rev_1?x=1")),
            ("https://desk:1/", Some("/")),
            ("http://desk:1", None),
            ("http://desk:12/reviews", None),
            ("http://desk:1.evil/reviews", None),
            ("http://evil/reviews", None),
            ("about:blank", None),
        ] {
            let sent = headers(&[(header::REFERER, referer), (header::HOST, "desk:1")]);
            assert_eq!(came_from(&sent).as_deref(), path, "{referer}");
        }
        assert_eq!(came_from(&headers(&[(header::REFERER, "http://desk:1/")])), None);
    }
}

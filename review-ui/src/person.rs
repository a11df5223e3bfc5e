//! Who is signed in, from the cookie; and what they may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use domain::id::TenantId;
use domain::person::Right;
use store::session;
use store::user::{self, Membership};

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
        let wanted = (parts.method == Method::GET && !by_itself).then(|| parts.uri.to_string());
        let signed_out = || Problem::SignedOut { next: wanted.clone() };
        let jar = CookieJar::from_headers(&parts.headers);
        let token = jar.get(state.cookie_name()).map(|cookie| cookie.value().to_owned()).ok_or_else(signed_out)?;
        let mut tx = state.store.begin_relay().await?;
        let found = session::find(&mut tx, &token, state.lifetime, !by_itself).await?;
        tx.commit().await?;
        let session = found.ok_or_else(signed_out)?;
        let shortcuts = Shortcuts::of(session.desk_keys.as_ref());
        Ok(Self { email: session.email, member: session.member, csrf: session.csrf, token, shortcuts })
    }
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

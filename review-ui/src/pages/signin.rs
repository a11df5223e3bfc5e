//! Signing in and out.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use store::user::UserRow;
use store::{session, user};

use super::oidc;
use crate::form::{Form, Posted};
use crate::metric;
use crate::password;
use crate::person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::statics;

/// One text for all, whether or not there is such an account, and whether or not it has to wait.
const REFUSED: &str =
    "The e-mail address or the password is wrong. After several wrong passwords even the right one has to wait some minutes.";
/// Whoever would wait longer for their password to be looked at is asked to come again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Wish {
    pub(super) next: Option<String>,
}

/// The way in beside the form.
struct Through<'a> {
    label: &'a str,
    href: String,
}

#[derive(Template)]
#[template(path = "signin.html")]
struct SignIn<'a> {
    statics: String,
    next: &'a str,
    email: &'a str,
    error: Option<&'static str>,
    through: Option<Through<'a>>,
}

/// `GET /signin`.
pub async fn page(State(state): State<AppState>, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    shown(&state, &wish.next.unwrap_or_default(), "", None)
}

fn shown(state: &AppState, next: &str, email: &str, error: Option<&'static str>) -> Result<Response, Problem> {
    let next = ours(next);
    let through = state.provider.as_ref().map(|provider| Through { label: &provider.settings().label, href: way_to_provider(next) });
    let page = SignIn { statics: statics::base(), next, email, error, through }.render()?;
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, Html(page)).into_response())
}

/// `POST /signin`. Which part was wrong is not said: it would tell which accounts there are.
pub async fn enter(State(state): State<AppState>, jar: CookieJar, headers: HeaderMap, request: Request) -> Result<Response, Problem> {
    if from_elsewhere(&headers) {
        return Err(Problem::Csrf);
    }
    let form = Form::read(request).await?;
    let (email, password) = (form.get("email").unwrap_or_default(), form.get("password").unwrap_or_default());
    let next = form.get("next").unwrap_or_default();
    if email.is_empty() || password.is_empty() {
        return shown(&state, next, email, Some("Type your e-mail address and your password."));
    }
    let mut tx = state.store.begin_relay().await?;
    let known = user::by_email(&mut tx, email).await?.filter(|user| user.disabled_at.is_none());
    tx.commit().await?;
    let fits = fits(&state, password.to_owned(), known.as_ref().and_then(|user| user.password_hash.clone())).await?;
    let mut tx = state.store.begin_relay().await?;
    // Looked up again after the wait for the hash, so that a crowd of guesses is stopped by the first few of them.
    let known = match known {
        Some(_) => user::by_email(&mut tx, email).await?.filter(|user| user.disabled_at.is_none()),
        None => None,
    };
    let locked = |user: &UserRow| user.locked_until.is_some_and(|until| until > state.clock.now());
    let refused = match &known {
        Some(user) if !locked(user) && fits => None,
        Some(user) if !locked(user) => {
            user::sign_in_failed(&mut tx, user.id).await?;
            Some(REFUSED)
        }
        Some(_) | None => Some(REFUSED),
    };
    let memberships = match &known {
        Some(user) if refused.is_none() => user::memberships(&mut tx, user.id).await?,
        _ => Vec::new(),
    };
    let (Some(member), None) = (memberships.first(), refused) else {
        tx.commit().await?;
        metrics::counter!(metric::SIGN_INS, "outcome" => "refused").increment(1);
        return shown(&state, next, email, Some(refused.unwrap_or("This account belongs to no organisation. Ask an operator.")));
    };
    user::sign_in_succeeded(&mut tx, member.user_id).await?;
    let new = session::open(&mut tx, member, state.lifetime).await?;
    tx.commit().await?;
    metrics::counter!(metric::SIGN_INS, "outcome" => "ok").increment(1);
    let to = match ours(next) {
        "" => "/",
        next => next,
    };
    Ok((jar.add(person::cookie(&state, new.token)), Redirect::to(to)).into_response())
}

/// `POST /signout`.
pub async fn leave(State(state): State<AppState>, jar: CookieJar, Posted(person, _): Posted) -> Result<Response, Problem> {
    let mut tx = state.store.begin_relay().await?;
    session::close(&mut tx, &person.token).await?;
    let user = user::get(&mut tx, person.member.user_id).await?;
    tx.commit().await?;
    let came_through = user.and_then(|user| user.issuer);
    let provider = state.provider.as_ref().filter(|provider| came_through.as_deref() == Some(provider.settings().issuer.as_str()));
    let to = if provider.is_some() { oidc::LEAVE } else { "/signin" };
    Ok((jar.add(person::cookie(&state, String::new())), Redirect::to(to)).into_response())
}

fn way_to_provider(next: &str) -> String {
    match next {
        "" => oidc::BEGIN.to_owned(),
        next => {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("{}?{query}", oidc::BEGIN)
        }
    }
}

async fn fits(state: &AppState, password: String, hash: Option<String>) -> Result<bool, Problem> {
    let Ok(Ok(_permit)) = tokio::time::timeout(PATIENCE, state.hashing.acquire()).await else { return Err(Problem::Busy) };
    Ok(tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref())).await.unwrap_or(false))
}

/// A path of this desk, or nothing: an address of somebody else's would send a freshly signed-in person there.
pub(super) fn ours(next: &str) -> &str {
    let path = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control);
    if path { next } else { "" }
}

/// Whether another site's page sent the form. Signing somebody in as somebody else is an attack too, and there is no session yet to hold a token.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, origin)| origin != host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_desk_are_gone_to() {
        for next in ["/", "/reviews/rev_1?x=1"] {
            assert_eq!(ours(next), next);
        }
        for next in ["", "https://elsewhere", "//elsewhere", "/\\elsewhere", "javascript:alert(1)", "/a\nb"] {
            assert_eq!(ours(next), "");
        }
    }

    #[test]
    fn forms_of_other_sites_are_noticed() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        for (pairs, elsewhere) in [
            (vec![], false),
            (vec![("sec-fetch-site", "same-origin")], false),
            (vec![("sec-fetch-site", "cross-site")], true),
            (vec![("sec-fetch-site", "same-site")], true),
            (vec![("origin", "http://desk:1"), ("host", "desk:1")], false),
            (vec![("origin", "http://evil"), ("host", "desk:1")], true),
            (vec![("origin", "null"), ("host", "desk:1")], true),
        ] {
            assert_eq!(from_elsewhere(&headers(&pairs)), elsewhere, "{pairs:?}");
        }
    }
}

//! Signing in and out.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use store::{session, user, wrong_password};

use super::oidc;
use crate::form::{Form, Posted};
use crate::metric;
use crate::password;
use crate::person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::statics;

/// One text for all, whether or not there is such an account. Wrong passwords are counted by the address as it was typed, so that having to wait
/// says no more.
const REFUSED: &str = "The e-mail address or the password is wrong.";
/// Longest way to go on by afterwards, in bytes. Setting out for the provider keeps it, and anybody may set out.
const LONGEST_NEXT: usize = 2 << 10;
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
    error: Option<&'a str>,
    through: Option<Through<'a>>,
}

/// `GET /signin`.
pub async fn page(State(state): State<AppState>, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    shown(&state, &wish.next.unwrap_or_default(), "", None)
}

fn shown(state: &AppState, next: &str, email: &str, error: Option<&str>) -> Result<Response, Problem> {
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
    if let Some(left) = wrong_password::wait(&mut tx, email).await? {
        return has_to_wait(&state, next, email, left);
    }
    let known = user::by_email(&mut tx, email).await?.filter(|user| user.disabled_at.is_none());
    tx.commit().await?;
    let fits = fits(&state, password.to_owned(), known.as_ref().and_then(|user| user.password_hash.clone())).await?;
    let mut tx = state.store.begin_relay().await?;
    // Looked up again after the wait for the hash, so that a crowd of guesses is stopped by the first few of them.
    if let Some(left) = wrong_password::wait(&mut tx, email).await? {
        return has_to_wait(&state, next, email, left);
    }
    let known = match known {
        Some(_) if fits => user::by_email(&mut tx, email).await?.filter(|user| user.disabled_at.is_none()),
        _ => None,
    };
    let Some(known) = known else {
        let left = wrong_password::count(&mut tx, email).await?;
        tx.commit().await?;
        metrics::counter!(metric::SIGN_INS, "outcome" => "refused").increment(1);
        return match left {
            Some(left) => {
                shown(&state, next, email, Some(&format!("{REFUSED} {}", wait_in_words(left)))).map(|page| retry_after(page, left))
            }
            None => shown(&state, next, email, Some(REFUSED)),
        };
    };
    let memberships = user::memberships(&mut tx, known.id).await?;
    let Some(member) = memberships.first() else {
        tx.commit().await?;
        metrics::counter!(metric::SIGN_INS, "outcome" => "refused").increment(1);
        return shown(&state, next, email, Some("This account belongs to no organisation. Ask an operator."));
    };
    wrong_password::forget(&mut tx, email).await?;
    let new = session::open(&mut tx, member, state.lifetime).await?;
    tx.commit().await?;
    metrics::counter!(metric::SIGN_INS, "outcome" => "ok").increment(1);
    let to = match ours(next) {
        "" => "/",
        next => next,
    };
    Ok((jar.add(person::cookie(&state, new.token)), Redirect::to(to)).into_response())
}

/// Nothing was looked at: not whether there is such an account, nor whether the password is right.
fn has_to_wait(state: &AppState, next: &str, email: &str, left: Duration) -> Result<Response, Problem> {
    metrics::counter!(metric::SIGN_INS, "outcome" => "has_to_wait").increment(1);
    let words = format!("There were several wrong passwords for this address. {}", wait_in_words(left));
    let mut response = retry_after(shown(state, next, email, Some(&words))?, left);
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    Ok(response)
}

fn retry_after(mut response: Response, left: Duration) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(left)));
    response
}

fn wait_in_words(left: Duration) -> String {
    let wait = match whole_seconds(left) {
        1 => "a second".to_owned(),
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Wait {wait} before the next try; until then even the right one is not looked at.")
}

/// Rounded up: who comes back then has waited long enough.
fn whole_seconds(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
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

/// A path of this desk, or nothing: an address of somebody else's would send a freshly signed-in person there, and none of ours is that long.
pub(super) fn ours(next: &str) -> &str {
    let path = next.len() <= LONGEST_NEXT
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
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
        let long = format!("/verifications?{}", "x".repeat(LONGEST_NEXT));
        assert_eq!((ours(&long[..LONGEST_NEXT]), ours(&long[..=LONGEST_NEXT])), (&long[..LONGEST_NEXT], ""));
    }

    #[test]
    fn a_wait_is_told_in_units_that_people_count_in() {
        for (millis, words) in
            [(1, "a second"), (14_300, "15 seconds"), (119_000, "119 seconds"), (119_001, "2 minutes"), (900_000, "15 minutes")]
        {
            let told = wait_in_words(Duration::from_millis(millis));
            assert!(told.starts_with(&format!("Wait {words} ")), "{millis}: {told}");
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

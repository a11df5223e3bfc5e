//! Signing in through the organisation's provider, and signing out of it: where the browser sets out, and where it comes back.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use domain::id::TenantId;
use domain::person::Role;
use store::sign_in::{self, NewSignIn, SignIn};
use store::user::provider::{self, Admission, Vouched};
use store::{RelayTx, session, tenant};

use super::signin::{Wish, ours};
use crate::form::Form;
use crate::metric;
use crate::oidc::{Claimed, Provider, Refusal};
use crate::person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::statics;

/// Where the way to the provider begins. A link and no form: the content security policy lets no form end at another site, redirects included.
pub const BEGIN: &str = "/signin/oidc";
/// Where signing out goes on for those who came through the provider.
pub const LEAVE: &str = "/signout/provider";

/// `GET /signin/oidc`. Changes nothing but that this browser may come back.
pub async fn begin(State(state): State<AppState>, jar: CookieJar, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    let provider = state.provider.as_deref().ok_or(Problem::NotFound)?;
    let outset = match provider.set_out().await {
        Ok(outset) => outset,
        Err(error) => return Err(counted(Refusal::from(error)).into()),
    };
    let next = wish.next.unwrap_or_default().replace('\0', "");
    let new = NewSignIn {
        state: &outset.state,
        issuer: provider.settings().issuer.as_str(),
        nonce: &outset.nonce,
        verifier: &outset.verifier,
        next: ours(&next),
    };
    let mut tx = state.store.begin_relay().await?;
    let browser = sign_in::begin(&mut tx, &new).await?;
    tx.commit().await?;
    Ok((jar.add(cookie(&state, browser)), Redirect::to(&outset.url)).into_response())
}

/// `GET /signin/oidc/callback`: the provider sent somebody back.
pub async fn callback(State(state): State<AppState>, jar: CookieJar, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let provider = state.provider.as_deref().ok_or(Problem::NotFound)?;
    let answer = Form(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect());
    let browser = jar.get(cookie_name(&state)).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    match settle(&state, provider, &answer, &browser).await {
        Ok((token, next)) => {
            metrics::counter!(metric::SIGN_INS, "outcome" => "ok").increment(1);
            let to = if next.is_empty() { "/" } else { &next };
            let jar = jar.add(cookie(&state, String::new())).add(person::cookie(&state, token));
            Ok((jar, Redirect::to(to)).into_response())
        }
        Err(Problem::SignIn(refusal)) => Err(counted(refusal).into()),
        Err(other) => Err(other),
    }
}

/// The session's token, and where to go.
async fn settle(state: &AppState, provider: &Provider, answer: &Form, browser: &str) -> Result<(String, String), Problem> {
    let begun = take(state, provider, answer.get("state"), browser).await?;
    if let Some(error) = answer.get("error") {
        return Err(Refusal::of_answer(error).into());
    }
    let code = answer.get("code").ok_or(Refusal::Stale)?;
    let claimed = provider.redeem(code, answer.get("iss"), &begun, &*state.clock).await?;
    let token = admit(state, provider, &claimed).await?;
    Ok((token, begun.next))
}

/// The sign-in that this browser began. From here on it is used, whatever comes of it.
async fn take(state: &AppState, provider: &Provider, word: Option<&str>, browser: &str) -> Result<SignIn, Problem> {
    let mut tx = state.store.begin_relay().await?;
    let begun = sign_in::take(&mut tx, word.unwrap_or_default(), browser).await?;
    tx.commit().await?;
    // Begun with another provider, before the configuration changed.
    let same = |begun: &SignIn| begun.issuer == provider.settings().issuer.as_str();
    Ok(begun.filter(same).ok_or(Refusal::Stale)?)
}

/// Opens a session for whoever has a role, and returns its token.
async fn admit(state: &AppState, provider: &Provider, claimed: &Claimed) -> Result<String, Problem> {
    let vouched =
        Vouched { issuer: provider.settings().issuer.as_str(), subject: &claimed.subject, email: &claimed.email, name: &claimed.name };
    let mut tx = state.store.begin_relay().await?;
    let roles = roles(&mut tx, provider, &claimed.groups).await?;
    let memberships = match provider::admit(&mut tx, &vouched, &roles).await? {
        Admission::Admitted(memberships) => memberships,
        Admission::Disabled => return Err(Refusal::Disabled.into()),
        Admission::NoRole => Vec::new(),
    };
    let Some(member) = memberships.first() else {
        // What they were here until now ends, so that sessions in other browsers do too.
        tx.commit().await?;
        return Err(Refusal::NoRole.into());
    };
    let new = session::open(&mut tx, member, state.lifetime).await?;
    tx.commit().await?;
    Ok(new.token)
}

/// What groups come to, for the tenants that there are.
async fn roles(tx: &mut RelayTx, provider: &Provider, groups: &[String]) -> Result<BTreeMap<TenantId, Vec<Role>>, Problem> {
    let mut roles = BTreeMap::new();
    for (name, given) in provider.settings().roles.roles(groups) {
        match tenant::by_name(tx, name).await? {
            Some(tenant) => {
                roles.insert(tenant.id, given);
            }
            None => tracing::warn!(tenant.name = name, "ASSAY_REVIEW_UI_OIDC_ROLES speaks of a tenant that does not exist: {name}"),
        }
    }
    Ok(roles)
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut<'a> {
    statics: String,
    way_out: &'a str,
}

/// `GET /signout/provider`: signed out here, and on the way to be signed out there. A page, because the form that signs out may not end at another
/// site; it leads on by itself.
pub async fn leave(State(state): State<AppState>) -> Result<Response, Problem> {
    let provider = state.provider.as_deref().ok_or(Problem::NotFound)?;
    let Some(way_out) = provider.way_out().await else { return Ok(Redirect::to("/signin").into_response()) };
    let page = problem::page(&SignedOut { statics: statics::base(), way_out: &way_out })?;
    Ok(([(header::REFRESH, format!("0; url={way_out}"))], page).into_response())
}

/// Counts and notes why nobody came in; who it was is not for logs.
fn counted(refusal: Refusal) -> Refusal {
    metrics::counter!(metric::SIGN_INS, "outcome" => refusal.outcome()).increment(1);
    tracing::warn!(outcome = refusal.outcome(), "Nobody was signed in through the provider: {refusal}");
    refusal
}

fn cookie_name(state: &AppState) -> &'static str {
    if state.secure { "__Host-assay-sign-in" } else { "assay-sign-in" }
}

/// Binds a sign-in to its browser; an empty value ends it.
fn cookie(state: &AppState, value: String) -> Cookie<'static> {
    let seconds = if value.is_empty() { 0 } else { i64::try_from(sign_in::LIFETIME.as_secs()).unwrap_or_default() };
    let mut cookie = Cookie::new(cookie_name(state), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    // The way back from the provider comes from another site.
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(state.secure);
    cookie.set_max_age(Some(time::Duration::seconds(seconds)));
    cookie
}

//! Putting on record that a person opened evidence at the desk, or that their browser fetched it ahead of them. Nothing is shown that could not
//! be put on record.

use axum::http::HeaderMap;
use domain::id::{EvidenceId, ReviewId, VerificationId};
use store::opening::{self, Viewer};
use store::{StoreError, TenantTx};

use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// They look at a review's page. True where that says something new; then the caller commits.
pub async fn viewed(
    tx: &mut TenantTx,
    person: &Person,
    headers: &HeaderMap,
    review: ReviewId,
    of: VerificationId,
) -> Result<bool, StoreError> {
    let actor = person.actor();
    opening::viewed(tx, Viewer { actor: &actor, session: &person.token, ahead: is_ahead(headers) }, review, of).await
}

/// They are likely to look at a review next, and get a part of it beforehand.
pub async fn ahead(state: &AppState, person: &Person, review: ReviewId, of: VerificationId) -> Result<(), Problem> {
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    if opening::viewed(&mut tx, Viewer { actor: &actor, session: &person.token, ahead: true }, review, of).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// They look at a page of a file by its own address, or read what stands on it. Says nothing new of what they have open.
pub async fn read(state: &AppState, person: &Person, headers: &HeaderMap, file: EvidenceId) -> Result<(), Problem> {
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    if opening::read(&mut tx, Viewer { actor: &actor, session: &person.token, ahead: is_ahead(headers) }, file).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// They take a file away.
pub async fn downloaded(state: &AppState, person: &Person, headers: &HeaderMap, file: EvidenceId) -> Result<(), Problem> {
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    if opening::downloaded(&mut tx, Viewer { actor: &actor, session: &person.token, ahead: is_ahead(headers) }, file).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// Whether a browser says that it asks ahead of its person, who may never look. Anybody can say so, which is why that is on record too.
fn is_ahead(headers: &HeaderMap) -> bool {
    let says = |name: &str| headers.get_all(name).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("prefetch")));
    ["sec-purpose", "purpose", "x-moz"].into_iter().any(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_ahead_is_not_looking() {
        for (name, value, ahead) in [
            ("sec-purpose", "prefetch", true),
            ("sec-purpose", "prefetch;prerender", true),
            ("purpose", "prefetch", true),
            ("x-moz", "prefetch", true),
            ("sec-purpose", "", false),
            ("accept", "prefetch", false),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            let headers: HeaderMap<axum::http::HeaderValue> = headers;
            assert_eq!(is_ahead(&headers), ahead, "{name}: {value}");
        }
        assert!(!is_ahead(&HeaderMap::new()));
    }
}

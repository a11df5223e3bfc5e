//! `GET /v1/reviews/{id}`: one task, with the result that the machine proposes and the answers that may be seen.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::ReviewId;
use store::review;

use super::error::Error;
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsRead};
use crate::input::{Id, matches_etag};
use crate::problem::Document;
use crate::state::AppState;

/// One review.
#[utoipa::path(
    get, path = "/v1/reviews/{id}", operation_id = "get_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this review"),
    ),
    responses(
        (status = 200, description = "As it stands, with the machine's result, and with the answers of a settled round", body = Review),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsRead>,
    Id(id): Id<ReviewId>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let mut tx = state.store.begin(caller.tenant).await?;
    let row = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let shown = Review::whole(&mut tx, row, state.clock.now(), &caller.actor()).await?;
    let answer = Answer::json(StatusCode::OK, &shown)?;
    // Of the bytes, because no version says it all: a lease runs out, the promised time passes, another part settles the round, the verification
    // ends or gets another result, and not every caller sees the answers.
    let tag = answer.etag();
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(answer.header(header::ETAG, tag).into_response())
}

#[cfg(test)]
mod tests {
    use domain::scope;
    use domain::verdict::Verdict;
    use serde_json::json;
    use store::verification::{self, Finalise};

    use super::*;
    use crate::testing::{Scene, outcome};

    #[tokio::test]
    async fn a_tag_is_good_until_anything_that_it_shows_is_different() {
        let Some(scene) = Scene::start().await else { return };
        let key = scene.key(&[scope::REVIEWS_READ, scope::REVIEWS_WRITE]).await;
        let other = scene.key(&[scope::REVIEWS_READ, scope::REVIEWS_WRITE]).await;
        let (id, first) = scene.in_review(2).await;
        let path = format!("/v1/reviews/{first}");
        let lease = scene.post(&key, &format!("{path}/claim"), &json!({})).await.body;
        let answer = json!({
            "token": lease["token"], "generation": lease["generation"], "verdict": "insufficient",
            "checks": [{ "field": "total", "verdict": "insufficient", "found": null }],
        });
        assert_eq!(scene.post(&key, &format!("{path}/decide"), &answer).await.body["delivery"], "kept");
        let seen = scene.get(&key, &path, None).await;
        let tag = seen.headers["etag"].to_str().unwrap();
        assert_eq!((scene.get(&key, &path, Some(tag)).await.status, &seen.body["answers"]), (StatusCode::NOT_MODIFIED, &json!(null)));

        // The time is over for the second answer: nothing of this row is changed by that.
        let mut tx = scene.state.store.begin(scene.tenant).await.unwrap();
        verification::finalise(&mut tx, id, &Finalise::Expired { outcome: outcome(Verdict::Insufficient) }).await.unwrap();
        tx.commit().await.unwrap();
        let ended = scene.get(&key, &path, Some(tag)).await;
        assert_eq!((ended.status, ended.body["answers"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{ended:?}");
        let same = scene.get(&other, &path, ended.headers["etag"].to_str().ok()).await;
        assert_eq!(same.status, StatusCode::NOT_MODIFIED, "who sees the same has the same tag");
    }
}

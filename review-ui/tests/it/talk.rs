//! What people say to each other about a verification, and of which field.

use axum::http::StatusCode;
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn people_talk_about_a_verification_and_deal_with_what_was_said() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.operator("Bob").await);
    let (path, review) = (format!("/verifications/{}", waiting.verification), waiting.review.to_string());
    let page = ann.get(&format!("/reviews/{review}")).await;
    let form = page.form(&format!("{path}/comments"));
    assert_eq!(form.get("field"), Some(""), "about the whole until somebody says otherwise");
    let form = form.with("body", "Is this\r\nthe stamp?").with("field", "total");
    let said = ann.submit(&format!("{path}/comments"), form).await;
    assert_eq!(said.to(), format!("/reviews/{review}#comments"), "back to where it was said");
    // Beside the form, beside the result and in the list it leads to the field.
    for (at, place) in [(format!("/reviews/{review}"), ""), (path.clone(), ""), (format!("{path}/comments"), path.as_str())] {
        let page = bob.get(&at).await;
        let link = format!("<strong>Ann</strong> on <a href=\"{place}#check-total\">Total</a>");
        assert!(page.has(&link) && page.has("the stamp?"), "{at}: {}", page.text);
        assert!(
            place == path || page.has("id=\"check-total\"") && page.has("<option value=\"total\">Total</option>"),
            "{at}: {}",
            page.text
        );
    }
    let page = bob.get(&path).await;
    let comment = page.between("/comments/", "/resolve\"").unwrap().to_owned();
    for body in ["", " \n ", "\u{0}"] {
        assert_eq!(bob.post(&format!("{path}/comments"), &[("body", body)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let long = bob.post(&format!("{path}/comments"), &[("body", &"x".repeat(4_001))]).await;
    assert!(long.status == StatusCode::UNPROCESSABLE_ENTITY && long.has("at most 4000 characters"), "{}", long.text);
    for _ in 0..2 {
        assert_eq!(bob.post(&format!("{path}/comments/{comment}/resolve"), &[]).await.to(), format!("{path}#comments"));
    }
    assert!(ann.get(&path).await.has("dealt with</span>"));
    assert_eq!(scene.told("comment.resolved").await.len(), 1);
    assert!(!scene.told("comment.added").await[0].2.to_string().contains("stamp"), "words stay out of the chain");
}

#[tokio::test]
async fn whoever_holds_a_review_says_what_a_comment_is_about() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let review = format!("/reviews/{}", waiting.review);
    let page = ann.take(waiting.review).await;
    assert!(page.has("<select id=\"about\" name=\"field\" form=\"decision\">"), "{}", page.text);
    for (field, link) in
        [("total", "on <a href=\"#check-total\">Total</a>"), ("", "<p>About .</p>"), ("no_field", "<p>About no_field.</p>")]
    {
        let body = format!("About {field}.");
        let typed = page.form(&review).with("comment", &body).with("field", field).with("note", "Half done");
        let said = ann.submit(&format!("{review}/comments"), typed).await;
        let page = ann.follow(&said).await;
        assert!(page.has(link) && page.has(&body), "{field}: {}", page.text);
        assert_eq!(page.form(&review).get("note"), Some("Half done"), "what was typed is kept");
    }
    let told: Vec<_> = scene.told("comment.added").await.into_iter().map(|(_, _, data)| data["field"].clone()).collect();
    assert_eq!(told, [json!("total"), json!(null), json!(null)]);
}

#[tokio::test]
async fn a_comment_can_be_about_a_field_before_anything_is_known_of_it() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let client = scene.database.connect(scene.database.admin_url.as_deref().unwrap_or(&scene.database.owner_url)).await;
    client.batch_execute("update verifications set status = 'queued', provisional = null, verdict = null").await.unwrap();
    let mut ann = scene.reviewer("Ann").await;
    let path = format!("/verifications/{}", waiting.verification);
    let page = ann.get(&path).await;
    assert!(page.has("No result yet") && page.has("<option value=\"merchant\">Merchant</option>"), "{}", page.text);
    let form = page.form(&format!("{path}/comments")).with("body", "Which branch?").with("field", "merchant");
    ann.submit(&format!("{path}/comments"), form).await.to();
    assert_eq!(scene.told("comment.added").await[0].2["field"], "merchant");
}

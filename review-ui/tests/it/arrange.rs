//! A lead arranges the queue by its forms, and a reviewer puts a review aside.

use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::person::Role;
use domain::policy::Policy;
use domain::review::ReviewStatus;
use store::{policy, tenant, user};

use crate::browser::{Answer, Browser, Typed};
use crate::scene::{EVIL, EVIL_AS_TEXT, Scene};

/// What the form of the queue sends for these.
async fn arrange(lead: &mut Browser, ids: &[ReviewId], act: &[(&str, &str)]) -> Answer {
    let typed = ids.iter().fold(Typed::default().with("csrf", &lead.csrf.clone()), |typed, id| typed.and("review", &id.to_string()));
    let typed = act.iter().fold(typed, |typed, (name, value)| typed.and(name, value));
    lead.submit("/queue/arrange", typed).await
}

/// The same, and the page that follows.
async fn arranged(lead: &mut Browser, ids: &[ReviewId], act: &[(&str, &str)]) -> Answer {
    let moved = arrange(lead, ids, act).await;
    lead.follow(&moved).await
}

#[tokio::test]
async fn a_lead_says_what_is_urgent_and_everybody_reads_why() {
    let Some(scene) = Scene::start().await else { return };
    let (soon, calm) = (scene.due_in(10).await.review, scene.due_in(60).await.review);
    let mut lead = scene.lead("Lea").await;
    let page = lead.get("/").await;
    assert!(page.has("name=\"review\" value=") && page.has("action=\"/queue/arrange\""), "{}", page.text);
    let silent = arrange(&mut lead, &[calm], &[("act", "boost")]).await;
    assert!(silent.status == StatusCode::UNPROCESSABLE_ENTITY && silent.has("Say why"), "{}", silent.text);
    let page = arranged(&mut lead, &[calm], &[("act", "boost"), ("why", EVIL)]).await;
    assert!(page.has("1 review was moved.") && page.has(">urgent</span>"), "{}", page.text);
    assert_eq!(page.reviews(), [calm, soon]);
    let again = arranged(&mut lead, &[calm, soon], &[("act", "boost"), ("why", "The same")]).await;
    assert!(again.has("1 review was moved. Left as it was: 1 as it was wanted already."), "{}", again.text);
    let page = scene.reviewer("Ann").await.get(&format!("/reviews/{calm}")).await;
    assert!(page.has(EVIL_AS_TEXT) && page.has(">urgent</span>") && !page.has("action=\"/queue/arrange\""), "{}", page.text);
    // The same form stands on the review's own page, and leads back to it.
    let page = arranged(&mut lead, &[calm], &[("act", "unboost"), ("why", "Done"), ("of", &calm.to_string())]).await;
    assert!(page.has("1 review was moved.") && page.has("<h1>Expense receipt</h1>") && !page.has(">urgent</span>"), "{}", page.text);
}

#[tokio::test]
async fn reviews_are_handed_out_to_whoever_has_the_least_to_do() {
    let Some(scene) = Scene::start().await else { return };
    let mut made = Vec::new();
    for minutes in 1..=6 {
        made.push(scene.due_in(minutes * 10).await.review);
    }
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let gone = scene.person("Zoe", &[scene.tenant], &[Role::Reviewer], None).await;
    let mut relay = scene.store.begin_relay().await.unwrap();
    user::set_disabled(&mut relay, gone, true).await.unwrap();
    relay.commit().await.unwrap();
    scene.someone("Otto", &[Role::Operator]).await;
    let mut tx = scene.tx().await;
    let now = tenant::policy(&mut tx).await.unwrap();
    policy::change(&mut tx, now.version, Policy { review_assignment_cap: 2, ..now.clone() }, "operator").await.unwrap();
    tx.commit().await.unwrap();
    let mut lead = scene.lead("Lea").await;
    let page = lead.get("/").await;
    assert!(page.has(">Ann</option>") && !page.has(">Zoe</option>") && !page.has(">Otto</option>"), "{}", page.text);
    let page = arranged(&mut lead, &made[..5], &[("act", "assign"), ("to", "least")]).await;
    assert!(page.has("5 reviews were moved."), "{}", page.text);
    for name in ["Ann", "Bob", "you"] {
        assert!(page.has(&format!("for <strong>{name}</strong>")), "{name}: {}", page.text);
    }
    // Three people with room for two each: the sixth fits, and a seventh does not.
    let seventh = scene.due_in(70).await.review;
    let page = arranged(&mut lead, &[made[5], seventh], &[("act", "assign"), ("to", "least")]).await;
    assert!(page.has("1 review was moved. Left as it was: 1 for nobody who may answer it"), "{}", page.text);
    for who in [&mut ann, &mut bob] {
        let mine = who.get("/?show=assigned").await.reviews();
        assert_eq!(mine.len(), 2);
        assert_eq!(who.post("/queue/next", &[]).await.to(), format!("/reviews/{}", mine[0]));
        assert!(who.get("/me").await.has("Mine to answer"));
        assert!(who.get("/").await.has("<dt>assigned to you</dt><dd>2</dd>"));
    }
    // By name, and taken back. One who is no reviewer of this organisation cannot be meant.
    let ann_id = scene.actor("Ann").await.trim_start_matches("user:").to_owned();
    arranged(&mut lead, &[seventh], &[("act", "assign"), ("to", &ann_id)]).await;
    assert_eq!(ann.get("/?show=assigned").await.reviews().len(), 3, "a name is a lead's own choice");
    arranged(&mut lead, &[seventh], &[("act", "assign"), ("to", "nobody")]).await;
    assert_eq!(scene.review(seventh).await.assigned_to, None);
    for nobody in [gone.to_string(), domain::id::UserId::new().to_string()] {
        let page = arranged(&mut lead, &[seventh], &[("act", "assign"), ("to", &nobody)]).await;
        assert!(page.has("0 reviews were moved. Left as it was: 1 for nobody"), "{}", page.text);
    }
}

#[tokio::test]
async fn what_is_put_aside_leaves_the_queue_and_what_is_late_does_not() {
    let Some(scene) = Scene::start().await else { return };
    let (late, soon) = (scene.due_in(-5).await.review, scene.due_in(30).await.review);
    let mut lead = scene.lead("Lea").await;
    let page = arranged(&mut lead, &[late, soon], &[("act", "snooze"), ("span", "900"), ("show", "overdue")]).await;
    assert!(page.has("1 review was moved. Left as it was: 1 overdue"), "{}", page.text);
    assert_eq!(page.reviews(), [late], "the same list as before");
    let mut ann = scene.reviewer("Ann").await;
    assert_eq!(ann.get("/").await.reviews(), [late]);
    assert!(ann.get("/").await.has("<dt>put aside</dt><dd>1</dd>"));
    let aside = ann.get("/?show=aside").await;
    assert!(aside.reviews() == [soon] && aside.has("aside until"), "{}", aside.text);
    let page = arranged(&mut lead, &[soon], &[("act", "wake")]).await;
    assert_eq!(page.reviews(), [late, soon]);
}

#[tokio::test]
async fn what_is_handed_to_the_leads_comes_back_when_they_say_so() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.due_in(30).await.review;
    let (mut ann, mut lead) = (scene.reviewer("Ann").await, scene.lead("Lea").await);
    arranged(&mut lead, &[id], &[("act", "leads"), ("why", "A new kind")]).await;
    assert_eq!(ann.post("/queue/next", &[]).await.to(), "/?empty=1");
    let ann_id = scene.actor("Ann").await.trim_start_matches("user:").to_owned();
    let refused = arranged(&mut lead, &[id], &[("act", "assign"), ("to", &ann_id)]).await;
    assert!(refused.has("Left as it was: 1 for nobody"), "a reviewer has no part in it: {}", refused.text);
    arranged(&mut lead, &[id], &[("act", "hand_back"), ("why", "An old kind")]).await;
    assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);
    assert_eq!(ann.post("/queue/next", &[]).await.to(), format!("/reviews/{id}"));
    // One that is settled meanwhile is left alone.
    let mut tx = scene.tx().await;
    assert!(store::review::expire(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    let page = arranged(&mut lead, &[id], &[("act", "boost"), ("why", "Late")]).await;
    assert!(page.has("0 reviews were moved. Left as it was: 1 settled meanwhile."), "{}", page.text);
}

#[tokio::test]
async fn nobody_moves_what_is_not_theirs() {
    let Some(scene) = Scene::start().await else { return };
    let foreign = scene.wanted(scene.other, crate::scene::Case::default()).await.review;
    let mut lead = scene.lead("Lea").await;
    let page = arranged(&mut lead, &[foreign], &[("act", "assign"), ("to", "least")]).await;
    assert!(page.has("Left as it was: 1 settled meanwhile."), "{}", page.text);
    let mut tx = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(store::review::get(&mut tx, foreign).await.unwrap().unwrap().assigned_to, None);
    for act in [&[("act", "assign")][..], &[("act", "burn")], &[("act", "snooze"), ("span", "1")], &[]] {
        let refused = arrange(&mut lead, &[foreign], act).await;
        assert!(refused.status.is_client_error(), "{act:?}: {}", refused.status);
    }
    assert_eq!(arrange(&mut lead, &[], &[("act", "wake")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_reviewer_keeps_one_for_later_and_it_is_counted_as_what_it_is() {
    let Some(scene) = Scene::start().await else { return };
    let (id, other) = (scene.due_in(30).await.review, scene.due_in(60).await.review);
    let mut ann = scene.reviewer("Ann").await;
    let path = format!("/reviews/{id}");
    let page = ann.take(id).await;
    let typed = page.form(&path).with("to", "mine").with("span", "900").with("why", "The branch is closed").with("note", "Half done");
    assert_eq!(ann.submit(&format!("{path}/skip"), typed.clone()).await.to(), "/");
    assert_eq!((scene.holder(id).await, scene.draft(id, "Ann").await["note"].as_str()), (None, Some("Half done")));
    assert_eq!(ann.post("/queue/next", &[]).await.to(), format!("/reviews/{other}"));
    assert_eq!(scene.reviewer("Bob").await.post("/queue/next", &[]).await.to(), "/?empty=1");
    let page = ann.get("/me").await;
    assert!(page.has("Mine to answer") && page.has("aside until"), "{}", page.text);
    let page = ann.get(&path).await;
    assert!(page.has("The branch is closed") && page.has("for <strong>you</strong>"), "{}", page.text);
    // Sent twice it is put aside once.
    assert_eq!(ann.submit(&format!("{path}/skip"), typed).await.status, StatusCode::CONFLICT);
    assert_eq!(scene.told("review.skipped").await.len(), 1);
    assert!(scene.lead("Lea").await.get("/team").await.has("Put aside, which is not deciding: Ann 1."));
    // What is late cannot wait; what was typed stays.
    let late = scene.due_in(-1).await.review;
    let path = format!("/reviews/{late}");
    let page = ann.take(late).await;
    assert!(page.has("It is overdue, so it cannot wait."), "{}", page.text);
    let typed = page.form(&path).with("to", "mine").with("span", "900").with("why", "x").with("note", "Typed");
    let refused = ann.submit(&format!("{path}/skip"), typed).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("so it cannot wait: leave the time out"), "{}", refused.text);
    assert_eq!(scene.draft(late, "Ann").await["note"], "Typed");
}

//! A person's decision: what it needs, what follows from it, and that there is one.

use axum::http::StatusCode;
use domain::id::{DecisionId, ReviewId};
use domain::review::ReviewStatus;
use domain::verdict::Verdict;
use domain::verification::DecidedBy;
use metrics_exporter_prometheus::PrometheusBuilder;
use store::review::{self, DecisionRow};

use crate::browser::{Answer, Typed};
use crate::scene::{Case, Scene, total};

fn at(id: ReviewId) -> String {
    format!("/reviews/{id}")
}

fn form(page: &Answer, id: ReviewId) -> Typed {
    page.form(&at(id))
}

async fn decision(scene: &Scene, typed: &Typed) -> Option<DecisionRow> {
    let id: DecisionId = typed.get("decision_id").unwrap().parse().unwrap();
    review::decision(&mut scene.tx().await, id).await.unwrap()
}

#[tokio::test]
async fn a_decision_is_recorded_at_once_and_ordered_for_the_engine() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let typed = form(&page, waiting.review).with("verdict.total", "supported").with("note", " The stamp hides it. ");
    let decided = ann.submit(&at(waiting.review), typed.clone()).await;
    assert_eq!(decided.to(), format!("/verifications/{}", waiting.verification));
    let page = ann.follow(&decided).await;
    assert!(page.has("The decision is recorded."), "{}", page.text);

    let row = decision(&scene, &typed).await.unwrap();
    assert_eq!((row.holder, row.review_id, row.verification_id), (scene.actor("Ann").await, waiting.review, waiting.verification));
    assert_eq!((row.decision.verdict, row.decision.note.as_deref()), (Verdict::Supported, Some("The stamp hides it.")));
    assert_eq!(row.decision.checks.len(), 1, "fields that were left alone keep the machine's check");
    assert_eq!((row.outcome.verdict, row.outcome.decided_by, row.outcome.checks.len()), (Verdict::Supported, DecidedBy::Human, 3));
    assert_eq!(scene.ordered(waiting.verification).await.last().map(String::as_str), Some("decision"));
    let review = scene.review(waiting.review).await;
    assert_eq!((review.status, scene.holder(waiting.review).await), (ReviewStatus::Decided, None));
    assert_eq!(scene.told("review.decided").await.len(), 1);
}

#[tokio::test]
async fn the_verdict_on_the_whole_follows_from_the_fields() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    for (pairs, verdict) in [
        (vec![("agree", "yes")], Verdict::Insufficient),
        (vec![("verdict.total", "supported")], Verdict::Supported),
        (vec![("verdict.total", "supported"), ("found.total", "9.00")], Verdict::Supported),
        (vec![("verdict.total", "insufficient")], Verdict::Insufficient),
        (vec![("verdict.total", "refuted"), ("reason.total", "different_value"), ("found.total", "8.00 MYR")], Verdict::Refuted),
        (vec![("verdict.merchant", "refuted"), ("reason.merchant", "altered")], Verdict::Refuted),
    ] {
        let waiting = scene.waiting().await;
        let page = ann.take(waiting.review).await;
        let typed = pairs.iter().fold(form(&page, waiting.review), |typed, (name, value)| typed.with(name, value));
        let decided = ann.submit(&at(waiting.review), typed.clone()).await;
        assert_eq!(decided.status, StatusCode::SEE_OTHER, "{pairs:?}: {}", decided.text);
        let row = decision(&scene, &typed).await.unwrap();
        assert_eq!((row.decision.verdict, row.outcome.verdict), (verdict, verdict), "{pairs:?}");
        if pairs.contains(&("found.total", "8.00 MYR")) {
            assert_eq!(
                (&row.decision.checks[0].found, row.decision.checks[0].reason.as_deref()),
                (&Some(total("8.00")), Some("different_value"))
            );
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_input_and_everything_typed_is_still_there() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let long = "x".repeat(2_001);
    for (pairs, fault, input) in [
        (vec![], None, "agree"),
        // Another amount supports nothing, whoever says so.
        (vec![("verdict.total", "supported"), ("found.total", "8.00 MYR")], Some("verdict-total"), "verdict.total"),
        (vec![("verdict.total", "refuted"), ("found.total", "9.0 MYR"), ("reason.total", "other")], Some("verdict-total"), "verdict.total"),
        (vec![("verdict.total", "supported"), ("found.total", "nine MYR")], Some("found-total"), "found.total"),
        (vec![("verdict.total", "supported"), ("found.total", "9.00 ringgit")], Some("found-total"), "found.total"),
        (vec![("verdict.date", "supported"), ("found.date", "30.2.2018")], Some("found-date"), "found.date"),
        (vec![("found.total", "9.10 MYR")], Some("verdict-total"), "verdict.total"),
        (vec![("verdict.total", "perhaps")], Some("verdict-total"), "verdict.total"),
        (vec![("verdict.total", "refuted")], Some("reason-total"), "reason.total"),
        (vec![("verdict.total", "refuted"), ("reason.total", "whim")], Some("reason-total"), "reason.total"),
        (vec![("agree", "yes"), ("note", long.as_str())], None, "note"),
    ] {
        let typed = [("note", "Typed before"), ("verdict.merchant", "supported")]
            .iter()
            .filter(|(name, _)| *name != "verdict.merchant" || input != "agree");
        let typed = typed.fold(form(&page, id), |typed, (name, value)| typed.with(name, value));
        let typed = pairs.iter().fold(typed, |typed, (name, value)| typed.with(name, value));
        let refused = ann.submit(&at(id), typed.clone()).await;
        let about = format!("{pairs:?}: {}", refused.text);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{about}");
        assert!(refused.has("Nothing was submitted yet.") && refused.has(&format!("<a href=\"#{input}\">")), "{about}");
        assert!(refused.has(&format!("id=\"{input}\"")), "the summary leads to the input: {about}");
        if let Some(fault) = fault {
            assert!(
                refused.has(&format!("id=\"fault-{fault}\"")) && refused.has(&format!("aria-describedby=\"fault-{fault}\"")),
                "{about}"
            );
        }
        let again = form(&refused, id);
        for (name, value) in
            typed.0.iter().filter(|(name, value)| name != "csrf" && name != "decision_id" && value != "perhaps" && value != "whim")
        {
            assert_eq!(again.get(name), Some(value.as_str()), "{name} in {about}");
        }
        // And it can be mended.
        assert_eq!((scene.review(id).await.status, scene.holder(id).await), (ReviewStatus::Pending, Some(scene.actor("Ann").await)));
        assert_eq!(decision(&scene, &typed).await, None);
    }
    assert_eq!(scene.draft(id, "Ann").await["note"], long.as_str(), "even what is too long is kept");
    let mended = form(&ann.get(&at(id)).await, id).with("note", "Short").with("verdict.total", "supported").with("found.total", "9.00 MYR");
    assert_eq!(ann.submit(&at(id), mended).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_same_decision_sent_twice_is_one_decision() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let typed = form(&page, waiting.review).with("verdict.total", "supported");
    let first = ann.submit(&at(waiting.review), typed.clone()).await;
    let before = scene.rows(scene.tenant).await;
    let second = ann.submit(&at(waiting.review), typed).await;
    assert_eq!((second.to(), second.status), (first.to(), first.status));
    assert_eq!(scene.rows(scene.tenant).await, before);
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "decision").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clicks_at_once_one_counts() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let typed = form(&page, waiting.review).with("agree", "yes");
    let path = at(waiting.review);
    let (mut one, mut two) = (ann.clone(), ann.clone());
    let (one, two) = tokio::join!(one.submit(&path, typed.clone()), two.submit(&path, typed.clone()));
    assert_eq!((one.status, two.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(scene.told("review.decided").await.len(), 1);
}

#[tokio::test]
async fn a_settled_review_is_not_settled_again() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    assert_eq!(ann.submit(&at(id), form(&page, id).with("agree", "yes")).await.status, StatusCode::SEE_OTHER);
    let before = scene.rows(scene.tenant).await;
    let mut bob = scene.reviewer("Bob").await;
    for browser in [&mut ann, &mut bob] {
        let another = form(&page, id).with("csrf", &browser.csrf.clone()).with("decision_id", &DecisionId::new().to_string());
        let refused = browser.submit(&at(id), another.with("verdict.total", "supported")).await;
        assert!(
            refused.status == StatusCode::CONFLICT && refused.has("It is settled") && refused.has("nothing was changed"),
            "{}",
            refused.text
        );
    }
    let members = |rows: Vec<(&'static str, String)>| {
        rows.into_iter().filter(|(table, _)| !["memberships", "audit_events", "drafts"].contains(table)).collect::<Vec<_>>()
    };
    assert_eq!(members(scene.rows(scene.tenant).await), members(before));
    // An expired one neither.
    let expired = scene.waiting().await.review;
    let page = ann.take(expired).await;
    let mut tx = scene.tx().await;
    assert!(review::expire(&mut tx, expired).await.unwrap());
    tx.commit().await.unwrap();
    let refused = ann.submit(&at(expired), form(&page, expired).with("agree", "yes")).await;
    assert!(refused.status == StatusCode::CONFLICT && refused.has("This review is expired"), "{}", refused.text);
}

#[tokio::test]
async fn who_does_not_hold_it_does_not_decide_it_and_their_words_are_kept() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let page = ann.take(id).await;
    let typed = form(&page, id)
        .with("csrf", &bob.csrf.clone())
        .with("verdict.total", "refuted")
        .with("reason.total", "other")
        .with("note", "Bob says no");
    for generation in ["1", "0", ""] {
        let refused = bob.submit(&at(id), typed.clone().with("generation", generation)).await;
        assert!(refused.status == StatusCode::CONFLICT && refused.has("kept as a draft"), "{}", refused.text);
    }
    assert_eq!(scene.draft(id, "Bob").await["note"], "Bob says no");
    assert_eq!((scene.review(id).await.status, scene.holder(id).await), (ReviewStatus::Pending, Some(scene.actor("Ann").await)));
    assert_eq!(decision(&scene, &typed).await, None);
}

#[tokio::test]
async fn a_decisions_id_is_good_for_one_review() {
    let Some(scene) = Scene::start().await else { return };
    let (first, second) = (scene.due_in(10).await.review, scene.due_in(20).await.review);
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(first).await;
    let used = form(&page, first).with("agree", "yes");
    assert_eq!(ann.submit(&at(first), used.clone()).await.status, StatusCode::SEE_OTHER);
    let page = ann.take(second).await;
    let typed = form(&page, second).with("agree", "yes").with("decision_id", used.get("decision_id").unwrap());
    let refused = ann.submit(&at(second), typed).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
    assert_eq!(scene.review(second).await.status, ReviewStatus::Pending);
    for broken in ["x", "", "dec_1"] {
        let refused = ann.submit(&at(second), form(&page, second).with("agree", "yes").with("decision_id", broken)).await;
        assert!(refused.status.is_client_error(), "{broken}");
    }
}

#[tokio::test]
async fn deciding_leads_to_the_next_one_until_there_is_none() {
    let Some(scene) = Scene::start().await else { return };
    let (second, first) = (scene.due_in(20).await.review, scene.due_in(10).await.review);
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(first).await;
    assert!(page.has("name=\"then\""), "the button that says so: {}", page.text);
    let decided = ann.submit(&at(first), form(&page, first).with("agree", "yes").with("then", "next")).await;
    assert_eq!(decided.to(), at(second));
    assert_eq!(scene.holder(second).await, Some(scene.actor("Ann").await));
    let page = ann.follow(&decided).await;
    assert!(page.has("Yours for"), "{}", page.text);
    let decided = ann.submit(&at(second), form(&page, second).with("agree", "yes").with("then", "next")).await;
    assert_eq!(decided.to(), "/?empty=1");
}

#[tokio::test]
async fn both_answers_are_kept_where_a_person_gave_another() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let typed = form(&page, waiting.review).with("verdict.total", "supported");
    ann.submit(&at(waiting.review), typed.clone()).await;
    // The engine was told.
    let row = decision(&scene, &typed).await.unwrap();
    let mut tx = scene.tx().await;
    let end = store::verification::Finalise::Reviewed { decision_id: row.id, outcome: row.outcome };
    store::verification::finalise(&mut tx, waiting.verification, &end).await.unwrap();
    tx.commit().await.unwrap();
    let page = ann.get(&format!("/verifications/{}", waiting.verification)).await;
    assert!(page.has("The machine had said") && page.has("decided by a person") && !page.has("is recorded"), "{}", page.text);
    assert!(ann.get(&at(waiting.review)).await.has(">Decided.</p>"));
}

#[tokio::test]
async fn a_claim_that_was_taken_before_the_door_became_narrower_is_decided_too() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.wanted(scene.tenant, Case { date: "1850-03-30", ..Case::default() }).await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let decided = ann.submit(&at(id), form(&page, id).with("agree", "yes")).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.text);
}

#[tokio::test]
async fn a_decision_that_is_sent_twice_is_counted_once() {
    let Some(scene) = Scene::start().await else { return };
    let recorder = PrometheusBuilder::new().build_recorder();
    // The desk runs on this very thread.
    let _here = metrics::set_default_local_recorder(&recorder);
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let typed = form(&page, waiting.review).with("verdict.total", "supported");
    for _ in 0..2 {
        let decided = ann.submit(&at(waiting.review), typed.clone()).await;
        assert_eq!(decided.to(), format!("/verifications/{}", waiting.verification));
    }
    let page = recorder.handle().render();
    assert!(page.contains("assay_desk_decisions_total{verdict=\"supported\"} 1\n"), "{page}");
}

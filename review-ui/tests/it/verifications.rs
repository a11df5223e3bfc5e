//! The list of all verifications, and the page of one: found, read as a timeline, canceled.

use axum::http::StatusCode;
use domain::id::VerificationId;
use domain::person::Role;
use domain::verdict::Verdict;
use domain::verification::Status;
use store::verification;

use crate::scene::{Case, Scene};

#[tokio::test]
async fn verifications_are_listed_newest_first_filtered_and_found_by_id() {
    let Some(scene) = Scene::start().await else { return };
    let mut made = Vec::new();
    for number in 0..53 {
        let claim_type = if number % 2 == 0 { "invoice" } else { "expense_receipt" };
        made.insert(0, scene.wanted(scene.tenant, Case { claim_type, ..Case::default() }).await.verification);
    }
    let theirs = scene.wanted(scene.other, Case::default()).await.verification;
    let mut ann = scene.someone("Ann", &[Role::Auditor]).await;
    let ids = |text: &str| -> Vec<VerificationId> {
        text.split("<a href=\"/verifications/").skip(1).filter_map(|piece| piece.split('"').next().unwrap().parse().ok()).collect()
    };
    let first = ann.get("/verifications?status=in_review&verdict=insufficient").await;
    let more = first.between("rel=\"next\" href=\"", "\"").unwrap().replace("&#38;", "&");
    assert!(more.contains("status=in_review") && more.contains("verdict=insufficient"), "{more}");
    let second = ann.get(&more).await;
    assert_eq!([ids(&first.text), ids(&second.text)].concat(), made);
    let invoices: Vec<_> = made.iter().copied().step_by(2).collect();
    assert_eq!(ids(&ann.get("/verifications?claim_type=invoice").await.text), invoices);
    for (filter, fits) in
        [("status=final", false), ("verdict=supported", false), ("claim_type=x", false), ("status=x&verdict=x&before=x", true)]
    {
        assert_eq!(!ids(&ann.get(&format!("/verifications?{filter}")).await.text).is_empty(), fits, "{filter}");
    }
    let found = ann.get(&format!("/verifications?id=%20{}%20", made[7])).await;
    assert_eq!(found.to(), format!("/verifications/{}", made[7]));
    for unknown in [theirs.to_string(), "x".to_owned()] {
        let page = ann.get(&format!("/verifications?id={unknown}")).await;
        assert!(page.status == StatusCode::OK && page.has(&format!("There is no verification <code>{unknown}</code>")), "{}", page.text);
    }
    let operations = ann.get("/operations").await;
    assert!(
        operations.has(
            "href=\"/verifications?status=in_review\">In review</a></th><td role=\"cell\" data-label=\"How many\" class=\"number\">53</td>"
        ),
        "{}",
        operations.text
    );
}

#[tokio::test]
async fn a_timeline_runs_forward_everywhere_and_says_what_each_step_changed() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let review = format!("/reviews/{}", waiting.review);
    let page = ann.take(waiting.review).await;
    ann.submit(&review, page.form(&review).with("agree", "yes")).await.to();
    let path = format!("/verifications/{}", waiting.verification);
    for at in [review, path.clone(), format!("{path}/steps")] {
        let page = ann.get(&at).await;
        let steps: Vec<&str> = page.between("<ol class=\"timeline\"", "</ol>").unwrap().split("<li").skip(1).collect();
        let told: Vec<&str> = steps.iter().map(|step| step.split_once('>').unwrap().1.split(" <small>").next().unwrap()).collect();
        assert_eq!(
            told,
            [
                "Verification accepted, status: queued",
                "Verification processing, status: queued → processing",
                "Verification provisional, status: processing → in review, verdict: insufficient",
                "Review opened",
                "Review decided, verdict: insufficient",
            ],
            "{at}"
        );
        assert!(steps[4].starts_with(" class=\"person\"") && steps[4].contains("Ann"), "{at}: {}", steps[4]);
    }
}

#[tokio::test]
async fn a_verification_is_canceled_once_somebody_was_asked() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.wanted(scene.tenant, Case { machine: (Verdict::Refuted, 0.85), ..Case::default() }).await;
    let path = format!("/verifications/{}", waiting.verification);
    let way = format!("href=\"{path}/cancel\"");
    assert!(!scene.reviewer("Rea").await.get(&path).await.has(&way), "reviewers settle, they do not cancel");
    let mut ann = scene.lead("Ann").await;
    let page = ann.get(&path).await;
    assert!(page.has(&way) && page.has("85 %, decided by the machine"), "{}", page.text);
    let sure = ann.get(&format!("{path}/cancel")).await;
    assert!(sure.has("Cancel this verification?") && sure.has("Kedai Bunga") && sure.has("cannot be undone"), "{}", sure.text);
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "cancel").count(), 0, "looking changes nothing");
    let form = sure.form(&format!("{path}/cancel"));
    for _ in 0..2 {
        assert_eq!(ann.submit(&format!("{path}/cancel"), form.clone()).await.to(), path);
    }
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "cancel").count(), 1);
    let page = ann.get(&path).await;
    assert!(page.has("It is being canceled.") && !page.has(&way), "{}", page.text);
    assert_eq!(ann.get(&format!("{path}/cancel")).await.to(), path, "it was asked for");
    // What has ended is not canceled any more.
    let mut tx = scene.tx().await;
    verification::finalise(&mut tx, waiting.verification, &verification::Finalise::Canceled { reason: "client".to_owned() }).await.unwrap();
    tx.commit().await.unwrap();
    let before = scene.rows(scene.tenant).await;
    assert_eq!(ann.post(&format!("{path}/cancel"), &[]).await.to(), path);
    assert_eq!(scene.rows(scene.tenant).await, before);
    let row = verification::get(&mut scene.tx().await, waiting.verification).await.unwrap().unwrap();
    assert_eq!(row.status, Status::Canceled);
    // The machine's answer does not stand there as if it were a result.
    let page = ann.get(&path).await;
    assert!(page.has("It was canceled, so it has no result.") && page.has("it counts for nothing"), "{}", page.text);
    assert!(!page.has("decided by") && !page.has("It is being canceled"), "{}", page.text);
    assert_eq!(page.text.matches("verdict: refuted").count(), 1, "only the step that found it tells of it: {}", page.text);
    let list = ann.get("/verifications?status=canceled").await;
    assert!(list.has("Kedai Bunga") && !list.has("refuted</span>") && !list.has("85 %"), "{}", list.text);
}

//! The policy at the desk: shown in human units, replaced as a whole, never over what somebody else saved unseen.

use axum::http::StatusCode;
use domain::person::Role;
use domain::policy::{Policy, ReviewRule};
use serde_json::json;
use store::{review, tenant};

use crate::browser::Browser;
use crate::scene::Scene;

async fn operator(scene: &Scene, name: &str) -> Browser {
    scene.someone(name, &[Role::Operator]).await
}

async fn policy(scene: &Scene) -> Policy {
    tenant::policy(&mut scene.tx().await).await.unwrap()
}

#[tokio::test]
async fn a_policy_is_shown_changed_and_told_of() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = operator(&scene, "Ann").await;
    let page = ann.get("/policy").await;
    let form = page.form("/policy");
    let shown = |name| form.get(name).unwrap();
    assert_eq!((shown("review"), shown("review_sample_percent"), shown("review_above")), ("when_unsure", "0", ""));
    assert_eq!((shown("review_sla_seconds"), shown("review_sla_seconds_unit")), ("4", "hours"));
    assert_eq!((shown("lease_seconds"), shown("lease_seconds_unit"), shown("version")), ("5", "minutes", "1"));

    let wanted = form.with("review", "always").with("review_sample_percent", "5").with("review_above", "500.00 MYR");
    let saved = ann.submit("/policy", wanted.with("lease_seconds", "90").with("lease_seconds_unit", "seconds")).await;

    assert_eq!(saved.to(), "/policy?saved=1");
    let page = ann.follow(&saved).await;
    assert!(page.has("Saved. It counts for every claim from now on."));
    assert!(page.has("A person decides: when the machine is unsure → always; Sample: 0 % → 5 %; Limit: none → 500.00 MYR; Lease: 5 minutes → 90 seconds"), "{}", page.text);
    assert_eq!((page.form("/policy").get("version"), page.form("/policy").get("review_above")), (Some("2"), Some("500.00 MYR")));
    let now = policy(&scene).await;
    assert_eq!((now.version, now.review, now.lease_seconds), (2, ReviewRule::Always, 90));
    let changed = json!({ "from": 1, "version": 2, "changed": ["review", "review_sample_percent", "review_above", "lease_seconds"] });
    let told = scene.told("policy.changed").await;
    assert_eq!((told.len(), &told[0].0, &told[0].2), (1, &scene.actor("Ann").await, &changed));
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_its_input_and_stays_typed() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = operator(&scene, "Ann").await;
    let form = ann.get("/policy").await.form("/policy");
    let wrong = [
        ("review_sample_percent", "101", "A whole number from 0 to 100."),
        ("review_above", "500", "Amount and currency, as in 500.00 MYR, with at most two decimals."),
        ("review_sla_seconds", "721", "From 1 minute to 30 days, in whole numbers."),
        ("review_expiry_seconds", "seven", "Longer than the promised time, at most 90 days, in whole numbers."),
        ("lease_seconds", "61", "From 1 minute to 1 hour, in whole numbers."),
    ];
    let typed = wrong.iter().fold(form, |form, (name, value, _)| form.with(name, value));
    let page = ann.submit("/policy", typed).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (name, value, sentence) in wrong {
        assert_eq!(page.form("/policy").get(name), Some(value), "{name}");
        assert!(page.has(&format!("<a href=\"#{name}\">")), "{name}");
        assert_eq!(page.text.matches(sentence).count(), 2, "{name}: above the form and beside the input, in {}", page.text);
    }
    assert_eq!(page.text.matches("aria-invalid=\"true\"").count(), wrong.len());
    let page = ann.submit("/policy", page.form("/policy").with("review_sla_seconds", "8").with("review_sla_seconds_unit", "days")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(policy(&scene).await, Policy::default());
}

#[tokio::test]
async fn whoever_may_not_change_the_policy_reads_it_with_its_versions() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = operator(&scene, "Ann").await;
    let form = ann.get("/policy").await.form("/policy");
    let labels = |text: &str| {
        text.split("<label for=\"")
            .skip(1)
            .map(|label| label.split("</label>").next().unwrap().split('>').nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut told = labels(&ann.get("/policy").await.text);
    told.sort();
    let many = told.len();
    told.dedup();
    assert_eq!(told.len(), many, "no two inputs are called the same: {told:?}");
    ann.submit("/policy", form.with("review_above", "500.00 MYR")).await.to();
    for role in [Role::Reviewer, Role::Lead, Role::Auditor] {
        let mut reader = scene.someone(role.as_str(), &[role]).await;
        let page = reader.get("/policy").await;
        assert_eq!(page.status, StatusCode::OK, "{role:?}");
        assert!(page.has("<dt>Limit</dt><dd>500.00 MYR</dd>") && page.has("Limit: none → 500.00 MYR"), "{role:?}: {}", page.text);
        assert!(!page.has("action=\"/policy\"") && !page.has("<select id=\"review\""), "{role:?}: {}", page.text);
        assert_eq!(reader.post("/policy", &[]).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_review_expires_after_its_promised_time() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = operator(&scene, "Ann").await;
    let form = ann.get("/policy").await.form("/policy");
    let page = ann.submit("/policy", form.with("review_expiry_seconds", "4").with("review_expiry_seconds_unit", "hours")).await;
    assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.has("Given up after: Longer than the promised time."), "{}", page.text);
}

#[tokio::test]
async fn who_is_overtaken_keeps_what_was_typed_and_is_told_what_counts() {
    let Some(scene) = Scene::start().await else { return };
    let (mut ann, mut bob) = (operator(&scene, "Ann").await, operator(&scene, "Bob").await);
    let (anns, bobs) = (ann.get("/policy").await.form("/policy"), bob.get("/policy").await.form("/policy"));
    assert_eq!(bob.submit("/policy", bobs.with("lease_seconds", "2")).await.to(), "/policy?saved=1");

    let page = ann.submit("/policy", anns.with("review_sample_percent", "9")).await;

    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.has("Nothing was saved: somebody else changed the policy on") && page.has("by Bob."), "{}", page.text);
    let kept = page.form("/policy");
    assert_eq!((kept.get("review_sample_percent"), kept.get("lease_seconds"), kept.get("version")), (Some("9"), Some("5"), Some("2")));
    assert!(page.has("Now: 2 minutes") && page.has("Now: 0 %") && !page.has("Now: 4 hours"), "{}", page.text);
    assert_eq!((policy(&scene).await.version, policy(&scene).await.lease_seconds), (2, 120));
    // She has seen it, and takes his lease over.
    assert_eq!(ann.submit("/policy", kept.with("lease_seconds", "2")).await.to(), "/policy?saved=1");
    assert_eq!((policy(&scene).await.version, policy(&scene).await.review_sample_percent, policy(&scene).await.lease_seconds), (3, 9, 120));
}

#[tokio::test]
async fn saving_what_there_is_makes_no_version() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = operator(&scene, "Ann").await;
    let form = ann.get("/policy").await.form("/policy");
    assert_eq!(ann.submit("/policy", form).await.to(), "/policy");
    assert_eq!((policy(&scene).await.version, scene.told("policy.changed").await.len()), (1, 0));
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_the_policy_says() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut tx = scene.tx().await;
    store::policy::change(&mut tx, 1, Policy { lease_seconds: 60, ..Policy::default() }, "user:x").await.unwrap();
    tx.commit().await.unwrap();
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let until = review::get(&mut scene.tx().await, waiting.review).await.unwrap().unwrap().lease_expires_at.unwrap();
    let left = (until - chrono::Utc::now()).num_seconds();
    assert!((40..=60).contains(&left), "{left}");
    let beat: i64 = page.between("data-beat=\"", "\"").unwrap().parse().unwrap();
    assert!((10..=20).contains(&beat), "an open page renews it in time: {beat}");
}

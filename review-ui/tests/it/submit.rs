//! A claim that somebody sends by hand: its fields, its files, and that it is sent once.

use axum::http::StatusCode;
use domain::id::VerificationId;
use domain::priority::Priority;
use domain::verification::Status;
use serde_json::json;
use store::{evidence, verification};

use crate::browser::{Browser, Typed};
use crate::scene::{EVIL, EVIL_AS_TEXT, Scene, png, total};

const RECEIPT: &str = "/submit/expense_receipt";

/// The form as it stands, with a claim that fits its type.
async fn filled(browser: &mut Browser) -> Typed {
    let form = browser.get(RECEIPT).await.form(RECEIPT);
    form.with("merchant", "Kedai Bunga").with("date", "2018-03-30").with("total", "9.00 MYR")
}

async fn sent(scene: &Scene) -> Vec<VerificationId> {
    let filter = verification::ListFilter { limit: 100, ..Default::default() };
    verification::list(&mut scene.tx().await, &filter).await.unwrap().into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn every_claim_type_has_a_form_with_its_fields() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let choice = ann.get("/submit").await;
    for known in domain::claim_type::built_in() {
        let path = format!("/submit/{}", known.name);
        assert!(choice.has(&format!("href=\"{path}\"")), "{path}");
        let form = ann.get(&path).await.form(&path);
        assert!(known.fields.iter().all(|field| form.get(&field.name) == Some("")), "{form:?}");
    }
    for unknown in ["nothing", "%00", "Expense_Receipt"] {
        assert_eq!(ann.get(&format!("/submit/{unknown}")).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_claim_that_fits_becomes_a_verification_that_can_be_watched() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let form = filled(&mut ann).await.with("category", "meals");
    let png = png(8);
    let answer = ann.upload(RECEIPT, &form, &[("scan.png", &png), ("note.txt", b"RM 9.00"), ("again.png", &png)]).await;
    let id: VerificationId = answer.to().strip_prefix("/verifications/").unwrap().parse().unwrap();
    let page = ann.follow(&answer).await;
    assert!(page.has("It is queued.") && page.has("scan.png") && page.has("note.txt"), "{}", page.text);
    let row = verification::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!((row.status, row.priority, row.livemode), (Status::Queued, Priority::High, true));
    assert_eq!(row.claim, json!({ "merchant": "Kedai Bunga", "date": "2018-03-30", "total": total("9.00"), "category": "meals" }));
    let files = evidence::get_many(&mut scene.tx().await, &row.evidence_ids).await.unwrap();
    let kinds: Vec<_> = files.iter().map(|file| (file.filename.as_deref().unwrap(), file.media_type.as_str())).collect();
    assert_eq!(kinds, [("scan.png", "image/png"), ("note.txt", "text/plain")], "by their bytes, and each once");
    assert!(files.iter().all(|file| scene.objects.keys().contains(&file.object_key)));
    assert_eq!(scene.ordered(id).await, ["start"]);
    let (actor, subject, _) = scene.told("verification.accepted").await.remove(0);
    assert_eq!((actor, subject), (scene.actor("Ann").await, id.to_string()));
}

#[tokio::test]
async fn what_does_not_fit_is_said_beside_its_field_and_nothing_is_sent() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let good = filled(&mut ann).await;
    let file: (&str, &[u8]) = ("note.txt", b"RM 9.00");
    let long = "x".repeat(2_001);
    for (field, typed, words) in [
        ("merchant", "", "Fill this in"),
        ("merchant", "---", "At least one letter or digit"),
        ("merchant", long.as_str(), "At most 2,000"),
        ("date", "30/03/2018", "A date of the years 1900 to 2200, as in 2018-03-30"),
        ("date", "2018-02-30", "A date of the years"),
        ("total", "9.00", "Amount and currency, as in 9.00 MYR, with at most two decimals"),
        ("total", "nine MYR", "two decimals"),
        ("total", "9.001 MYR", "two decimals"),
        ("total", "9.00 RINGGIT", "Amount and currency"),
        ("currency", "ringgit", "The three letters of a currency"),
    ] {
        let refused = ann.upload(RECEIPT, &good.clone().with(field, typed), &[file]).await;
        let about = format!("{field} {typed}: {}", refused.text);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{about}");
        let fault = refused.between(&format!("id=\"hint-{field}\">"), "</p>").unwrap();
        assert!(fault.contains("field-error") && fault.contains(words) && !fault.contains("expected"), "{fault} in {about}");
        assert!(refused.has(&format!("<a href=\"#{field}\">")), "{about}");
        let again = refused.form(RECEIPT);
        for (name, value) in good.clone().with(field, typed).0 {
            assert_eq!(again.get(&name), Some(value.as_str()), "{name} in {about}");
        }
    }
    for (files, words) in [
        (vec![], "Add at least one file"),
        (vec![("", &b""[..])], "Add at least one file"),
        (vec![("empty.png", &b""[..])], "empty.png is empty"),
        (vec![file, ("empty.png", &b""[..])], "empty.png is empty"),
        (vec![file, ("a.zip", &b"PK\x03\x04"[..])], "a.zip is none of JPEG"),
        (vec![("scan.png", &b"MZ\x90\0\0"[..])], "scan.png is none of JPEG"),
    ] {
        let refused = ann.upload(RECEIPT, &good, &files).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        let fault = refused.between("id=\"hint-files\">", "</p>").unwrap();
        assert!(fault.contains("field-error") && fault.contains(words), "{fault}");
    }
    let many = vec![file; 11];
    let refused = ann.upload(RECEIPT, &good, &many).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("At most 10 files"), "{}", refused.text);
    let large = vec![b'x'; (20 << 20) + 1];
    assert_eq!(ann.upload(RECEIPT, &good, &[("large.txt", &large)]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!((sent(&scene).await, scene.objects.keys()), (vec![], vec![]));
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_verification() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let form = filled(&mut ann).await;
    let first = ann.upload(RECEIPT, &form, &[("note.txt", b"RM 9.00")]).await;
    let second = ann.upload(RECEIPT, &form, &[("note.txt", b"RM 9.00")]).await;
    assert_eq!(first.to(), second.to());
    assert_eq!(sent(&scene).await.len(), 1);
    // The same form with something else in it is a mistake, not a second claim.
    for (form, file) in [(form.clone().with("total", "8.00 MYR"), &b"RM 9.00"[..]), (form.clone(), b"RM 8.00")] {
        let refused = ann.upload(RECEIPT, &form, &[("note.txt", file)]).await;
        assert!(refused.status == StatusCode::CONFLICT && refused.has("This form was sent before"), "{}", refused.text);
    }
    assert_eq!((sent(&scene).await.len(), scene.objects.keys().len()), (1, 1), "what is refused leaves no object behind");
    // A form loaded anew is another claim, and so is the same form of somebody else.
    let another = filled(&mut ann).await;
    assert_ne!(ann.upload(RECEIPT, &another, &[("note.txt", b"RM 9.00")]).await.to(), first.to());
    let mut bob = scene.reviewer("Bob").await;
    let theirs = form.with("csrf", &bob.csrf.clone());
    assert_ne!(bob.upload(RECEIPT, &theirs, &[("note.txt", b"RM 9.00")]).await.to(), first.to());
    for broken in ["", "x", "\u{0}"] {
        let refused = ann.upload(RECEIPT, &another.clone().with("intent", broken), &[("note.txt", b"RM 9.00")]).await;
        assert!(refused.status.is_client_error(), "{broken}");
    }
    assert_eq!(sent(&scene).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_at_once_is_one_verification() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let form = filled(&mut ann).await;
    let mut at_once = Vec::new();
    for _ in 0..4 {
        let (mut browser, form) = (ann.clone(), form.clone());
        at_once.push(tokio::spawn(async move { browser.upload(RECEIPT, &form, &[("note.txt", b"RM 9.00")]).await.status }));
    }
    let mut got = Vec::new();
    for answer in at_once {
        got.push(answer.await.unwrap());
    }
    assert!(got.iter().all(|status| [StatusCode::SEE_OTHER, StatusCode::CONFLICT].contains(status)), "{got:?}");
    assert!(got.contains(&StatusCode::SEE_OTHER), "{got:?}");
    assert_eq!(sent(&scene).await.len(), 1);
}

#[tokio::test]
async fn what_is_typed_into_a_claim_comes_back_as_text() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let form = filled(&mut ann).await.with("date", EVIL).with("address", EVIL);
    let refused = ann.upload(RECEIPT, &form, &[("<script>.exe", b"MZ\x90\0\0")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has(&format!("value=\"{EVIL_AS_TEXT}\"")) && refused.has(&format!(">{EVIL_AS_TEXT}</textarea>")), "{}", refused.text);
    assert!(refused.has("&#60;script&#62;.exe is none of"), "{}", refused.text);
    // The number of the form is one too.
    let refused = ann.upload(RECEIPT, &form.with("intent", EVIL), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn files_that_nobody_waits_for_are_not_kept() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let before = scene.objects.keys();
    let page = ann.take(waiting.review).await;
    let typed = Typed(vec![("csrf".to_owned(), ann.csrf.clone())]);
    let path = |id: VerificationId| format!("/verifications/{id}/evidence");
    for (id, status) in [(waiting.verification, StatusCode::CONFLICT), (VerificationId::new(), StatusCode::NOT_FOUND)] {
        assert_eq!(ann.upload(&path(id), &typed, &[("new.txt", b"another page")]).await.status, status);
        assert_eq!(scene.objects.keys(), before, "{status}");
    }
    let review = format!("/reviews/{}", waiting.review);
    let asked = ann.submit(&format!("{review}/ask"), page.form(&review).with("wanted", "The second page")).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    let row = evidence::get(&mut scene.tx().await, waiting.evidence).await.unwrap().unwrap();
    let known = store::objects::Objects::get(&*scene.objects, &row.object_key).await.unwrap().unwrap();
    let refused = ann.upload(&path(waiting.verification), &typed, &[("again.txt", &known)]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("are there already"), "{}", refused.text);
    assert_eq!(scene.objects.keys(), before);
    let added = ann.upload(&path(waiting.verification), &typed, &[("new.txt", b"another page")]).await;
    assert_eq!((added.status, scene.objects.keys().len()), (StatusCode::SEE_OTHER, before.len() + 1));
}

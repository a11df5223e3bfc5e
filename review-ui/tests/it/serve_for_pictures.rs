//! Temporary: serves a desk with something on every page while the file named in ASSAY_PICTURES is there.

use std::path::Path;
use std::time::Duration;

use domain::blocker::Blocker;
use domain::id::Id;
use domain::person::Role;
use domain::verdict::Verdict;
use domain::webhook::address::{self, Rules};
use domain::webhook::event::{EventFilter, EventType};
use review_ui::router;
use store::api_key::{self, KeyGrant};
use store::webhook::{self, Created, NewEndpoint};
use store::{comment, verification};

use crate::scene::{Case, DAY, Scene, state};

#[tokio::test(flavor = "multi_thread")]
async fn serve() {
    let Ok(file) = std::env::var("ASSAY_PICTURES") else { return };
    let Some(scene) = Scene::start().await else { return };
    let word = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3);
    let word = &word[..190];
    let blockers = vec![
        Blocker::ConflictingValues {
            values: vec!["{\"amount\":\"9.00\",\"currency\":\"MYR\"}".into(), "{\"amount\":\"8.00\",\"currency\":\"MYR\"}".into()],
        },
        Blocker::WrongDocumentType { expected: "invoice or receipt".into(), found: "contract".into() },
    ];
    let file_name = format!("{word}.pdf");
    let long = scene.wanted(scene.tenant, Case { merchant: word, filename: &file_name, blockers, ..Case::default() }).await;
    let late = scene.due_in(-95).await;
    for _ in 0..3 {
        scene.waiting().await;
    }
    let canceled = scene.wanted(scene.tenant, Case { machine: (Verdict::Refuted, 0.85), ..Case::default() }).await;
    for w in [long, late, canceled] {
        scene.draw(scene.tenant, w.evidence, 900).await;
    }
    let mut tx = scene.tx().await;
    verification::request_cancel(&mut tx, canceled.verification, "key:test").await.unwrap();
    verification::finalise(&mut tx, canceled.verification, &verification::Finalise::Canceled { reason: "requested".to_owned() })
        .await
        .unwrap();
    comment::add(&mut tx, long.verification, None, "key:test", "First line\nsecond line\n\nand a third").await.unwrap();
    tx.commit().await.unwrap();
    for (name, scopes) in [
        ("Everything", domain::scope::ALL.to_vec()),
        ("Most of it", domain::scope::ALL[..10].to_vec()),
        ("Reading", vec!["verifications:read"]),
    ] {
        let key = api_key::generate(true);
        let grant = KeyGrant { name: name.to_owned(), scopes: scopes.into_iter().map(str::to_owned).collect(), expires_at: None };
        let mut tx = scene.tx().await;
        api_key::create(&mut tx, scene.tenant, &key, &grant, "operator").await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = scene.tx().await;
    let target = address::check("https://hooks.acme.com/assay/in/eu-west/1", &Rules::default()).unwrap();
    let new = NewEndpoint { target: &target, description: "For the accounts department", filter: EventFilter::default(), full_data: false };
    let Created::Endpoint { row, .. } = webhook::create(&mut tx, &new, "key:test").await.unwrap() else { panic!() };
    for kind in [EventType::VerificationFinal, EventType::VerificationAwaitingEvidence] {
        webhook::emit_test(&mut tx, row.id, kind, "key:test").await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut cookies = serde_json::Map::new();
    let people: [(&str, &[Role]); 5] = [
        ("Ann Archer", &[Role::Reviewer]),
        ("Leo Lead", &[Role::Lead]),
        ("Ada Lovelace-Byron", &[Role::Operator]),
        ("Aud Itor", &[Role::Auditor]),
        ("Max Power", &Role::ALL),
    ];
    for (name, roles) in people {
        let id = scene.person(name, &[scene.tenant], roles, None).await;
        cookies.insert(name.to_owned(), scene.signed_in(id, DAY).await.cookie.unwrap().into());
        if roles.len() == 1 && roles[0] == Role::Reviewer {
            scene.lease(late.review, &store::user::actor(id), 300).await;
            scene.lease(long.review, &store::user::actor(id), 300).await;
        }
    }
    let id = scene.person("Tom Twice", &[scene.tenant, scene.other], &Role::ALL, None).await;
    cookies.insert("Tom Twice".to_owned(), scene.signed_in(id, DAY).await.cookie.unwrap().into());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let told = serde_json::json!({ "url": format!("http://{}", listener.local_addr().unwrap()), "cookies": cookies, "long": long.review.to_string(), "long_ver": long.verification.to_string(),
        "canceled": canceled.verification.to_string(), "webhook": row.id.to_string(), "key": scene.key(scene.tenant, "Old").await.to_string(), "late": late.review.to_string(), "tenant": scene.other.uuid().to_string() });
    let desk = router(state(&scene.store, &scene.objects, false));
    tokio::spawn(async move { axum::serve(listener, desk).await });
    std::fs::write(&file, told.to_string()).unwrap();
    while Path::new(&file).exists() {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

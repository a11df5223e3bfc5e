//! The chain is gapless under load, refuses changes, and tells when somebody made one all the same.

use serde_json::json;
use store::audit::{self, BadLink, Fault};
use store::{policy, verification};

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_appends_at_once_leave_no_gap() {
    let Some(scene) = Scene::start().await else { return };
    let before = audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap().links;
    let appends = (0..50).map(|number| {
        let (store, tenant) = (scene.store.clone(), scene.tenant);
        tokio::spawn(async move {
            let mut tx = store.begin(tenant).await.unwrap();
            audit::append(&mut tx, "test.appended", "system", "ver_x", json!({ "number": number }));
            audit::append(&mut tx, "test.appended", "system", "ver_x", json!({ "number": number, "text": "\u{0}\u{e9}" }));
            tx.commit().await.unwrap();
        })
    });
    for append in futures::future::join_all(appends).await {
        append.unwrap();
    }
    let report = audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap();
    assert_eq!((report.links, report.head_seq, report.first_bad.clone()), (before + 100, before + 100, None));
    // A tenant may verify its own chain.
    assert_eq!(audit::verify(&mut scene.tx().await, scene.tenant).await.unwrap(), report);
    let exported = audit::export(&mut scene.tx().await, scene.tenant, before, 1_000).await.unwrap();
    assert_eq!(exported.len(), 100);
    assert!(exported.iter().any(|event| event.payload.as_deref() == Some(r#"{"number":7,"text":"\u0000é"}"#)));
}

#[tokio::test]
async fn a_rolled_back_change_leaves_no_link() {
    let Some(scene) = Scene::start().await else { return };
    let before = audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap();
    let mut tx = scene.tx().await;
    let wanted = domain::policy::Policy { lease_seconds: 60, ..Default::default() };
    policy::change(&mut tx, 1, wanted, "key:a").await.unwrap();
    drop(tx);
    assert_eq!(audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap(), before);
}

#[tokio::test]
async fn nobody_changes_what_is_append_only() {
    let Some(scene) = Scene::start().await else { return };
    let row = scene.accepted().await;
    let mut tx = scene.tx().await;
    let usage = domain::usage::Usage { stage: "read".into(), ..Default::default() };
    store::usage::append(&mut tx, row.id, &usage, "read:1").await.unwrap();
    tx.commit().await.unwrap();
    let partition = format!("audit_events_{}", chrono::Utc::now().format("%Y_%m"));
    for url in [&scene.database.service_url, &scene.database.relay_url, &scene.database.owner_url] {
        let client = scene.database.connect(url).await;
        let set = format!("set app.tenant = '{}'", scene.tenant.0);
        client.batch_execute(&set).await.unwrap();
        for table in ["audit_events", "audit_payloads", "events", "usage_entries"] {
            for change in [format!("update {table} set at = at"), format!("delete from {table}"), format!("truncate {table}")] {
                let error = client.batch_execute(&change).await.unwrap_err();
                assert_eq!(error.code().unwrap().code(), "42501", "{change}: {error}");
            }
        }
        let error = client.batch_execute(&format!("truncate {partition}")).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{error}");
    }
}

#[tokio::test]
async fn one_flipped_byte_is_found() {
    let Some(scene) = Scene::start().await else { return };
    let Some(admin) = scene.database.admin_url.clone() else { return store::testing::skip("a shared cluster lends no superuser") };
    for _ in 0..3 {
        let id = scene.accepted().await.id;
        verification::request_cancel(&mut scene.tx().await, id, "key:a").await.unwrap();
    }
    let whole = audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap();
    assert!(whole.is_whole() && whole.links >= 4, "{whole:?}");
    let client = scene.database.connect(&admin).await;
    // The superuser switches the triggers off; nothing but arithmetic is left.
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let of = format!("where tenant_id = '{}' and seq", scene.tenant.0);
    let cases = [
        (format!("update audit_payloads set payload = set_byte(payload, 0, get_byte(payload, 0) # 1) {of} = 2"), 2, Fault::PayloadMismatch),
        (format!("update audit_events set actor = 'key:b' {of} = 3"), 3, Fault::HashMismatch),
        (format!("update audit_events set hash = set_byte(hash, 31, get_byte(hash, 31) # 1) {of} = 2"), 2, Fault::HashMismatch),
        (format!("update audit_events set at = at + interval '1 microsecond' {of} = 3"), 3, Fault::HashMismatch),
        (format!("delete from audit_events {of} = 2"), 2, Fault::Missing),
        (format!("delete from audit_events {of} = {}", whole.links), whole.links, Fault::Missing),
        (format!("update audit_heads set hash = sha256(hash) {of} > 0"), whole.links + 1, Fault::HeadMismatch),
        (format!("update audit_heads set seq = seq + 1 {of} > 0"), whole.links + 1, Fault::Missing),
        (format!("update audit_heads set seq = seq - 1 {of} > 0"), whole.links, Fault::HeadMismatch),
        (format!("delete from audit_heads {of} > 0"), 1, Fault::HeadMismatch),
        // A row under a number that nobody asks for.
        (
            format!(
                "insert into audit_events select (jsonb_populate_record(null::audit_events, to_jsonb(e) || '{{\"seq\": 0}}')).* from audit_events e {of} = 1"
            ),
            whole.links + 1,
            Fault::HeadMismatch,
        ),
    ];
    let tables = ["audit_events", "audit_payloads", "audit_heads"];
    for table in tables {
        client.batch_execute(&format!("create table kept_{table} as table {table}")).await.unwrap();
    }
    for (change, seq, fault) in cases {
        assert_eq!(client.execute(&change, &[]).await.unwrap(), 1, "{change}");
        let report = audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap();
        assert_eq!(report.first_bad, Some(BadLink { seq, fault }), "{change}");
        for table in tables {
            client.batch_execute(&format!("delete from {table}; insert into {table} table kept_{table}")).await.unwrap();
        }
    }
    // A payload that is gone is not a break; what it said can no longer be shown.
    client.batch_execute(&format!("delete from audit_payloads {of} = 2")).await.unwrap();
    let report = audit::verify(&mut scene.relay().await, scene.tenant).await.unwrap();
    assert_eq!((report.payloads_missing, report.first_bad), (1, None));
}

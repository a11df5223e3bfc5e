//! No row crosses tenants, whatever the code above asks for.

use domain::person::Role;
use store::api_key::{self, KeyGrant};
use store::{audit, comment, review, tenant, user, verification};

use crate::scene::Scene;

async fn fill(scene: &Scene, tenant: domain::id::TenantId) {
    let row = scene.accepted_by(tenant).await;
    let mut tx = scene.store.begin(tenant).await.unwrap();
    let outcome = crate::scene::outcome(domain::verdict::Verdict::Insufficient);
    let published = verification::publish_provisional(&mut tx, row.id, 0, &outcome, Some(&crate::scene::new_review())).await.unwrap();
    let review_id = published.review_id.unwrap();
    let store::review::ClaimOutcome::Leased(lease) = store::review::claim(&mut tx, review_id, "ann", 60).await.unwrap() else { panic!() };
    let decision = domain::review::Decision { verdict: domain::verdict::Verdict::Supported, checks: vec![], note: None };
    let new = store::review::NewDecision {
        id: domain::id::DecisionId::new(),
        review_id,
        proof: store::review::Proof::Token(&lease.token),
        generation: lease.generation,
        decision: &decision,
        outcome: &outcome,
        holder: "ann",
    };
    assert!(review::spend(&mut tx, review_id, "ann", vec![]).await.unwrap());
    store::review::decide(&mut tx, &new).await.unwrap();
    let viewer = store::opening::Viewer { actor: "ann", session: "s", ahead: false };
    assert!(store::opening::viewed(&mut tx, viewer, review_id, row.id).await.unwrap());
    let usage = domain::usage::Usage { stage: "read".into(), pages: 1, cpu_seconds: 0.5, bytes: 9 };
    store::usage::append(&mut tx, row.id, &usage, "read:1").await.unwrap();
    store::idempotency::begin(&mut tx, &crate::scene::key("k", 1)).await.unwrap();
    let stage = store::stage::NewStageResult {
        key: store::stage::StageKey { content_hash: &[1; 32], stage: "read", version: "1" },
        object_key: "o",
        content: None,
    };
    let fence = store::stage::Fence { run_id: "r".into(), activity_id: "1".into(), attempt: 1 };
    store::stage::put(&mut tx, &stage, &fence).await.unwrap();
    store::tries::begin(&mut tx, &fence).await.unwrap();
    let grant = KeyGrant { name: "k".into(), scopes: vec![], expires_at: None };
    api_key::create(&mut tx, tenant, &api_key::generate(true), &grant, "operator").await.unwrap();
    review::keep_draft(&mut tx, review_id, "bob", &serde_json::json!({})).await.unwrap();
    comment::add(&mut tx, row.id, None, "ann", "Look twice.").await.unwrap();
    let wanted = domain::policy::Policy { lease_seconds: 60, ..Default::default() };
    store::policy::change(&mut tx, 1, wanted, "ann").await.unwrap();
    tx.commit().await.unwrap();
    let mut relay = scene.relay().await;
    let (id, _) = user::ensure(&mut relay, "ann@example.com", None).await.unwrap();
    user::enlist(&mut relay, tenant, id, "Ann", &[Role::Reviewer], "operator").await.unwrap();
    relay.commit().await.unwrap();
    fill_webhooks(scene, tenant, row.id).await;
}

async fn fill_webhooks(scene: &Scene, tenant: domain::id::TenantId, id: domain::id::VerificationId) {
    let (tenant, id) = (tenant.0, id.0);
    let client = scene.database.connect(&scene.database.service_url).await;
    let inserts = format!(
        "set app.tenant = '{tenant}';
        insert into skips (tenant_id, review_id, lease_generation, actor, target) values ('{tenant}', '{id}', 1, 'ann', 'others');
        insert into webhook_endpoints (tenant_id, id, url, secrets) values ('{tenant}', '{id}', 'https://example.com/', '[]');
        insert into webhook_events (tenant_id, id, type, body) values ('{tenant}', '{id}', 'test', '');
        insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id) values ('{tenant}', '{id}', '{id}', '{id}');
        insert into webhook_attempts (tenant_id, delivery_id, number, at, milliseconds) values ('{tenant}', '{id}', 1, now(), 1);
        insert into corrections (tenant_id, id, verification_id, number, actor, decision, before, outcome)
        values ('{tenant}', '{id}', '{id}', 1, 'ann', '{{}}', '{{}}', '{{}}');"
    );
    client.batch_execute(&inserts).await.unwrap();
}

/// Tables that the service role may read, with the name of the column that holds the tenant.
async fn tables(client: &tokio_postgres::Client) -> Vec<(String, &'static str)> {
    let query = "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm') and has_table_privilege('assay_service', c.oid, 'select') order by 1";
    let rows = client.query(query, &[]).await.unwrap();
    let column = |name: &str| if name == "tenants" { "id" } else { "tenant_id" };
    rows.iter().map(|row| row.get::<_, String>(0)).map(|name| (name.clone(), column(&name))).collect()
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_elses() {
    let Some(scene) = Scene::start().await else { return };
    fill(&scene, scene.tenant).await;
    fill(&scene, scene.other).await;
    let mut client = scene.database.connect(&scene.database.service_url).await;
    let tables = tables(&client).await;
    assert_eq!(tables.len(), 29, "{tables:?}");
    for (table, column) in &tables {
        let count = format!("select count(*) from {table}");
        let all: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
        assert_eq!(all, 0, "{table} without a tenant");
        let foreign = format!("select count(*) from {table} where {column} <> '{}'", scene.tenant.0);
        let transaction = client.transaction().await.unwrap();
        let set = format!("set local app.tenant = '{}'", scene.tenant.0);
        transaction.batch_execute(&set).await.unwrap();
        let own: i64 = transaction.query_one(&count, &[]).await.unwrap().get(0);
        assert!(own > 0, "{table} has rows of this tenant");
        let theirs: i64 = transaction.query_one(&foreign, &[]).await.unwrap().get(0);
        assert_eq!(theirs, 0, "{table} shows another tenant's rows");
        transaction.commit().await.unwrap();
        // The same connection, afterwards: the setting is '' now, not NULL.
        let after: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
        assert_eq!(after, 0, "{table} after a tenant's transaction");
    }
}

#[tokio::test]
async fn a_tenant_changes_nobody_elses_rows() {
    let Some(scene) = Scene::start().await else { return };
    fill(&scene, scene.tenant).await;
    fill(&scene, scene.other).await;
    let mut client = scene.database.connect(&scene.database.service_url).await;
    let set = format!("set local app.tenant = '{}'", scene.tenant.0);
    let privileges = "select column_name::text from information_schema.column_privileges
        where grantee = 'assay_service' and table_name = $1 and privilege_type = 'UPDATE' order by 1 limit 1";
    for (table, column) in tables(&client).await {
        let updatable: Option<String> = client.query_opt(privileges, &[&table]).await.unwrap().map(|row| row.get(0));
        if let Some(field) = updatable {
            let transaction = client.transaction().await.unwrap();
            transaction.batch_execute(&set).await.unwrap();
            let update = format!("update {table} set {field} = {field} where {column} = '{}'", scene.other.0);
            assert_eq!(transaction.execute(&update, &[]).await.unwrap(), 0, "{table} was updated");
        }
        let transaction = client.transaction().await.unwrap();
        transaction.batch_execute(&set).await.unwrap();
        match transaction.execute(&format!("delete from {table} where {column} = '{}'", scene.other.0), &[]).await {
            Ok(deleted) => assert_eq!(deleted, 0, "{table} was deleted from"),
            Err(error) => assert_eq!(error.code().unwrap().code(), "42501", "{table}: {error}"),
        }
        drop(transaction);
        let transaction = client.transaction().await.unwrap();
        transaction.batch_execute(&set).await.unwrap();
        // A row in another tenant's name. Whichever stops it first: no privilege or the policy.
        let insert = match table.as_str() {
            // Its partition is looked for before its policy.
            "usage_entries" => format!("insert into {table} ({column}, accepted_at) values ('{}', now())", scene.other.0),
            _ => format!("insert into {table} ({column}) values ('{}')", scene.other.0),
        };
        let error = transaction.execute(&insert, &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{table}: {error}");
    }
}

#[tokio::test]
async fn every_table_is_protected_and_every_unique_key_starts_with_the_tenant() {
    let Some(scene) = Scene::start().await else { return };
    let client = scene.database.connect(&scene.database.owner_url).await;
    let query = "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity) order by 1";
    let unprotected: Vec<String> = client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(unprotected, ["__diesel_schema_migrations", "partitioned_tables"]);
    let query = "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where n.nspname = 'public' and i.indisunique and a.attname <> 'tenant_id' and c.relrowsecurity order by 1";
    let leaky: Vec<String> = client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    // Tenants are made by operators; their own table is about nothing else. People may belong to several, and no tenant reaches their tables,
    // nor those in which the installation tells of itself.
    assert_eq!(
        leaky,
        [
            "chores_pkey",
            "instances_pkey",
            "sessions_pkey",
            "sign_ins_pkey",
            "task_queues_pkey",
            "tenants_name_key",
            "tenants_pkey",
            "users_by_subject",
            "users_local_email",
            "users_pkey",
            "wrong_passwords_pkey"
        ]
    );
    let query = "select count(*) from pg_roles where rolname in ('assay_service', 'assay_relay') and (rolsuper or rolbypassrls)";
    assert_eq!(client.query_one(query, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn background_work_sees_all_tenants_in_its_own_tables_only() {
    let Some(scene) = Scene::start().await else { return };
    fill(&scene, scene.tenant).await;
    fill(&scene, scene.other).await;
    let client = scene.database.connect(&scene.database.relay_url).await;
    let query = "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and has_table_privilege('assay_relay', c.oid, 'select') order by 1";
    let tables: Vec<String> = client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let needed = [
        "api_keys",
        "audit_events",
        "audit_heads",
        "audit_payloads",
        "chores",
        "idempotency_keys",
        "instances",
        "memberships",
        "outbox",
        "partitioned_tables",
        "sessions",
        "sign_ins",
        "task_queues",
        "tenants",
        "users",
        "verifications",
        "wrong_passwords",
    ];
    assert_eq!(tables, needed);
    let mut relay = scene.relay().await;
    assert_eq!(tenant::list(&mut relay).await.unwrap().len(), 2);
    for tenant in [scene.tenant, scene.other] {
        assert!(audit::verify(&mut relay, tenant).await.unwrap().links > 0);
    }
}

#[tokio::test]
async fn a_key_opens_its_tenant_until_it_is_revoked() {
    let Some(scene) = Scene::start().await else { return };
    let key = api_key::generate(true);
    let grant = KeyGrant { name: "ci".into(), scopes: vec!["verifications:write".into()], expires_at: None };
    let mut relay = scene.relay().await;
    let id = api_key::create(&mut relay, scene.tenant, &key, &grant, "operator").await.unwrap();
    relay.commit().await.unwrap();
    let now = chrono::Utc::now();
    let found = api_key::lookup(&mut scene.relay().await, &key.plain_text).await.unwrap().unwrap();
    assert_eq!((found.id, found.tenant_id, found.is_valid_at(now)), (id, scene.tenant, true));
    assert_eq!(api_key::lookup(&mut scene.relay().await, &api_key::generate(true).plain_text).await.unwrap(), None);

    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert!(!api_key::revoke(&mut foreign, id, "key:x").await.unwrap(), "another tenant's key");
    let mut tx = scene.tx().await;
    assert!(api_key::revoke(&mut tx, id, "key:x").await.unwrap());
    assert!(!api_key::revoke(&mut tx, id, "key:x").await.unwrap(), "only once");
    tx.commit().await.unwrap();
    let found = api_key::lookup(&mut scene.relay().await, &key.plain_text).await.unwrap().unwrap();
    assert!(!found.is_valid_at(chrono::Utc::now() + chrono::Duration::seconds(1)));
}

//! Tenants for tests: one each, so that tests that run side by side never see each other.

use anyhow::{Context, Result};
use app::stack::Stack;
use domain::id::TenantId;
use domain::policy::{Policy, ReviewRule};
use store::Store;
use store::api_key::KeyGrant;

use crate::api::Api;

/// A tenant and a caller with a key that may do everything.
pub struct Tenant {
    pub id: TenantId,
    pub api: Api,
    pub key: String,
}

/// A new tenant under a policy.
pub async fn under(stack: &Stack, policy: &Policy) -> Result<Tenant> {
    let store = store(stack)?;
    let mut tx = store.begin_relay().await?;
    let id = store::tenant::create(&mut tx, &format!("test {}", uuid::Uuid::now_v7()), policy).await?;
    let key = store::api_key::generate(true);
    let grant = KeyGrant { name: "test".to_owned(), scopes: domain::scope::ALL.map(str::to_owned).to_vec(), expires_at: None };
    store::api_key::create(&mut tx, id, &key, &grant, "operator:test").await?;
    tx.commit().await.context("keep a tenant")?;
    let api = Api::new(&stack.endpoints().gateway_url, &key.plain_text)?;
    Ok(Tenant { id, api, key: key.plain_text })
}

/// A new tenant that asks no person.
pub async fn without_review(stack: &Stack) -> Result<Tenant> {
    under(stack, &Policy { review: ReviewRule::Never, ..Policy::default() }).await
}

/// The stack's database, as the gateway reaches it.
pub fn store(stack: &Stack) -> Result<Store> {
    let endpoints = stack.endpoints();
    app::build::store(&app::config::Database {
        url: endpoints.database_service_url.clone(),
        relay_url: endpoints.database_relay_url.clone(),
        pool_size: 2,
    })
}

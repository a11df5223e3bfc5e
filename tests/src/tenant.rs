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

/// A connection that sees the rows of one tenant, for what no API shows.
pub async fn rows(stack: &Stack, tenant: TenantId) -> Result<tokio_postgres::Client> {
    let client = connect(&stack.endpoints().database_service_url).await?;
    client.execute("select set_config('app.tenant', $1, false)", &[&tenant.0.to_string()]).await?;
    Ok(client)
}

/// A connection of the database's owner, for what the server itself says.
pub async fn owner(stack: &Stack) -> Result<tokio_postgres::Client> {
    connect(&stack.endpoints().database_owner_url).await
}

async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.context("connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
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

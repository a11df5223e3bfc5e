//! Transactions: the only way to a row. What they change is recorded with their commit.

use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use domain::id::{Id, TenantId, VerificationId};
use serde::Serialize;

use crate::error::{StoreError, failed_to};

/// The channel on which changes of verifications are told: `tenant uuid:verification uuid:sequence`.
pub(crate) const CHANNEL: &str = "assay_verification";

/// One change of state, for the audit chain and, where it belongs to a verification, for its timeline.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Change {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub actor: String,
    pub subject: String,
    /// JSON text; its bytes are what is hashed.
    pub payload: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_id: Option<uuid::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
}

impl Change {
    /// A change that is no step of a verification.
    pub fn of(kind: &'static str, actor: &str, subject: impl std::fmt::Display, data: serde_json::Value) -> Self {
        // PostgreSQL's text knows no NUL.
        let actor = actor.replace('\0', "");
        Self {
            kind,
            actor,
            subject: subject.to_string().replace('\0', ""),
            payload: data.to_string(),
            verification_id: None,
            sequence: None,
        }
    }

    /// A step of a verification, with its number on the timeline.
    pub fn step(kind: &'static str, actor: &str, id: VerificationId, sequence: i64, data: serde_json::Value) -> Self {
        Self { verification_id: Some(id.uuid()), sequence: Some(sequence), ..Self::of(kind, actor, id, data) }
    }
}

/// An open transaction on a pooled connection. Dropped without a commit, it is rolled back before the connection is used again.
pub struct Transaction {
    connection: Option<Object<AsyncPgConnection>>,
    changes: Vec<(TenantId, Change)>,
    notices: Vec<String>,
}

impl Transaction {
    pub(crate) fn wrap(connection: Object<AsyncPgConnection>) -> Self {
        Self { connection: Some(connection), changes: Vec::new(), notices: Vec::new() }
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(StoreError::Query { doing: "use a transaction", source: "it has ended".into() }),
        }
    }

    /// Closes the connection instead of giving it back.
    pub(crate) fn discard(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }

    pub(crate) fn record(&mut self, tenant: TenantId, change: Change) {
        self.changes.push((tenant, change));
    }

    /// Records the changes and commits, in one message.
    ///
    /// The changes come last because the lock on the tenant's audit head is held from then on: all commits of a tenant queue there.
    async fn commit(mut self, current: Option<TenantId>) -> Result<(), StoreError> {
        let batch = self.commit_batch(current)?;
        let notices = std::mem::take(&mut self.notices);
        let connection = self.connection()?;
        connection.batch_execute(&batch).await.map_err(failed_to("commit"))?;
        metrics::counter!("assay_database_commits_total").increment(1);
        if !notices.is_empty() {
            // Notices follow the commit instead of being part of it: PostgreSQL holds one lock over all databases while a transaction with
            // notices commits, its flush to disk included. A notice that is lost costs a listener one poll.
            let told = connection.batch_execute(&notice_batch(&notices)).await;
            if let Err(error) = told {
                tracing::debug!(error = &error as &dyn std::error::Error, "A notice of a change was not sent");
                self.discard();
            }
        }
        if let Some(connection) = self.connection.take() {
            drop(connection);
        }
        Ok(())
    }

    /// Commits without waiting for the disk. Not counted: no verification pays for it.
    async fn commit_soon(mut self) -> Result<(), StoreError> {
        let batch = self.commit_batch(None)?;
        let connection = self.connection()?;
        connection.batch_execute(&format!("set local synchronous_commit = off; {batch}")).await.map_err(failed_to("commit"))?;
        drop(self.connection.take());
        Ok(())
    }

    fn commit_batch(&mut self, current: Option<TenantId>) -> Result<String, StoreError> {
        // In a transaction that a failed statement has ended, `commit` alone would answer as if it had worked.
        let mut batch = String::from("select 1; ");
        // Heads are locked in the order of their tenants, so that two transactions over several tenants never wait for each other.
        self.changes.sort_by_key(|(tenant, _)| *tenant);
        for group in self.changes.chunk_by(|(a, _), (b, _)| a == b) {
            let tenant = group[0].0;
            if current != Some(tenant) {
                batch.push_str(&format!("select set_config('app.tenant', '{}', true); ", tenant.0));
            }
            let changes: Vec<&Change> = group.iter().map(|(_, change)| change).collect();
            let json =
                serde_json::to_vec(&changes).map_err(|error| StoreError::Query { doing: "record a change", source: error.into() })?;
            // Hexadecimal digits need no quoting.
            batch.push_str(&format!("select record_changes('\\x{}'); ", hex::encode(json)));
        }
        batch.push_str("commit");
        Ok(batch)
    }
}

fn notice_batch(notices: &[String]) -> String {
    // A notice need not survive a crash, so nobody waits for the disk.
    let mut batch = String::from("begin; set local synchronous_commit = off; ");
    for notice in notices {
        // Two UUIDs and a number: nothing to quote.
        batch.push_str(&format!("select pg_notify('{CHANNEL}', '{notice}'); "));
    }
    batch.push_str("commit");
    batch
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if connection.batch_execute("rollback").await.is_err() {
                        drop(Object::take(connection));
                    }
                });
            }
            // Nobody is left to roll it back: closing the connection does.
            Err(_) => drop(Object::take(connection)),
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What both kinds of transaction can do, for the functions that take either.
pub trait AnyTx: sealed::Sealed + Send {
    #[doc(hidden)]
    fn transaction(&mut self) -> &mut Transaction;
}

/// A transaction that sees and changes one tenant's rows.
pub struct TenantTx {
    /// Whose rows.
    pub tenant: TenantId,
    inner: Transaction,
}

impl TenantTx {
    pub(crate) fn new(tenant: TenantId, inner: Transaction) -> Self {
        Self { tenant, inner }
    }

    /// Makes everything that was done here last, together with its links in the audit chain.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit(Some(self.tenant)).await
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        self.inner.connection()
    }

    pub(crate) fn record(&mut self, change: Change) {
        self.inner.record(self.tenant, change);
    }

    /// Tells listeners, once committed, that a verification changed.
    pub(crate) fn notify(&mut self, id: VerificationId, sequence: i64) {
        let notice = format!("{}:{}:{sequence}", self.tenant.0, id.uuid());
        if !self.inner.notices.contains(&notice) {
            self.inner.notices.push(notice);
        }
    }
}

/// A transaction of background work: all tenants, few tables.
pub struct RelayTx {
    inner: Transaction,
}

impl RelayTx {
    pub(crate) fn new(inner: Transaction) -> Self {
        Self { inner }
    }

    /// Makes everything that was done here last.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit(None).await
    }

    /// Like [`Self::commit`], without waiting for the disk: for what is written again in a few seconds anyway. A server that crashes may
    /// forget it, and nothing else.
    pub async fn commit_soon(self) -> Result<(), StoreError> {
        self.inner.commit_soon().await
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        self.inner.connection()
    }

    pub(crate) fn record(&mut self, tenant: TenantId, change: Change) {
        self.inner.record(tenant, change);
    }
}

impl sealed::Sealed for TenantTx {}
impl AnyTx for TenantTx {
    fn transaction(&mut self) -> &mut Transaction {
        &mut self.inner
    }
}
impl sealed::Sealed for RelayTx {}
impl AnyTx for RelayTx {
    fn transaction(&mut self) -> &mut Transaction {
        &mut self.inner
    }
}

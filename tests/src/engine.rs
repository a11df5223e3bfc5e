//! What the Temporal server of a stack knows of a verification.

use anyhow::{Context, Result};
use app::stack::Stack;
use domain::id::{TenantId, VerificationId};
use temporalio_client::{Client, WorkflowCountOptions, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use workflows::search;
use workflows::verification::{VerificationWorkflow, workflow_id};

/// A client of the stack's namespace.
pub async fn client(stack: &Stack) -> Result<Client> {
    let endpoints = stack.endpoints();
    app::temporal::connect(&app::config::Temporal {
        address: endpoints.temporal_address.clone(),
        namespace: endpoints.temporal_namespace.clone(),
        retention_days: 1,
        ui_url: None,
    })
    .await
}

/// The history of the verification's workflow.
pub async fn history(client: &Client, id: &str) -> Result<Vec<HistoryEvent>> {
    let id: VerificationId = id.parse().context("not the id of a verification")?;
    let handle = client.get_workflow_handle::<VerificationWorkflow>(workflow_id(id));
    handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await.context("fetch a history")
}

/// How many workflows of a tenant the server lists. The list lags a moment behind.
pub async fn workflows_of(client: &Client, tenant: TenantId) -> Result<usize> {
    let query = format!("{} = '{tenant}'", search::TENANT.name());
    Ok(client.count_workflows(query, WorkflowCountOptions::default()).await.context("count workflows")?.count())
}

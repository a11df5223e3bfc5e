//! What the measurements share: a tenant that asks no person, a client, the stages in this process, and ways to look at the stack.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use activities::classify::Classifier;
use activities::eval::{Engines, FileReader};
use activities::extract::Extractor;
use activities::reading::{Reader, Sandbox};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use temporalio_client::{Client as TemporalClient, NamespacedClient};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;

use crate::client::Client;
use crate::commands::demo;
use crate::config;
use crate::stack::Stack;

/// A stack with everything at hand that a measurement needs.
pub struct Scene<'a> {
    pub stack: &'a Stack,
    pub client: Client,
    pub temporal: TemporalClient,
    /// The same stages as the workers', without a store or an engine between them.
    pub reader: Arc<dyn FileReader>,
    pub classifier: Arc<dyn Classifier>,
    pub extractor: Arc<dyn Extractor>,
    pub samples: PathBuf,
    pub scratch: PathBuf,
}

impl<'a> Scene<'a> {
    pub async fn set(stack: &'a Stack, samples: &Path) -> Result<Self> {
        let endpoints = stack.endpoints();
        let key = demo::key_without_review(&endpoints.database_service_url, &endpoints.database_relay_url).await?;
        let temporal = config::Temporal {
            address: endpoints.temporal_address.clone(),
            namespace: endpoints.temporal_namespace.clone(),
            retention_days: 1,
            ui_url: None,
        };
        let sandbox = Arc::new(Sandbox::of_this_program().context("find my own program")?);
        let Engines { reader, classifier, extractor } =
            Engines::of_workers(sandbox, Arc::new(Reader::start(1, None).context("start Tesseract")?));
        let scratch = stack.folder().root().join("scratch");
        std::fs::create_dir_all(&scratch).context("make a folder for documents")?;
        Ok(Self {
            stack,
            client: Client::new(&endpoints.gateway_url, &key)?,
            temporal: crate::temporal::connect(&temporal).await?,
            reader,
            classifier,
            extractor,
            samples: samples.to_owned(),
            scratch,
        })
    }

    /// Waits for the first result that satisfies the status.
    pub async fn until(&self, id: &str, done: impl Fn(&Value) -> bool) -> Result<Value> {
        let over = |verification: &Value| matches!(verification["status"].as_str(), Some("failed" | "canceled" | "expired"));
        let verification = self.client.until(id, |verification| done(verification) || over(verification)).await?;
        ensure!(done(&verification), "{id} ended as {}", verification["status"]);
        Ok(verification)
    }

    /// What the history of a verification holds.
    pub async fn history(&self, id: &str) -> Result<History> {
        let mut service = self.temporal.connection().workflow_service();
        let mut token = Vec::new();
        let mut counted = History { events: 0, activities: 0 };
        loop {
            let request = GetWorkflowExecutionHistoryRequest {
                namespace: self.temporal.namespace(),
                execution: Some(WorkflowExecution { workflow_id: format!("verification/{id}"), run_id: String::new() }),
                next_page_token: token,
                ..Default::default()
            };
            let page = service.get_workflow_execution_history(tonic::Request::new(request)).await.context("read a history")?.into_inner();
            for event in page.history.map(|history| history.events).unwrap_or_default() {
                counted.events += 1;
                counted.activities += u32::from(event.event_type() == EventType::ActivityTaskScheduled);
            }
            token = page.next_page_token;
            if token.is_empty() {
                return Ok(counted);
            }
        }
    }

    /// Commits of all roles so far.
    pub async fn commits(&self) -> Result<f64> {
        let mut sum = 0.0;
        for (_, url) in &self.stack.endpoints().ops_urls {
            let page = reqwest::get(format!("{url}/metrics")).await?.text().await?;
            let lines = page.lines().filter_map(|line| line.strip_prefix("assay_database_commits_total "));
            sum += lines.filter_map(|number| number.trim().parse::<f64>().ok()).sum::<f64>();
        }
        Ok(sum)
    }
}

/// The size of a history.
#[derive(Debug, Clone, Copy)]
pub struct History {
    pub events: u32,
    /// Activities that were scheduled; retries add none.
    pub activities: u32,
}

/// Whether there is a result, provisional or final.
pub fn has_result(verification: &Value) -> bool {
    !verification["provisional"].is_null()
}

/// Whether the result is final.
pub fn is_final(verification: &Value) -> bool {
    verification["status"] == "final"
}

/// The middle of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

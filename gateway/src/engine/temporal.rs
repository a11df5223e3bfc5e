//! The engine on Temporal. Connected on first use and again after a loss, so that a gateway starts and answers while Temporal is away.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::id::VerificationId;
use domain::review::Part;
use futures::future::try_join_all;
use opentelemetry::trace::FutureExt as _;
use temporalio_client::NamespacedClient;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError, WorkflowUpdateError};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions, WorkflowExecutionStatus, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::Priority;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeTaskQueueRequest;
use temporalio_common::search_attributes::SearchAttributes;
use tokio::sync::Mutex;
use workflows::contract::Work;
use workflows::delivery::{self, DeliveryInput, DeliveryWorkflow};
use workflows::pool::Pool;
use workflows::search;
use workflows::verification::{DecideReview, EvidenceAdded, LaterPart, LeaseTaken, VerificationInput, VerificationWorkflow, workflow_id};

use super::{
    CancelVerification, DecisionDelivery, Delivered, Engine, EngineError, LeaseChange, MoreEvidence, Queue, StartDelivery,
    StartVerification, Working,
};

/// Any one call. Starting takes milliseconds when Temporal is well, and the relay repeats what was cut off.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A worker that waits for work calls again within a minute; some seconds more for the way, so that none flickers.
const POLLER_SECONDS: i64 = 70;

/// Makes a client; the binary knows how.
pub type Connect =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Client, Box<dyn std::error::Error + Send + Sync>>> + Send>> + Send + Sync>;

/// Temporal behind the engine's trait.
pub struct TemporalEngine {
    connect: Connect,
    client: Mutex<Option<Client>>,
}

impl TemporalEngine {
    pub fn new(connect: Connect) -> Self {
        Self { connect, client: Mutex::new(None) }
    }

    /// The client, made now if there is none. A client that was made reconnects by itself.
    async fn client(&self) -> Result<Client, EngineError> {
        let mut held = self.client.lock().await;
        match &*held {
            Some(client) => Ok(client.clone()),
            None => {
                let client = (self.connect)().await.map_err(EngineError::unavailable)?;
                Ok(held.insert(client).clone())
            }
        }
    }

    async fn handle(&self, id: VerificationId) -> Result<WorkflowHandle<Client, VerificationWorkflow>, EngineError> {
        Ok(self.client().await?.get_workflow_handle::<VerificationWorkflow>(workflow_id(id)))
    }
}

#[async_trait]
impl Engine for TemporalEngine {
    async fn start(&self, start: StartVerification) -> Result<(), EngineError> {
        let parent = parent(start.trace_parent.as_deref());
        within(
            async {
                let options = WorkflowStartOptions::new(Pool::Workflow.task_queue(), workflow_id(start.verification_id))
                    // A verification has one run, whoever starts it and however often.
                    .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
                    .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
                    .search_attributes(SearchAttributes::new([
                        search::TENANT.value_set(start.tenant_id.to_string()),
                        search::CLAIM_TYPE.value_set(start.claim_type.clone()),
                        search::STATUS.value_set("queued".to_owned()),
                        search::LEVEL.value_set("L0".to_owned()),
                    ]))
                    .priority(Priority::builder().priority_key(start.priority.key()).fairness_key(start.tenant_id.to_string()).build())
                    .static_summary(format!("{} with {} files", start.claim_type, start.evidence.len()))
                    .build();
                let work = Work { tenant_id: start.tenant_id, verification_id: start.verification_id };
                let StartVerification { evidence, priority, policy, round, .. } = start;
                let input = VerificationInput { work, evidence, priority, policy, round };
                match self.client().await?.start_workflow(VerificationWorkflow::run, input, options).await {
                    Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
                    Err(error) => Err(EngineError::unavailable(error)),
                }
            }
            .with_context(parent),
        )
        .await
    }

    async fn cancel(&self, cancel: CancelVerification) -> Result<(), EngineError> {
        within(async {
            let handle = self.handle(cancel.verification_id).await?;
            handle.signal(VerificationWorkflow::cancel, (), WorkflowSignalOptions::default()).await.map_err(interaction)
        })
        .await
    }

    async fn decide(&self, decision: DecisionDelivery) -> Result<Delivered, EngineError> {
        within(async {
            let handle = self.handle(decision.verification_id).await?;
            let input = DecideReview { review_id: decision.review_id, decision_id: decision.decision_id };
            // The server knows a repeat by this id.
            let options = WorkflowExecuteUpdateOptions::builder().update_id(decision.decision_id.to_string()).build();
            match handle.execute_update(VerificationWorkflow::decide_review, input, options).await {
                Ok(accepted) => Ok(Delivered { decision_id: accepted.decision_id }),
                Err(WorkflowUpdateError::NotFound(_)) => Err(EngineError::NotFound),
                Err(WorkflowUpdateError::Failed(failure)) => Err(EngineError::Rejected { reason: failure.message.clone() }),
                Err(error) => Err(EngineError::unavailable(error)),
            }
        })
        .await
    }

    async fn lease_changed(&self, lease: LeaseChange) -> Result<(), EngineError> {
        within(async {
            let handle = self.handle(lease.verification_id).await?;
            let LeaseChange { review_id, part, round_id, generation, seconds, .. } = lease;
            let part = (part != Part::First).then(|| LaterPart { number: part.number(), review_id });
            let taken = LeaseTaken { review_id: Some(round_id), generation, seconds, part };
            handle.signal(VerificationWorkflow::lease_taken, taken, WorkflowSignalOptions::default()).await.map_err(interaction)
        })
        .await
    }

    async fn evidence_added(&self, more: MoreEvidence) -> Result<(), EngineError> {
        within(async {
            let handle = self.handle(more.verification_id).await?;
            let added = EvidenceAdded { evidence: more.evidence, round: more.round };
            handle.signal(VerificationWorkflow::evidence_added, added, WorkflowSignalOptions::default()).await.map_err(interaction)
        })
        .await
    }

    async fn start_delivery(&self, start: StartDelivery) -> Result<(), EngineError> {
        within(async {
            let StartDelivery { tenant_id, delivery_id, attempts, by_hand } = start;
            let client = self.client().await?;
            if by_hand {
                let running = client.get_workflow_handle::<DeliveryWorkflow>(delivery::workflow_id(delivery_id));
                match running.signal(DeliveryWorkflow::retry_now, (), WorkflowSignalOptions::default()).await.map_err(interaction) {
                    Err(EngineError::NotFound) => {}
                    told => return told,
                }
            }
            let options = WorkflowStartOptions::new(Pool::Workflow.task_queue(), delivery::workflow_id(delivery_id))
                // What was put back by hand runs again under the same id.
                .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
                .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
                .search_attributes(SearchAttributes::new([search::TENANT.value_set(tenant_id.to_string())]))
                .priority(Priority::builder().fairness_key(tenant_id.to_string()).build())
                .build();
            let input = DeliveryInput { tenant_id, delivery_id, attempts, by_hand };
            match client.start_workflow(DeliveryWorkflow::run, input, options).await {
                Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
                Err(error) => Err(EngineError::unavailable(error)),
            }
        })
        .await
    }

    async fn working(&self, id: VerificationId) -> Result<Working, EngineError> {
        within(async {
            let described = self.handle(id).await?.describe(WorkflowDescribeOptions::default()).await.map_err(interaction)?;
            Ok(match described.status() {
                WorkflowExecutionStatus::Completed
                | WorkflowExecutionStatus::Failed
                | WorkflowExecutionStatus::Canceled
                | WorkflowExecutionStatus::Terminated
                | WorkflowExecutionStatus::TimedOut => Working::Ended,
                _ => Working::Yes,
            })
        })
        .await
    }

    async fn queues(&self) -> Result<Vec<Queue>, EngineError> {
        within(async {
            let client = self.client().await?;
            try_join_all(Pool::ALL.map(|pool| queue(client.clone(), pool))).await
        })
        .await
    }

    async fn ping(&self) -> Result<(), EngineError> {
        within(async {
            let request = tonic::Request::new(temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest {});
            self.client()
                .await?
                .connection()
                .workflow_service()
                .get_system_info(request)
                .await
                .map(|_| ())
                .map_err(EngineError::unavailable)
        })
        .await
    }
}

/// What waits for a pool. That of workflows has two queues under one name: its own tasks, and the activities that ride along.
async fn queue(client: Client, pool: Pool) -> Result<Queue, EngineError> {
    let activities = describe(client.clone(), pool, TaskQueueType::Activity).await?;
    if pool != Pool::Workflow {
        return Ok(activities);
    }
    let workflows = describe(client, pool, TaskQueueType::Workflow).await?;
    Ok(Queue {
        pool: workflows.pool,
        backlog: workflows.backlog + activities.backlog,
        oldest_seconds: workflows.oldest_seconds.max(activities.oldest_seconds),
        // A worker polls both.
        pollers: workflows.pollers.min(activities.pollers),
    })
}

/// What the server says of one task queue.
async fn describe(client: Client, pool: Pool, kind: TaskQueueType) -> Result<Queue, EngineError> {
    let request = DescribeTaskQueueRequest {
        namespace: client.namespace(),
        task_queue: Some(TaskQueue { name: pool.task_queue().to_owned(), ..Default::default() }),
        task_queue_type: kind.into(),
        report_stats: true,
        ..Default::default()
    };
    let answer = client.connection().workflow_service().describe_task_queue(tonic::Request::new(request)).await;
    let answer = answer.map_err(EngineError::unavailable)?.into_inner();
    // The server lists a poller for minutes after its last call; a living one calls at least once a minute.
    let since = chrono::Utc::now().timestamp() - POLLER_SECONDS;
    let living = |poller: &&PollerInfo| poller.last_access_time.as_ref().is_some_and(|at| at.seconds >= since);
    let stats = answer.stats.unwrap_or_default();
    let age = stats.approximate_backlog_age.unwrap_or_default();
    Ok(Queue {
        pool: pool.as_str(),
        backlog: stats.approximate_backlog_count,
        oldest_seconds: age.seconds as f64 + f64::from(age.nanos) / 1e9,
        pollers: answer.pollers.iter().filter(living).count(),
    })
}

fn interaction(error: WorkflowInteractionError) -> EngineError {
    match error {
        WorkflowInteractionError::NotFound(_) => EngineError::NotFound,
        error => EngineError::unavailable(error),
    }
}

async fn within<T>(call: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
    tokio::time::timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|elapsed| Err(EngineError::unavailable(elapsed)))
}

/// The request's place in its trace, so that the workflow continues it, whoever starts it and whenever.
fn parent(trace_parent: Option<&str>) -> opentelemetry::Context {
    let carrier: HashMap<String, String> = trace_parent.map(|value| ("traceparent".to_owned(), value.to_owned())).into_iter().collect();
    opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&carrier))
}

//! One event on its way to one endpoint: attempt, wait, attempt, until it arrives or nothing more is tried.

use std::time::Duration;

use domain::id::{DeliveryId, TenantId};
use serde::{Deserialize, Serialize};
use temporalio_common::Priority;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::workflows::select;
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, TimerOptions, WorkflowCancellationToken, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};

use crate::contract::{Deliver, DeliverActivity, DeliveryEnd, DeliveryStep, NextStep};
use crate::options::{self, DELIVER};

/// What a delivery starts with. The message, the address and the secrets stay in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryInput {
    pub tenant_id: TenantId,
    pub delivery_id: DeliveryId,
    /// Made by earlier runs.
    #[serde(default)]
    pub attempts: u32,
    /// A person ordered the first attempt of this run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// Where a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryResult {
    pub how: DeliveryEnd,
    pub attempts: u32,
}

/// The id of the workflow that carries a delivery.
pub fn workflow_id(delivery_id: DeliveryId) -> String {
    format!("delivery/{delivery_id}")
}

#[workflow]
pub struct DeliveryWorkflow {
    input: DeliveryInput,
    retry_now: bool,
}

#[workflow_methods]
impl DeliveryWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: DeliveryInput) -> Self {
        Self { retry_now: input.by_hand, input }
    }

    #[run(name = "delivery.v1")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DeliveryResult> {
        let mut input = ctx.state(|state| state.input.clone());
        loop {
            let step = attempt(ctx, &input).await?;
            input.attempts = step.attempts;
            match step.next {
                NextStep::Wait { seconds } => wait(ctx, Duration::from_secs(seconds)).await?,
                // Put back by hand while this attempt was under way: whoever did it found us running and started nobody else.
                NextStep::Ended { .. } if ctx.state(|state| state.retry_now) => {}
                NextStep::Ended { how } => return Ok(DeliveryResult { how, attempts: step.attempts }),
            }
            // An endpoint may hold us off for days, a step every few minutes.
            if ctx.continue_as_new_suggested() {
                input.by_hand = ctx.state(|state| state.retry_now);
                ctx.continue_as_new(input.clone(), ContinueAsNewOptions::default())?;
            }
        }
    }

    /// A person wants the next attempt at once.
    #[signal(name = "retry_now")]
    pub fn retry_now(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.retry_now = true;
    }
}

async fn attempt(
    ctx: &WorkflowContext<DeliveryWorkflow>,
    input: &DeliveryInput,
) -> Result<DeliveryStep, temporalio_workflow::ActivityExecutionError> {
    let by_hand = ctx.state_mut(|state| std::mem::take(&mut state.retry_now));
    let number = input.attempts + 1;
    let request = Deliver { tenant_id: input.tenant_id, delivery_id: input.delivery_id, number, by_hand };
    // The tenant is the fairness key, so that one tenant's dead endpoint never holds up another's messages.
    let priority = Priority::builder().fairness_key(input.tenant_id.to_string()).build();
    let options = options::activity(DELIVER, format!("attempt {number}"), priority, ctx.cancellation_token());
    ctx.execute_activity(DeliverActivity, request, options).await
}

/// Waits, unless a person does not want to. Fails only when the run is canceled.
async fn wait(ctx: &WorkflowContext<DeliveryWorkflow>, remaining: Duration) -> Result<(), temporalio_workflow::WorkflowCancellationError> {
    let token: WorkflowCancellationToken = ctx.cancellation_token().child_token();
    let timer = TimerOptions::builder(remaining).cancellation_token(token.clone()).summary("next attempt".to_owned()).build();
    let woken = select! {
        waited = ctx.wait_condition(|state: &DeliveryWorkflow| state.retry_now) => waited,
        _ = ctx.timer(timer) => Ok(()),
    };
    // A timer that lost would live on in the server.
    token.cancel();
    woken
}

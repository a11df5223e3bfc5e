//! Deliveries that go by a script: what each attempt finds, and what was asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use domain::failure::STORE_UNAVAILABLE;
use domain::id::{DeliveryId, TenantId};
use futures::TryStreamExt;
use temporalio_client::{
    Client, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use tokio::sync::Notify;
use workflows::contract::{Deliver, DeliverActivity, DeliveryStep, NextStep};
use workflows::delivery::{DeliveryInput, DeliveryResult, DeliveryWorkflow, workflow_id};

/// What one call of the activity finds.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// An attempt is made.
    Made(NextStep),
    /// An attempt is made, and ends when it is released.
    Slow(NextStep),
    /// The endpoint is to be left alone.
    Held(NextStep),
    /// The database is away.
    Fails,
}

#[derive(Default)]
struct Courier {
    turns: VecDeque<Turn>,
    asked: Vec<Deliver>,
    released: Arc<Notify>,
}

/// The deliveries that the activity workers know.
#[derive(Clone, Default)]
pub(super) struct Couriers(Arc<Mutex<HashMap<DeliveryId, Courier>>>);

impl Couriers {
    fn lock(&self) -> MutexGuard<'_, HashMap<DeliveryId, Courier>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a delivery that goes by a script.
    pub(super) async fn send(&self, client: &Client, queue: &str, turns: &[Turn]) -> Result<Sent> {
        let (tenant_id, delivery_id) = (TenantId::new(), DeliveryId::new());
        self.lock().insert(delivery_id, Courier { turns: turns.iter().copied().collect(), ..Courier::default() });
        let options = WorkflowStartOptions::new(queue, workflow_id(delivery_id)).build();
        let input = DeliveryInput { tenant_id, delivery_id, attempts: 0, by_hand: false };
        client.start_workflow(DeliveryWorkflow::run, input, options).await.context("start a delivery")?;
        let handle = client.get_workflow_handle::<DeliveryWorkflow>(workflow_id(delivery_id));
        Ok(Sent { handle, delivery_id, couriers: self.clone() })
    }
}

/// The activity that delivers, as the script has it.
#[derive(Clone)]
pub struct ScriptedDeliveries {
    couriers: Couriers,
}

impl ScriptedDeliveries {
    pub(super) fn new(couriers: Couriers) -> Self {
        Self { couriers }
    }
}

#[activities]
impl ScriptedDeliveries {
    #[activity(definition = DeliverActivity)]
    pub async fn deliver(self: Arc<Self>, _ctx: ActivityContext, request: Deliver) -> Result<DeliveryStep, ActivityError> {
        let number = request.number;
        let next = {
            let mut couriers = self.couriers.lock();
            let courier = couriers.entry(request.delivery_id).or_default();
            courier.asked.push(request);
            courier.turns.pop_front().map(|turn| (turn, Arc::clone(&courier.released)))
        };
        match next {
            Some((Turn::Made(next), _)) => Ok(DeliveryStep { attempts: number, next }),
            Some((Turn::Slow(next), released)) => {
                released.notified().await;
                Ok(DeliveryStep { attempts: number, next })
            }
            Some((Turn::Held(next), _)) => Ok(DeliveryStep { attempts: number - 1, next }),
            Some((Turn::Fails, _)) => {
                Err(ApplicationFailure::builder("as the script says").type_name(STORE_UNAVAILABLE.to_owned()).build().into())
            }
            None => Err(ApplicationFailure::builder("the script is over").non_retryable(true).build().into()),
        }
    }
}

/// A delivery under way.
pub struct Sent {
    handle: WorkflowHandle<Client, DeliveryWorkflow>,
    delivery_id: DeliveryId,
    couriers: Couriers,
}

impl Sent {
    /// Waits for the end.
    pub async fn result(&self) -> Result<DeliveryResult> {
        self.handle.get_result(WorkflowGetResultOptions::default()).await.context("wait for a delivery's end")
    }

    /// A person wants the next attempt at once.
    pub async fn retry_now(&self) -> Result<()> {
        self.handle.signal(DeliveryWorkflow::retry_now, (), WorkflowSignalOptions::default()).await.context("signal a retry")
    }

    /// Lets the slow attempt end.
    pub fn release(&self) {
        if let Some(courier) = self.couriers.lock().get(&self.delivery_id) {
            courier.released.notify_one();
        }
    }

    /// What the activity was asked for: the number of the attempt, and whether a person asked.
    pub fn asked(&self) -> Vec<(u32, bool)> {
        let couriers = self.couriers.lock();
        couriers
            .get(&self.delivery_id)
            .map_or_else(Vec::new, |courier| courier.asked.iter().map(|request| (request.number, request.by_hand)).collect())
    }

    /// Waits until the history has an event of that type.
    pub async fn until(&self, event_type: EventType) -> Result<()> {
        let mut history = self.handle.fetch_history(WorkflowFetchHistoryOptions::builder().wait_new_event(true).build());
        while let Some(event) = history.try_next().await? {
            if event.event_type() == event_type {
                return Ok(());
            }
        }
        bail!("the delivery ended without {}", event_type.as_str_name())
    }

    /// All events so far.
    pub async fn events(&self) -> Result<Vec<HistoryEvent>> {
        self.handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await.context("fetch a history")
    }
}

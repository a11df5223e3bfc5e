//! Pool `export`: telling a client what happened, one attempt at a time.

use domain::id::{DeliveryId, TenantId};
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

/// Which attempt of which delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    pub tenant_id: TenantId,
    pub delivery_id: DeliveryId,
    /// From 1, over all rounds. One that was made before is not made again.
    pub number: u32,
    /// A person asked for it: an endpoint that wants to be left alone is tried all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// Where the delivery stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStep {
    /// Attempts made so far, over all rounds. Not one more than before where the endpoint was to be left alone.
    pub attempts: u32,
    pub next: NextStep,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum NextStep {
    /// Another attempt after this long.
    Wait { seconds: u64 },
    /// Nothing more.
    Ended { how: DeliveryEnd },
}

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryEnd {
    Delivered,
    /// The endpoint was switched off, by this attempt or before it.
    Disabled,
    /// It was called off.
    Canceled,
    /// The schedule is used up; kept for replaying by hand.
    DeadLetter,
}

pub struct DeliverContract;

#[activity_definitions]
impl DeliverContract {
    /// Makes one attempt and notes how it went.
    #[activity(name = "export.deliver")]
    pub async fn deliver(request: Deliver) -> DeliveryStep {
        unimplemented!()
    }
}

pub use deliver_contract::Deliver as DeliverActivity;

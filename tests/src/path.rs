//! The main paths of a delivery: what each attempt finds, what a person does meanwhile, and what the activity must be asked for.

use anyhow::{Result, ensure};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use workflows::contract::{DeliveryEnd, NextStep};

use crate::scripted::{Engine, Sent, Turn};

/// Long enough that only a signal ends it.
const LONG: NextStep = NextStep::Wait { seconds: 3_600 };
const SHORT: NextStep = NextStep::Wait { seconds: 1 };

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Nothing.
    Waits,
    /// Wants the next attempt while a timer runs.
    RetriesWhileItWaits,
    /// Puts it back while its last attempt is under way.
    RetriesWhileItIsTried,
}

/// One path through the workflow.
#[derive(Clone)]
pub struct Path {
    pub name: &'static str,
    pub turns: Vec<Turn>,
    pub person: Person,
    pub how: DeliveryEnd,
    /// Numbers of the attempts asked for, and whether a person asked.
    pub asked: Vec<(u32, bool)>,
}

/// Every main path.
pub fn all() -> Vec<Path> {
    let ended = |how| NextStep::Ended { how };
    let path = |name, turns, how, asked: &[u32]| Path {
        name,
        turns,
        person: Person::Waits,
        how,
        asked: asked.iter().map(|number| (*number, false)).collect(),
    };
    let delivered = Turn::Made(ended(DeliveryEnd::Delivered));
    let dead = ended(DeliveryEnd::DeadLetter);
    let wait = Turn::Made(SHORT);
    let mut ten = vec![wait; 9];
    ten.push(Turn::Made(dead));
    vec![
        path("delivered", vec![delivered], DeliveryEnd::Delivered, &[1]),
        path("third-time", vec![wait, wait, delivered], DeliveryEnd::Delivered, &[1, 2, 3]),
        path("dead-letter", ten, DeliveryEnd::DeadLetter, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        path("disabled", vec![wait, Turn::Made(ended(DeliveryEnd::Disabled))], DeliveryEnd::Disabled, &[1, 2]),
        path("canceled", vec![wait, Turn::Held(ended(DeliveryEnd::Canceled))], DeliveryEnd::Canceled, &[1, 2]),
        path("held-off", vec![Turn::Held(SHORT), Turn::Held(SHORT), delivered], DeliveryEnd::Delivered, &[1, 1, 1]),
        path("store-away", vec![Turn::Fails, delivered], DeliveryEnd::Delivered, &[1, 1]),
        Path {
            person: Person::RetriesWhileItWaits,
            asked: vec![(1, false), (2, true)],
            ..path("retried", vec![Turn::Made(LONG), delivered], DeliveryEnd::Delivered, &[])
        },
        Path {
            person: Person::RetriesWhileItIsTried,
            asked: vec![(1, false), (2, true)],
            ..path("put-back", vec![Turn::Slow(dead), delivered], DeliveryEnd::Delivered, &[])
        },
    ]
}

impl Path {
    /// Goes the path on a worker of that queue, and holds what happened against what must have happened.
    pub async fn go(&self, engine: &Engine, queue: &str) -> Result<Sent> {
        let sent = engine.deliver(queue, &self.turns).await?;
        match self.person {
            Person::Waits => {}
            Person::RetriesWhileItWaits => {
                sent.until(EventType::TimerStarted).await?;
                sent.retry_now().await?;
            }
            Person::RetriesWhileItIsTried => {
                sent.until(EventType::ActivityTaskScheduled).await?;
                sent.retry_now().await?;
                sent.release();
            }
        }
        let result = sent.result().await?;
        ensure!(result.how == self.how, "{}: ended as {result:?}", self.name);
        ensure!(sent.asked() == self.asked, "{}: asked for {:?}", self.name, sent.asked());
        Ok(sent)
    }
}

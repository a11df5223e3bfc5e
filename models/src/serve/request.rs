//! What callers send, and what they get for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use thiserror::Error;

use super::backend::Fault;

/// Whose item it is; the caller's own number, such as the bits of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(pub u128);

/// How urgent an item is, most urgent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    Urgent,
    High,
    #[default]
    Normal,
    Batch,
}

impl Priority {
    pub(super) const COUNT: usize = 4;

    /// The stable word of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Batch => "batch",
        }
    }
}

/// One item for the model.
#[derive(Clone, Debug)]
pub struct Request<I> {
    pub tenant: Tenant,
    pub priority: Priority,
    /// After this instant the answer is of no use: an item that still waits then is not run.
    pub deadline: Option<Instant>,
    pub input: I,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// The tenant's or all permits are in use. Trying again after `retry_after` can help, earlier it cannot.
    #[error("the model has all it may take, try again in {retry_after:?}")]
    Overloaded { retry_after: Duration },
    /// Trying again cannot help.
    #[error("an item of cost {cost} is larger than the model takes, which is {most}")]
    TooLarge { cost: usize, most: usize },
    #[error("the model is no longer served here")]
    Stopped,
}

/// Why an item that was taken has no output.
#[derive(Clone, Debug, Error)]
pub enum Failed {
    #[error("the deadline passed before the item's turn came")]
    Expired,
    #[error("the model is no longer served here")]
    Stopped,
    /// This very item failed; it was run alone.
    #[error("run the model on the item")]
    Run(#[source] Fault),
    /// This very item made the model panic; it was run alone.
    #[error("the model panicked over the item: {0}")]
    Panicked(String),
    /// The model was lost to a panic and could not be loaded again. The next batch tries anew.
    #[error("load the model again after a panic")]
    Unavailable(#[source] Fault),
}

/// The output to come. Dropping it cancels the item for as long as it waits.
#[must_use = "dropping an answer cancels its item"]
#[derive(Debug)]
pub struct Answer<O>(pub(super) oneshot::Receiver<Result<O, Failed>>);

impl<O> Answer<O> {
    /// Blocks the thread until the output is there; for callers outside async code.
    pub fn wait(self) -> Result<O, Failed> {
        futures::executor::block_on(self)
    }
}

impl<O> Future for Answer<O> {
    type Output = Result<O, Failed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Only a thread that died can have dropped the other end unanswered.
        Pin::new(&mut self.0).poll(context).map(|outcome| outcome.unwrap_or(Err(Failed::Stopped)))
    }
}

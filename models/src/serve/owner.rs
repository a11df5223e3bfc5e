//! The thread that owns a model: loads it, warms it up, runs batches, and halves those that fail until the bad item is alone.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use thiserror::Error;

use super::backend::{Backend, Fault};
use super::metric;
use super::request::Failed;
use super::ring::Waiting;
use super::service::{Item, Ready, Shared, StartError};

/// What went wrong with a batch.
pub(super) enum Trouble {
    Failed(Fault),
    Panicked(String),
    /// There is no model to run it on; halving does not help.
    NoModel(Fault),
}

/// A backend that breaks its promise; the answers cannot be told apart, so none is given.
#[derive(Debug, Error)]
#[error("the model gave {outputs} outputs for {items} items")]
struct Miscounted {
    outputs: usize,
    items: usize,
}

/// A panic while the model was loaded.
#[derive(Debug, Error)]
#[error("it panicked: {0}")]
struct Panic(String);

pub(super) struct Owner<'a, B: Backend> {
    shared: &'a Shared<B>,
    /// None after a panic, until the next batch loads it again.
    model: Option<B::Model>,
}

impl Trouble {
    pub fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
        Self::Panicked(text.unwrap_or_else(|| "no message".to_owned()))
    }

    fn into_fault(self) -> Fault {
        match self {
            Self::Failed(fault) | Self::NoModel(fault) => fault,
            Self::Panicked(text) => Arc::new(Panic(text)),
        }
    }
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failed(fault) => Self::Run(fault),
            Trouble::Panicked(text) => Self::Panicked(text),
            Trouble::NoModel(fault) => Self::Unavailable(fault),
        }
    }
}

impl<'a, B: Backend> Owner<'a, B> {
    /// A model that is loaded and has run every item of its warm-up.
    pub fn start(shared: &'a Shared<B>) -> Result<Self, StartError> {
        let model = caught(|| shared.backend.load()).map_err(|trouble| StartError::Load(trouble.into_fault()))?;
        let mut owner = Self { shared, model: Some(model) };
        let inputs = caught(|| Ok(shared.backend.warm_up())).map_err(|trouble| StartError::WarmUp(trouble.into_fault()))?;
        for input in &inputs {
            let ran = caught(|| shared.backend.pack(&[input])).and_then(|packed| owner.run(packed, 1));
            ran.map_err(|trouble| StartError::WarmUp(trouble.into_fault()))?;
        }
        Ok(owner)
    }

    /// Answers every item of a batch.
    pub fn serve(&mut self, batch: Ready<B>) {
        let Ready { items, packed } = batch;
        let model = self.shared.settings.name;
        if self.shared.is_stopping() {
            return all(items, model, &Failed::Stopped);
        }
        if items.iter().all(|waiting| waiting.content.is_gone()) {
            return items.into_iter().for_each(|waiting| waiting.content.forget(model));
        }
        let began = self.shared.now();
        let useful: usize = items.iter().map(|waiting| waiting.cost).sum();
        let padded = items.iter().map(|waiting| waiting.cost).max().unwrap_or(0) * items.len();
        for waiting in &items {
            let waited = began.saturating_duration_since(waiting.since);
            metrics::histogram!(metric::WAIT_SECONDS, "model" => model, "priority" => waiting.priority.as_str()).record(waited);
        }
        let fill =
            f64::max(padded as f64 / self.shared.settings.batch_cost as f64, items.len() as f64 / self.shared.settings.batch_items as f64);
        metrics::histogram!(metric::FILL, "model" => model).record(fill.min(1.0));
        let outcome = packed.and_then(|packed| self.run(packed, items.len()));
        let is_whole = outcome.is_ok();
        self.settle(items, outcome);
        let took = self.shared.now().saturating_duration_since(began);
        metrics::histogram!(metric::BATCH_SECONDS, "model" => model).record(took);
        if is_whole {
            self.shared.admission.ran(useful, took);
            metrics::counter!(metric::COST, "model" => model, "kind" => "useful").increment(useful as u64);
            metrics::counter!(metric::COST, "model" => model, "kind" => "padding").increment((padded - useful) as u64);
        }
    }

    /// Answers items with what came of running them, after running each half alone if that was trouble.
    fn settle(&mut self, mut items: Vec<Waiting<Item<B>>>, outcome: Result<Vec<B::Output>, Trouble>) {
        let model = self.shared.settings.name;
        match outcome {
            Ok(outputs) => {
                for (waiting, output) in items.into_iter().zip(outputs) {
                    waiting.content.answer(model, Ok(output));
                }
            }
            Err(Trouble::Failed(_) | Trouble::Panicked(_)) if items.len() > 1 => {
                let second = items.split_off(items.len() / 2);
                for half in [items, second] {
                    let outcome = self.shared.pack(&half).and_then(|packed| self.run(packed, half.len()));
                    self.settle(half, outcome);
                }
            }
            Err(trouble) => all(items, model, &trouble.into()),
        }
    }

    fn run(&mut self, packed: B::Packed, items: usize) -> Result<Vec<B::Output>, Trouble> {
        let backend = &self.shared.backend;
        let model = match &mut self.model {
            Some(model) => model,
            none => none.insert(reload(backend, self.shared.settings.name)?),
        };
        let outcome = caught(|| backend.run(model, packed));
        if let Err(Trouble::Panicked(_)) = outcome {
            // Whatever state it is in, it is not used again; not even its end may end this thread.
            let broken = self.model.take();
            let _ = caught(|| {
                drop(broken);
                Ok(())
            });
        }
        let outputs = outcome?;
        if outputs.len() != items {
            return Err(Trouble::Failed(Arc::new(Miscounted { outputs: outputs.len(), items })));
        }
        Ok(outputs)
    }
}

fn reload<B: Backend>(backend: &B, name: &'static str) -> Result<B::Model, Trouble> {
    let model = caught(|| backend.load()).map_err(|trouble| Trouble::NoModel(trouble.into_fault()));
    let outcome = if model.is_ok() { "loaded" } else { "failed" };
    metrics::counter!(metric::RELOADS, "model" => name, "outcome" => outcome).increment(1);
    model
}

fn all<B: Backend>(items: Vec<Waiting<Item<B>>>, model: &'static str, failed: &Failed) {
    for waiting in items {
        waiting.content.answer(model, Err(failed.clone()));
    }
}

/// Runs a backend's code; its panic is an outcome. What it may have left half done is thrown away by whoever called.
fn caught<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(Trouble::Failed),
        Err(panic) => Err(Trouble::panicked(&*panic)),
    }
}

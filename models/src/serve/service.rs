//! The shell around the scheduling core: callers push under one lock, a batcher makes batches ready, the owner of the model runs them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use futures::channel::oneshot;
use thiserror::Error;

use super::admission::{Admission, Permit};
use super::backend::{Backend, Fault};
use super::clock::{Clock, SystemClock};
use super::companions::Room;
use super::metric;
use super::owner::{Owner, Trouble};
use super::queue::{Depth, Next, Queue, Worker};
use super::request::{Answer, Failed, Refused, Request};
use super::ring::Waiting;
use super::settings::{Settings, SettingsError};

/// Batches between the queue and their answers: one that runs and one that is ready. A third would be chosen before it is known what it
/// competes with.
const IN_FLIGHT: usize = 2;

/// Why a model is not served.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("the bounds of the served model")]
    Settings(#[source] SettingsError),
    #[error("start a thread for the model")]
    Thread(#[source] std::io::Error),
    #[error("load the model")]
    Load(#[source] Fault),
    #[error("run the model once to warm it up")]
    WarmUp(#[source] Fault),
}

/// A model that is loaded, warm, and served until this is dropped.
pub struct Service<B: Backend> {
    shared: Arc<Shared<B>>,
    threads: Vec<JoinHandle<()>>,
}

/// Where callers hand in items. Clones serve the same model.
pub struct Handle<B: Backend> {
    shared: Arc<Shared<B>>,
}

/// A caller's side of an item that was admitted.
pub(super) struct Item<B: Backend> {
    pub input: B::Input,
    answer: oneshot::Sender<Result<B::Output, Failed>>,
    permit: Permit,
}

/// A batch on its way to the owner, longest item first.
pub(super) struct Ready<B: Backend> {
    pub items: Vec<Waiting<Item<B>>>,
    pub packed: Result<B::Packed, Trouble>,
}

pub(super) struct Shared<B: Backend> {
    pub backend: B,
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    pub admission: Arc<Admission>,
    state: Mutex<State<B>>,
    /// The batcher waits here, for items and for the owner to be done.
    wake: Condvar,
}

struct State<B: Backend> {
    queue: Queue<Item<B>>,
    in_flight: usize,
    stopping: bool,
}

impl<B: Backend> Service<B> {
    /// Loads the model and warms it up; blocks until it is ready or has failed. The system's clock.
    pub fn start(backend: B, settings: Settings) -> Result<Self, StartError> {
        Self::start_with(backend, settings, Arc::new(SystemClock))
    }

    /// The same with a clock that deadlines are held against.
    pub fn start_with(backend: B, settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        settings.check().map_err(StartError::Settings)?;
        let room = Room { items: settings.batch_items, cost: settings.batch_cost };
        let state = State { queue: Queue::new(room, settings.age_cap), in_flight: 0, stopping: false };
        let admission = Admission::new(settings.tenant_cost, settings.total_cost);
        let name = settings.name;
        let shared = Arc::new(Shared { backend, settings, clock, admission, state: Mutex::new(state), wake: Condvar::new() });
        // Dropped on every way out from here, it stops and joins what was started.
        let mut service = Self { shared: Arc::clone(&shared), threads: Vec::with_capacity(2) };
        // One batch is ready while one runs.
        let (ready, batches) = mpsc::sync_channel(1);
        let (started, is_started) = mpsc::channel();
        let owned = Arc::clone(&shared);
        let owner = Builder::new().name(format!("{name}-owner")).spawn(move || own(&owned, &batches, &started));
        service.threads.push(owner.map_err(StartError::Thread)?);
        match is_started.recv() {
            Ok(outcome) => outcome?,
            Err(_) => return Err(StartError::Thread(std::io::Error::other("the model's thread ended"))),
        }
        let batcher = Builder::new().name(format!("{name}-batcher")).spawn(move || make_batches(&shared, &ready));
        service.threads.push(batcher.map_err(StartError::Thread)?);
        Ok(service)
    }

    pub fn handle(&self) -> Handle<B> {
        Handle { shared: Arc::clone(&self.shared) }
    }

    /// Ends the batch that runs, answers everybody else with `Failed::Stopped`, and waits for the threads. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }

    #[cfg(test)]
    pub(super) fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.shared.admission)
    }
}

impl<B: Backend> Drop for Service<B> {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A panic there was logged by the panic hook, and its guard answered the callers.
            let _ = thread.join();
        }
    }
}

impl<B: Backend> Clone for Handle<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<B: Backend> Handle<B> {
    /// Takes an item or refuses it, at once in either case.
    pub fn submit(&self, request: Request<B::Input>) -> Result<Answer<B::Output>, Refused> {
        let Shared { backend, settings, admission, clock, .. } = &*self.shared;
        let Request { tenant, priority, deadline, input } = request;
        let refused = |reason| metrics::counter!(metric::REFUSED, "model" => settings.name, "reason" => reason).increment(1);
        let cost = backend.length(&input).max(1);
        if cost > settings.item_cost {
            refused("too_large");
            return Err(Refused::TooLarge { cost, most: settings.item_cost });
        }
        let permit = admission.admit(tenant, cost).map_err(|full| {
            refused(full.what);
            Refused::Overloaded { retry_after: full.retry_after }
        })?;
        let (answer, outcome) = oneshot::channel();
        let mut state = self.shared.lock();
        if state.stopping {
            return Err(Refused::Stopped);
        }
        state.queue.push(tenant, priority, cost, clock.now(), deadline, Item { input, answer, permit });
        let depth = state.queue.depth();
        drop(state);
        self.shared.show(depth);
        self.shared.wake.notify_one();
        Ok(Answer(outcome))
    }
}

impl<B: Backend> Item<B> {
    pub fn is_gone(&self) -> bool {
        self.answer.is_canceled()
    }

    pub fn answer(self, model: &'static str, outcome: Result<B::Output, Failed>) {
        let word = match &outcome {
            Ok(_) => "answered",
            Err(Failed::Run(_)) => "failed",
            Err(Failed::Panicked(_)) => "panicked",
            Err(Failed::Unavailable(_)) => "unavailable",
            Err(Failed::Expired) => "expired",
            Err(Failed::Stopped) => "stopped",
        };
        // First, so that a caller who comes back on its answer finds the room that this item had.
        drop(self.permit);
        let word = self.answer.send(outcome).map_or("canceled", |()| word);
        metrics::counter!(metric::ITEMS, "model" => model, "outcome" => word).increment(1);
    }

    /// Lets go of an item that nobody waits for, and of its permit.
    pub fn forget(self, model: &'static str) {
        metrics::counter!(metric::ITEMS, "model" => model, "outcome" => "canceled").increment(1);
    }
}

impl<B: Backend> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        // A panic under the lock ends its thread, and that thread's guard stops the service.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Refuses what comes from now on and answers what waits.
    fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        let waiting = state.queue.drain();
        drop(state);
        self.wake.notify_all();
        self.show(Depth::default());
        for waiting in waiting {
            waiting.content.answer(self.settings.name, Err(Failed::Stopped));
        }
    }

    /// Waits for a batch. None once the service stops.
    fn next_batch(&self) -> Option<Vec<Waiting<Item<B>>>> {
        let model = self.settings.name;
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            let next = match state.in_flight {
                IN_FLIGHT.. => Next::nothing(),
                in_flight => {
                    let worker = if in_flight == 0 { Worker::Idle } else { Worker::Busy };
                    state.queue.next(self.clock.now(), worker, self.admission.pace(), Item::is_gone)
                }
            };
            if next.is_nothing() {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.in_flight += usize::from(!next.batch.is_empty());
            let depth = state.queue.depth();
            drop(state);
            self.show(depth);
            for waiting in next.expired {
                waiting.content.answer(model, Err(Failed::Expired));
            }
            for waiting in next.gone {
                waiting.content.forget(model);
            }
            if !next.batch.is_empty() {
                return Some(next.batch);
            }
            state = self.lock();
        }
    }

    fn show(&self, depth: Depth) {
        metrics::gauge!(metric::DEPTH, "model" => self.settings.name).set(depth.items as f64);
        metrics::gauge!(metric::DEPTH_COST, "model" => self.settings.name).set(depth.cost as f64);
    }

    fn finished(&self) {
        self.lock().in_flight -= 1;
        self.wake.notify_one();
    }

    /// Makes a batch ready. A panic there is the batch's failure like any other.
    pub fn pack(&self, items: &[Waiting<Item<B>>]) -> Result<B::Packed, Trouble> {
        let inputs: Vec<&B::Input> = items.iter().map(|waiting| &waiting.content.input).collect();
        match catch_unwind(AssertUnwindSafe(|| self.backend.pack(&inputs))) {
            Ok(packed) => packed.map_err(Trouble::Failed),
            Err(panic) => Err(Trouble::panicked(&*panic)),
        }
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// Stops the service when its thread ends, however it ends: callers are answered even by a bug of ours.
struct Closing<'a, B: Backend>(&'a Shared<B>);

impl<B: Backend> Drop for Closing<'_, B> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn make_batches<B: Backend>(shared: &Shared<B>, ready: &SyncSender<Ready<B>>) {
    let _closing = Closing(shared);
    while let Some(items) = shared.next_batch() {
        let packed = shared.pack(&items);
        if let Err(unsent) = ready.send(Ready { items, packed }) {
            for waiting in unsent.0.items {
                waiting.content.answer(shared.settings.name, Err(Failed::Stopped));
            }
            return;
        }
    }
}

fn own<B: Backend>(shared: &Shared<B>, batches: &Receiver<Ready<B>>, started: &mpsc::Sender<Result<(), StartError>>) {
    let _closing = Closing(shared);
    let owner = Owner::start(shared);
    let (mut owner, outcome) = match owner {
        Ok(owner) => (Some(owner), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // The receiver waits for this and nothing else.
    let _ = started.send(outcome);
    while let (Some(owner), Ok(batch)) = (&mut owner, batches.recv()) {
        owner.serve(batch);
        shared.finished();
    }
}

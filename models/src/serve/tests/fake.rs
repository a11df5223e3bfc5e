//! A model that does what its items tell it, and waits for the test's word before each batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::serve::{Answer, Backend, Clock, Failed, Fault, Handle, Priority, Refused, Request, Service, Settings, StartError, Tenant};

/// A test that hangs fails after this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an item makes the model do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Gives its id back.
    Echo,
    Fail,
    Panic,
    /// Panics while its batch is made ready.
    PanicInPack,
    /// Makes the model forget an output.
    Forget,
}

#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub id: u32,
    pub length: usize,
    pub does: Does,
}

/// What the model and the batcher did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Loaded,
    Packed(Vec<u32>),
    Began(Vec<u32>),
    Ended(Vec<u32>),
}

pub struct Fake {
    events: Mutex<Sender<Event>>,
    /// One word lets one batch run; when the other end is gone all run freely.
    go: Mutex<Receiver<()>>,
    pub cannot_load: Arc<AtomicBool>,
    pub warm_up: Vec<Order>,
}

#[derive(Debug, thiserror::Error)]
#[error("as told")]
pub struct AsTold;

fn fault() -> Fault {
    Arc::new(AsTold)
}

/// The id of items that warm the model up and wait for nobody's word.
pub const WARM: u32 = u32::MAX;

impl Fake {
    fn tell(&self, event: Event) {
        // The test may be over.
        let _ = self.events.lock().expect("a sender").send(event);
    }
}

impl Backend for Fake {
    type Input = Order;
    type Output = u32;
    type Model = ();
    type Packed = Vec<Order>;

    fn load(&self) -> Result<(), Fault> {
        if self.cannot_load.load(Ordering::SeqCst) {
            return Err(fault());
        }
        self.tell(Event::Loaded);
        Ok(())
    }

    fn length(&self, order: &Order) -> usize {
        order.length
    }

    fn pack(&self, orders: &[&Order]) -> Result<Vec<Order>, Fault> {
        assert!(orders.iter().all(|order| order.does != Does::PanicInPack), "as told in pack");
        self.tell(Event::Packed(ids(orders.iter().copied())));
        Ok(orders.iter().map(|order| **order).collect())
    }

    fn run(&self, (): &mut (), orders: Vec<Order>) -> Result<Vec<u32>, Fault> {
        self.tell(Event::Began(ids(&orders)));
        if orders.iter().all(|order| order.id != WARM) {
            let _ = self.go.lock().expect("a receiver").recv();
        }
        assert!(orders.iter().all(|order| order.does != Does::Panic), "as told");
        if orders.iter().any(|order| order.does == Does::Fail) {
            return Err(fault());
        }
        self.tell(Event::Ended(ids(&orders)));
        Ok(orders.iter().filter(|order| order.does != Does::Forget).map(|order| order.id).collect())
    }

    fn warm_up(&self) -> Vec<Order> {
        self.warm_up.clone()
    }
}

fn ids<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Vec<u32> {
    orders.into_iter().map(|order| order.id).collect()
}

/// A clock that the test moves.
pub struct ManualClock(Mutex<Instant>);

impl ManualClock {
    pub fn advance(&self, by: Duration) {
        *self.0.lock().expect("an instant") += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.0.lock().expect("an instant")
    }
}

pub fn settings() -> Settings {
    Settings {
        name: "fake",
        batch_items: 4,
        batch_cost: 400,
        item_cost: 1_000,
        tenant_cost: 2_000,
        total_cost: 2_000,
        age_cap: Duration::from_secs(10),
    }
}

/// A service with a fake model. The first field goes first, so that a test's end holds no batch up.
pub struct Scene {
    pub go: Option<Sender<()>>,
    pub service: Option<Service<Fake>>,
    pub handle: Handle<Fake>,
    pub clock: Arc<ManualClock>,
    pub cannot_load: Arc<AtomicBool>,
    events: Receiver<Event>,
}

/// Starts a service whose warm-up runs these orders.
pub fn start(settings: Settings, cannot_load: bool, warm_up: Vec<Order>) -> Result<Scene, StartError> {
    let (events, seen) = mpsc::channel();
    let (go, gate) = mpsc::channel();
    let cannot_load = Arc::new(AtomicBool::new(cannot_load));
    let clock = Arc::new(ManualClock(Mutex::new(Instant::now())));
    let fake = Fake { events: Mutex::new(events), go: Mutex::new(gate), cannot_load: Arc::clone(&cannot_load), warm_up };
    let service = Service::start_with(fake, settings, Arc::clone(&clock) as Arc<dyn Clock>)?;
    let handle = service.handle();
    Ok(Scene { go: Some(go), service: Some(service), handle, clock, cannot_load, events: seen })
}

impl Scene {
    /// Each batch waits for `go`.
    pub fn new() -> Self {
        start(settings(), false, Vec::new()).expect("a service")
    }

    /// Batches run as they come.
    pub fn free() -> Self {
        Self { go: None, ..Self::new() }
    }

    pub fn submit(&self, id: u32, does: Does) -> Answer<u32> {
        self.try_submit(id, 10, does, None).expect("room")
    }

    pub fn try_submit(&self, id: u32, length: usize, does: Does, lives: Option<Duration>) -> Result<Answer<u32>, Refused> {
        let deadline = lives.map(|lives| self.clock.now() + lives);
        let input = Order { id, length, does };
        self.handle.submit(Request { tenant: Tenant(1), priority: Priority::Normal, deadline, input })
    }

    /// Submits an item and sees it run, alone and until told otherwise.
    pub fn hold(&self, id: u32) -> Answer<u32> {
        let answer = self.submit(id, Does::Echo);
        self.until(&Event::Began(vec![id]));
        answer
    }

    pub fn go(&self) {
        self.go.as_ref().expect("a gate").send(()).expect("the model");
    }

    /// Lets all batches run as they come.
    pub fn open(&mut self) {
        self.go = None;
    }

    pub fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// What happened up to an event, the event included.
    pub fn until(&self, wanted: &Event) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.event());
            if seen.last() == Some(wanted) {
                return seen;
            }
        }
    }

    /// Everything that happened and was not looked at, once the service has ended.
    pub fn rest(&self) -> Vec<Event> {
        self.events.try_iter().collect()
    }
}

/// The failure of an item by name, or its output.
pub fn outcome(answer: Answer<u32>) -> Result<u32, &'static str> {
    answer.wait().map_err(|failed| match failed {
        Failed::Expired => "expired",
        Failed::Stopped => "stopped",
        Failed::Run(_) => "failed",
        Failed::Panicked(_) => "panicked",
        Failed::Unavailable(_) => "unavailable",
    })
}

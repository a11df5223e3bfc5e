//! Random lives of a queue with its permits, held against what must never happen.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::serve::admission::{Admission, Permit};
use crate::serve::companions::Room;
use crate::serve::pace::Pace;
use crate::serve::queue::{Next, Queue, Worker};
use crate::serve::request::{Priority, Tenant};
use crate::serve::ring::{Shape, Waiting};

const ROOM: Room = Room { items: 5, cost: 600 };
const AGE_CAP: Duration = Duration::from_millis(200);

#[derive(Clone, Debug)]
enum Step {
    Push {
        tenant: u128,
        priority: Priority,
        cost: usize,
        lives_ms: Option<u64>,
    },
    Wait(u64),
    /// A waiting item's receiver is dropped.
    Cancel(prop::sample::Index),
    Next(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop_oneof![Just(Priority::Urgent), Just(Priority::High), Just(Priority::Normal), Just(Priority::Batch)];
    // Few lengths, so that equals meet; some larger than a batch.
    let cost = prop_oneof![4 => 90..110_usize, 2 => 1..10_usize, 1 => 200..210_usize, 1 => 700..702_usize];
    let push = (0..4_u128, priority, cost, prop::option::weighted(0.3, 1..500_u64));
    prop_oneof![
        5 => push.prop_map(|(tenant, priority, cost, lives_ms)| Step::Push { tenant, priority, cost, lives_ms }),
        1 => (0..120_u64).prop_map(Step::Wait),
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => any::<bool>().prop_map(Step::Next),
    ]
}

struct Item {
    id: usize,
    gone: Arc<AtomicBool>,
    _permit: Permit,
}

/// What the test knows of an item that waits.
struct Known {
    tenant: u128,
    priority: Priority,
    cost: usize,
    since: Instant,
    deadline: Option<Instant>,
    gone: Arc<AtomicBool>,
    /// Batches that it may still wait for, once it is past the age cap.
    patience: Option<usize>,
}

struct Life {
    queue: Queue<Item>,
    admission: Arc<Admission>,
    now: Instant,
    /// By id, which grows.
    waiting: BTreeMap<usize, Known>,
    pushed: usize,
    left: usize,
    /// The last item served of a tenant, a priority and a length.
    served: HashMap<(u128, Priority, usize), usize>,
}

impl Life {
    fn new() -> Self {
        Self {
            queue: Queue::new(ROOM, AGE_CAP),
            admission: Admission::new(4_000, 8_000),
            now: Instant::now(),
            waiting: BTreeMap::new(),
            pushed: 0,
            left: 0,
            served: HashMap::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Push { tenant, priority, cost, lives_ms } => self.push(*tenant, *priority, *cost, *lives_ms),
            Step::Wait(ms) => self.now += Duration::from_millis(*ms),
            Step::Cancel(index) if !self.waiting.is_empty() => {
                let position = index.index(self.waiting.len());
                let known = self.waiting.values().nth(position).expect("a position");
                known.gone.store(true, Ordering::Relaxed);
            }
            Step::Cancel(_) => {}
            Step::Next(idle) => self.next(if *idle { Worker::Idle } else { Worker::Busy }),
        }
        let outstanding: usize = self.waiting.values().map(|known| known.cost).sum();
        assert_eq!((self.queue.depth().items, self.queue.depth().cost), (self.waiting.len(), outstanding));
        assert_eq!(self.admission.in_use(), outstanding, "permits are those of what waits");
        assert_eq!(self.pushed, self.waiting.len() + self.left, "nothing is lost");
    }

    fn push(&mut self, tenant: u128, priority: Priority, cost: usize, lives_ms: Option<u64>) {
        let Ok(permit) = self.admission.admit(Tenant(tenant), cost) else {
            return;
        };
        let (id, gone) = (self.pushed, Arc::new(AtomicBool::new(false)));
        let deadline = lives_ms.map(|ms| self.now + Duration::from_millis(ms));
        self.queue.push(Tenant(tenant), priority, cost, self.now, deadline, Item { id, gone: Arc::clone(&gone), _permit: permit });
        self.waiting.insert(id, Known { tenant, priority, cost, since: self.now, deadline, gone, patience: None });
        self.pushed += 1;
    }

    fn next(&mut self, worker: Worker) {
        // Every other batch is for the oldest, so an item past the cap waits for at most two batches per item before it, and two for
        // itself.
        for (before, known) in self.waiting.values_mut().enumerate() {
            if known.patience.is_none() && self.now - known.since >= AGE_CAP {
                known.patience = Some(2 * (before + 1));
            }
        }
        let runnable = self.waiting.values().filter(|known| !self.is_over(known)).count();
        let Next { batch, expired, gone } = self.queue.next(self.now, worker, Pace::default(), |item| item.gone.load(Ordering::Relaxed));
        assert!(worker == Worker::Busy || batch.is_empty() == (runnable == 0), "an idle worker gets work if there is any");
        self.check_limits(&batch, worker);
        let is_batch = !batch.is_empty();
        for waiting in batch {
            let known = self.leave(&waiting);
            assert!(!self.is_over(&known), "item {} was expired or gone", waiting.content.id);
            let last = self.served.insert((known.tenant, known.priority, known.cost), waiting.content.id);
            assert!(last.is_none_or(|last| last < waiting.content.id), "equals overtook each other");
        }
        for waiting in expired.iter().chain(&gone) {
            let known = self.leave(waiting);
            assert!(self.is_over(&known), "item {} could still be run", waiting.content.id);
        }
        for known in self.waiting.values_mut().filter(|_| is_batch) {
            if let Some(patience) = &mut known.patience {
                *patience = patience.checked_sub(1).expect("no item past the cap starves");
            }
        }
    }

    fn check_limits(&self, batch: &[Waiting<Item>], worker: Worker) {
        let Some(longest) = batch.first().map(|waiting| waiting.cost) else {
            return;
        };
        assert!(batch.len() == 1 || (batch.len() <= ROOM.items && longest * batch.len() <= ROOM.cost));
        assert!(batch.is_sorted_by(|before, after| before.cost >= after.cost), "longest first");
        assert!(batch.iter().all(|waiting| Shape::of(waiting.cost) == Shape::of(longest)), "one shape");
        let of_shape = self.waiting.values().filter(|known| Shape::of(known.cost) == Shape::of(longest));
        let (items, cost) = of_shape.fold((0, 0), |(items, cost), known| (items + 1, cost + known.cost));
        assert!(worker == Worker::Idle || items >= ROOM.items || cost >= ROOM.cost, "a busy worker's batch could fill");
    }

    /// Whether an item's deadline has passed or nobody waits for it.
    fn is_over(&self, known: &Known) -> bool {
        known.gone.load(Ordering::Relaxed) || known.deadline.is_some_and(|deadline| deadline <= self.now)
    }

    fn leave(&mut self, waiting: &Waiting<Item>) -> Known {
        self.left += 1;
        self.waiting.remove(&waiting.content.id).expect("an item leaves once")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_overtaken_by_its_equals_or_starved(steps in prop::collection::vec(step(), 1..250)) {
        let mut life = Life::new();
        for step in &steps {
            life.take(step);
        }
        // Whoever waits is served once nothing comes any more, and each batch serves somebody.
        for _ in 0..life.waiting.len() {
            life.take(&Step::Next(true));
        }
        prop_assert!(life.waiting.is_empty() && life.left == life.pushed);
        prop_assert_eq!(life.admission.in_use(), 0);
    }
}

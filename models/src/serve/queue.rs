//! The scheduling core: what waits, and which batch is next. Plain data, driven by the instants that it is given.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::companions::{Room, companions};
use super::pace::Pace;
use super::request::{Priority, Tenant};
use super::ring::{Ring, Shape, Spot, Waiting};

/// Batches' worth of items among which companions are looked for: more gain little less filling and hold the turn of others up.
const WINDOW: usize = 4;
/// A batch is never cut below this part of its room to meet a deadline. With all deadlines near, ever smaller batches would make all of
/// them late.
const LEAST_SHARE: usize = 4;

/// Whether the model waits for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    Idle,
    Busy,
}

/// Everything that waits for one model.
pub(super) struct Queue<T> {
    room: Room,
    age_cap: Duration,
    /// By priority, most urgent first.
    rings: [Ring<T>; Priority::COUNT],
    depth: Depth,
    shapes: HashMap<Shape, Depth>,
    next_number: u64,
    /// The last batch was led by an item past the age cap.
    aged_led: bool,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Depth {
    pub items: usize,
    pub cost: usize,
}

/// What became of waiting items.
pub(super) struct Next<T> {
    /// Longest first; empty where nothing is to be run now.
    pub batch: Vec<Waiting<T>>,
    /// Their deadline passed.
    pub expired: Vec<Waiting<T>>,
    /// Nobody waits for them.
    pub gone: Vec<Waiting<T>>,
}

impl<T> Next<T> {
    pub fn nothing() -> Self {
        Self { batch: Vec::new(), expired: Vec::new(), gone: Vec::new() }
    }

    pub fn is_nothing(&self) -> bool {
        self.batch.is_empty() && self.expired.is_empty() && self.gone.is_empty()
    }
}

impl<T> Queue<T> {
    pub fn new(room: Room, age_cap: Duration) -> Self {
        // A turn is a batch: a smaller one would only be rounded up to it.
        let rings = std::array::from_fn(|_| Ring::new(room.cost));
        Self { room, age_cap, rings, depth: Depth::default(), shapes: HashMap::new(), next_number: 0, aged_led: false }
    }

    pub fn push(&mut self, tenant: Tenant, priority: Priority, cost: usize, since: Instant, deadline: Option<Instant>, content: T) {
        let waiting = Waiting { tenant, priority, cost, since, deadline, number: self.next_number, content };
        self.next_number += 1;
        self.count(&waiting, true);
        self.rings[priority as usize].push(waiting);
    }

    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The next batch. An idle worker gets whatever waits; for a busy one a batch is made ready only once it is full, since until then it
    /// can still fill.
    pub fn next(&mut self, now: Instant, worker: Worker, pace: Pace, is_gone: impl Fn(&T) -> bool) -> Next<T> {
        let any_full = || self.shapes.values().any(|depth| self.fills(*depth));
        if self.depth.items == 0 || (worker == Worker::Busy && !any_full()) {
            return Next::nothing();
        }
        let mut next = self.sweep(now, is_gone);
        let Some((lead, priority, aged)) = self.lead(now) else { return next };
        let full = self.shapes.get(&lead.shape).is_some_and(|depth| self.fills(*depth));
        if worker == Worker::Idle || full {
            self.aged_led = aged;
            next.batch = self.batch(lead, priority, self.room_until(lead.deadline, now, pace));
        }
        next
    }

    /// Takes out everything.
    pub fn drain(&mut self) -> Vec<Waiting<T>> {
        self.remove(|_| true)
    }

    fn fills(&self, depth: Depth) -> bool {
        depth.items >= self.room.items || depth.cost >= self.room.cost
    }

    fn sweep(&mut self, now: Instant, is_gone: impl Fn(&T) -> bool) -> Next<T> {
        let is_expired = |waiting: &Waiting<T>| waiting.deadline.is_some_and(|deadline| deadline <= now);
        let swept = self.remove(|waiting| is_expired(waiting) || is_gone(&waiting.content));
        let (gone, expired) = swept.into_iter().partition(|waiting| is_gone(&waiting.content));
        Next { batch: Vec::new(), expired, gone }
    }

    /// The item that the next batch is for: it is in it whatever its companions are, so nobody is passed by for having an odd length.
    fn lead(&mut self, now: Instant) -> Option<(Spot, usize, bool)> {
        let oldest = self.rings.iter().enumerate().filter_map(|(priority, ring)| Some((ring.oldest()?, priority)));
        let oldest = oldest.min_by_key(|(spot, _)| spot.number);
        // Every other batch at most: where everything is late, priorities and turns still rule half of the time.
        let aged = oldest.filter(|(spot, _)| !self.aged_led && now.saturating_duration_since(spot.since) >= self.age_cap);
        if let Some((spot, priority)) = aged {
            return Some((spot, priority, true));
        }
        self.rings.iter_mut().enumerate().find_map(|(priority, ring)| Some((ring.turn()?, priority, false)))
    }

    /// A batch that would end after its lead's deadline is cut, as far as that makes sense.
    fn room_until(&self, deadline: Option<Instant>, now: Instant, pace: Pace) -> Room {
        let within = deadline.and_then(|deadline| pace.cost_within(deadline.saturating_duration_since(now)));
        let least = self.room.cost.div_ceil(LEAST_SHARE);
        Room { cost: within.map_or(self.room.cost, |cost| cost.clamp(least, self.room.cost)), ..self.room }
    }

    fn batch(&mut self, lead: Spot, lead_priority: usize, room: Room) -> Vec<Waiting<T>> {
        let mut batch: Vec<Waiting<T>> = self.rings[lead_priority].take(&lead).into_iter().collect();
        let (mut seen, mut seen_cost) = (1, lead.cost);
        for ring in &mut self.rings {
            let window = ring.window(lead.shape, |spot| {
                seen += 1;
                seen_cost += spot.cost;
                seen > WINDOW * room.items || seen_cost > WINDOW * room.cost
            });
            let taken: Vec<usize> = batch.iter().map(|waiting| waiting.cost).collect();
            let candidates: Vec<usize> = window.iter().map(|spot| spot.cost).collect();
            let joining = companions(&taken, &candidates, room);
            let all_joined = joining.len() == window.len();
            batch.extend(joining.into_iter().filter_map(|position| ring.take(&window[position])));
            // Less urgent items take no place that a more urgent one was refused.
            if !all_joined {
                break;
            }
        }
        for waiting in &batch {
            self.count(waiting, false);
        }
        batch.sort_by_key(|waiting| (std::cmp::Reverse(waiting.cost), waiting.number));
        batch
    }

    fn remove(&mut self, matches: impl Fn(&Waiting<T>) -> bool) -> Vec<Waiting<T>> {
        let removed: Vec<Waiting<T>> = self.rings.iter_mut().flat_map(|ring| ring.remove(&matches)).collect();
        for waiting in &removed {
            self.count(waiting, false);
        }
        removed
    }

    fn count(&mut self, waiting: &Waiting<T>, comes: bool) {
        let shape = Shape::of(waiting.cost);
        let of_shape = self.shapes.entry(shape).or_default();
        for depth in [&mut self.depth, &mut *of_shape] {
            if comes {
                depth.items += 1;
                depth.cost += waiting.cost;
            } else {
                depth.items -= 1;
                depth.cost -= waiting.cost;
            }
        }
        if of_shape.items == 0 {
            self.shapes.remove(&shape);
        }
    }
}

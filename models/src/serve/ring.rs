//! The waiting items of one priority: tenants in turn by deficit round robin (Shreedhar and Varghese 1995), each with a queue per shape,
//! first in first out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use super::request::{Priority, Tenant};

/// An item that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub tenant: Tenant,
    pub priority: Priority,
    pub cost: usize,
    /// When it was admitted.
    pub since: Instant,
    pub deadline: Option<Instant>,
    /// Grows with every item that is admitted.
    pub number: u64,
    pub content: T,
}

/// Shapes that are kept apart: lengths between two powers of two, so that within a queue at most half of a batch is filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Shape(u32);

impl Shape {
    pub fn of(cost: usize) -> Self {
        Self(cost.max(1).next_power_of_two().trailing_zeros())
    }
}

/// Where an item waits, and what of it counts for choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub tenant: Tenant,
    pub shape: Shape,
    pub number: u64,
    pub cost: usize,
    pub since: Instant,
    pub deadline: Option<Instant>,
}

impl Spot {
    fn of<T>(waiting: &Waiting<T>) -> Self {
        let &Waiting { tenant, cost, number, since, deadline, .. } = waiting;
        Self { tenant, shape: Shape::of(cost), number, cost, since, deadline }
    }
}

pub(super) struct Ring<T> {
    /// Tenants that have items, the next one in front.
    turns: VecDeque<Tenant>,
    lines: HashMap<Tenant, Line<T>>,
    /// Cost that a tenant may take in a turn.
    quantum: i64,
}

/// What one tenant has waiting.
struct Line<T> {
    /// Cost that the tenant may still take in this turn. Below zero after its items kept others company.
    credit: i64,
    /// None is empty.
    queues: BTreeMap<Shape, VecDeque<Waiting<T>>>,
}

/// Turns that a tenant may owe at most. What its items took as companions cost others nothing but filling, so it is not held against it for
/// long.
const MOST_OWED: i64 = 4;

impl<T> Ring<T> {
    pub fn new(quantum: usize) -> Self {
        Self { turns: VecDeque::new(), lines: HashMap::new(), quantum: i64::try_from(quantum.max(1)).unwrap_or(i64::MAX / (MOST_OWED + 1)) }
    }

    pub fn push(&mut self, waiting: Waiting<T>) {
        let line = self.lines.entry(waiting.tenant).or_insert_with(|| {
            self.turns.push_back(waiting.tenant);
            Line { credit: 0, queues: BTreeMap::new() }
        });
        line.queues.entry(Shape::of(waiting.cost)).or_default().push_back(waiting);
    }

    /// The item whose turn it is. Asking again changes nothing, as long as nothing comes or goes.
    pub fn turn(&mut self) -> Option<Spot> {
        loop {
            let line = self.lines.get_mut(self.turns.front()?)?;
            let oldest = line.oldest()?;
            if line.credit >= oldest.cost as i64 {
                return Some(oldest);
            }
            line.credit = line.credit.saturating_add(self.quantum);
            self.turns.rotate_left(1);
        }
    }

    /// The item that has waited longest.
    pub fn oldest(&self) -> Option<Spot> {
        self.lines.values().filter_map(Line::oldest).min_by_key(|spot| spot.number)
    }

    /// Items of a shape in the order in which they would be served: the tenants in turn, one each, until `enough` says so.
    pub fn window(&self, shape: Shape, mut enough: impl FnMut(&Spot) -> bool) -> Vec<Spot> {
        let queues = self.turns.iter().filter_map(|tenant| self.lines.get(tenant)?.queues.get(&shape));
        let mut open: Vec<_> = queues.map(|queue| queue.iter()).collect();
        let mut window = Vec::new();
        while !open.is_empty() {
            let mut still_open = Vec::with_capacity(open.len());
            for mut queue in open {
                if let Some(waiting) = queue.next() {
                    let spot = Spot::of(waiting);
                    if enough(&spot) {
                        return window;
                    }
                    window.push(spot);
                    still_open.push(queue);
                }
            }
            open = still_open;
        }
        window
    }

    /// Takes an item out; its tenant pays for it.
    pub fn take(&mut self, spot: &Spot) -> Option<Waiting<T>> {
        let line = self.lines.get_mut(&spot.tenant)?;
        let queue = line.queues.get_mut(&spot.shape)?;
        let place = queue.binary_search_by_key(&spot.number, |waiting| waiting.number).ok()?;
        let waiting = queue.remove(place)?;
        line.credit = (line.credit - waiting.cost as i64).max(-MOST_OWED * self.quantum);
        if queue.is_empty() {
            line.queues.remove(&spot.shape);
        }
        if line.queues.is_empty() {
            self.leave(spot.tenant);
        }
        Some(waiting)
    }

    /// Takes out all that match, in no particular order; nobody pays.
    pub fn remove(&mut self, matches: impl Fn(&Waiting<T>) -> bool) -> Vec<Waiting<T>> {
        let mut removed = Vec::new();
        for line in self.lines.values_mut() {
            for queue in line.queues.values_mut().filter(|queue| queue.iter().any(&matches)) {
                let (gone, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(queue).into_iter().partition(&matches);
                *queue = kept;
                removed.extend(gone);
            }
            line.queues.retain(|_, queue| !queue.is_empty());
        }
        self.lines.retain(|_, line| !line.queues.is_empty());
        self.turns.retain(|tenant| self.lines.contains_key(tenant));
        removed
    }

    /// A tenant without items keeps neither credit nor debt, else idling would save up turns.
    fn leave(&mut self, tenant: Tenant) {
        self.lines.remove(&tenant);
        self.turns.retain(|other| *other != tenant);
    }
}

impl<T> Line<T> {
    fn oldest(&self) -> Option<Spot> {
        self.queues.values().filter_map(VecDeque::front).min_by_key(|waiting| waiting.number).map(Spot::of)
    }
}

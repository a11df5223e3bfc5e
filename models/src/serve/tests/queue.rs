//! Each rule of the scheduling core by a table or a scene, on instants that are made up.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use Priority::{Batch, Normal, Urgent};

use crate::serve::companions::{Room, companions};
use crate::serve::pace::Pace;
use crate::serve::queue::{Next, Queue, Worker};
use crate::serve::request::{Priority, Tenant};

const ROOM: Room = Room { items: 4, cost: 400 };

struct Scene {
    queue: Queue<u32>,
    now: Instant,
    /// Items that nobody waits for any more.
    gone: HashSet<u32>,
    pace: Pace,
}

impl Scene {
    fn new() -> Self {
        let queue = Queue::new(ROOM, Duration::from_secs(10));
        Self { queue, now: Instant::now(), gone: HashSet::new(), pace: Pace::default() }
    }

    fn push(&mut self, id: u32, tenant: u128, priority: Priority, cost: usize) {
        self.queue.push(Tenant(tenant), priority, cost, self.now, None, id);
    }

    fn push_until(&mut self, id: u32, cost: usize, seconds: u64) {
        self.queue.push(Tenant(0), Normal, cost, self.now, Some(self.now + Duration::from_secs(seconds)), id);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn next(&mut self, worker: Worker) -> Next<u32> {
        self.queue.next(self.now, worker, self.pace, |id| self.gone.contains(id))
    }

    /// The ids of the next batch of an idle worker.
    fn batch(&mut self) -> Vec<u32> {
        self.next(Worker::Idle).batch.into_iter().map(|waiting| waiting.content).collect()
    }

    fn batches(&mut self) -> Vec<Vec<u32>> {
        std::iter::from_fn(|| Some(self.batch()).filter(|batch| !batch.is_empty())).collect()
    }
}

#[test]
fn an_idle_worker_gets_what_there_is_and_a_busy_one_what_is_full() {
    let mut scene = Scene::new();
    assert!(scene.next(Worker::Idle).is_nothing());
    scene.push(1, 0, Normal, 10);
    assert!(scene.next(Worker::Busy).is_nothing());
    assert_eq!(scene.batch(), [1]);
    (2..5).for_each(|id| scene.push(id, 0, Normal, 10));
    assert!(scene.next(Worker::Busy).is_nothing(), "three of four");
    scene.push(5, 0, Normal, 10);
    assert_eq!(scene.next(Worker::Busy).batch.len(), 4, "full by items");
    (6..8).for_each(|id| scene.push(id, 0, Normal, 200));
    assert_eq!(scene.next(Worker::Busy).batch.len(), 2, "full by cost");
    assert_eq!(scene.queue.depth().items, 0);
}

#[test]
fn urgent_items_go_first_and_others_fill_what_they_leave() {
    let mut scene = Scene::new();
    for (id, priority) in [(1, Batch), (2, Normal), (3, Urgent), (4, Normal), (5, Urgent), (6, Batch)] {
        scene.push(id, 0, priority, 10);
    }
    assert_eq!(scene.batches(), [vec![2, 3, 4, 5], vec![1, 6]]);
}

#[test]
fn a_less_urgent_item_takes_no_place_that_an_urgent_one_was_refused() {
    let mut scene = Scene::new();
    // Two of 250 are more than a batch. The normal item would fit beside the first, and make the second urgent one wait longer.
    for (id, priority, cost) in [(1, Urgent, 130), (2, Urgent, 250), (3, Normal, 130)] {
        scene.push(id, 0, priority, cost);
    }
    assert_eq!(scene.batches(), [vec![1], vec![2], vec![3]]);
}

#[test]
fn tenants_take_turns_however_much_one_of_them_sends() {
    let mut scene = Scene::new();
    (0..100).for_each(|id| scene.push(id, 1, Normal, 100));
    (100..103).for_each(|id| scene.push(id, 2, Normal, 100));
    // Another shape, so it cannot come along in the batches of others.
    scene.push(103, 3, Normal, 10);
    let first: HashSet<u32> = (0..4).flat_map(|_| scene.batch()).collect();
    assert!((100..104).all(|id| first.contains(&id)), "{first:?}");
}

#[test]
fn tenants_of_different_shapes_get_the_same_share() {
    let mut scene = Scene::new();
    (0..400).for_each(|id| scene.push(id, 1, Normal, 100));
    (400..1_200).for_each(|id| scene.push(id, 2, Normal, 50));
    let mut cost = [0; 2];
    for _ in 0..60 {
        for id in scene.batch() {
            let (tenant, own) = if id < 400 { (0, 100) } else { (1, 50) };
            cost[tenant] += own;
        }
    }
    let [first, second] = cost.map(f64::from);
    assert!((first - second).abs() <= 800.0, "{first} and {second}");
}

#[test]
fn equal_items_keep_their_order() {
    let mut scene = Scene::new();
    (0..50).for_each(|id| scene.push(id, 0, Normal, 100));
    let order: Vec<u32> = scene.batches().concat();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

#[test]
fn the_item_whose_turn_it_is_chooses_companions_of_its_length_from_the_window() {
    let mut scene = Scene::new();
    for (id, cost) in [(1, 65), (2, 100), (3, 66), (4, 101), (5, 67), (6, 102)] {
        scene.push(id, 0, Normal, cost);
    }
    // 3 x 102 or 4 x 100; the longer ones wait for each other.
    assert_eq!(scene.batches(), [vec![5, 3, 1], vec![6, 4, 2]]);
}

#[test]
fn items_beyond_the_window_are_not_looked_at() {
    // Sixteen items or 1,600 of cost are four batches; these fit by cost. The lead, 128, would like 120 beside it better than 65.
    for (position, joins) in [(15, true), (16, false)] {
        let mut scene = Scene::new();
        scene.push(0, 0, Normal, 128);
        for id in 1..30 {
            scene.push(id, 0, Normal, if id == position { 120 } else { 65 });
        }
        assert_eq!(scene.batch().contains(&position), joins, "{position}");
    }
}

#[test]
fn shapes_are_not_mixed() {
    let mut scene = Scene::new();
    for (id, cost) in [(1, 8), (2, 300), (3, 7), (4, 9), (5, 16)] {
        scene.push(id, 0, Normal, cost);
    }
    assert_eq!(scene.batches(), [vec![1, 3], vec![2], vec![5, 4]]);
}

#[test]
fn an_oversized_item_runs_alone_and_holds_nobody_up() {
    let mut scene = Scene::new();
    for (id, cost) in [(1, 900), (2, 901), (3, 10), (4, 10)] {
        scene.push(id, id.into(), Normal, cost);
    }
    let batches = scene.batches();
    assert!(batches.contains(&vec![1]) && batches.contains(&vec![2]), "{batches:?}");
    assert!(batches[..2].contains(&vec![3, 4]), "small items wait for one turn, not for the large ones: {batches:?}");
}

#[test]
fn an_item_past_the_age_cap_goes_ahead_of_urgent_ones_every_other_time() {
    let mut scene = Scene::new();
    (0..3).for_each(|id| scene.push(id, 1, Batch, 300));
    scene.wait(9);
    (10..20).for_each(|id| scene.push(id, 2, Urgent, 300));
    assert_eq!(scene.batch(), [10], "not yet");
    scene.wait(1);
    assert_eq!((0..5).flat_map(|_| scene.batch()).collect::<Vec<_>>(), [0, 11, 1, 12, 2]);
}

#[test]
fn what_is_expired_or_gone_is_dropped_before_it_takes_a_place() {
    let mut scene = Scene::new();
    scene.push_until(1, 10, 5);
    scene.push_until(2, 10, 6);
    scene.push_until(3, 10, 60);
    scene.push(4, 0, Batch, 1_000);
    scene.push(5, 0, Normal, 10);
    scene.gone.extend([3, 4]);
    scene.wait(5);
    let next = scene.next(Worker::Idle);
    let ids = |waiting: &[crate::serve::ring::Waiting<u32>]| waiting.iter().map(|waiting| waiting.content).collect::<HashSet<_>>();
    assert_eq!(ids(&next.expired), HashSet::from([1]));
    assert_eq!(ids(&next.gone), HashSet::from([3, 4]));
    assert_eq!(ids(&next.batch), HashSet::from([2, 5]));
    assert_eq!(scene.queue.depth().items, 0);
}

#[test]
fn a_batch_is_cut_to_what_its_leads_deadline_allows_but_not_to_crumbs() {
    for (seconds, items) in [(100, 4), (2, 2), (1, 1)] {
        let mut scene = Scene::new();
        // A hundred a second.
        scene.pace.note(100, Duration::from_secs(1));
        scene.push_until(0, 100, seconds);
        (1..4).for_each(|id| scene.push(id, 0, Normal, 100));
        assert_eq!(scene.batch().len(), items, "{seconds}");
    }
    let mut scene = Scene::new();
    scene.pace.note(1, Duration::from_secs(1));
    scene.push_until(0, 25, 1);
    (1..4).for_each(|id| scene.push(id, 0, Normal, 25));
    assert_eq!(scene.batch().len(), 4, "a quarter of a full batch");
}

#[test]
fn companions_waste_little() {
    for (taken, candidates, joining) in [
        // All fit.
        (vec![10], vec![10, 12, 9], vec![0, 1, 2]),
        // The first come first among equals.
        (vec![10], vec![10, 10, 10, 10], vec![0, 1, 2]),
        // Nearer lengths before farther ones.
        (vec![20], vec![11, 19, 12, 18, 20], vec![1, 3, 4]),
        // Filling up to a longer item pays if the batch is fuller for it.
        (vec![100], vec![110, 110], vec![0, 1]),
        // The cost bounds the longest times all.
        (vec![150], vec![200], vec![0]),
        (vec![150], vec![201], vec![]),
        // Of two lengths that fit, the one without filling.
        (vec![150], vec![200, 150], vec![1]),
        // Full, or too large for company.
        (vec![10; 4], vec![10], vec![]),
        (vec![500], vec![300], vec![]),
        (vec![10], vec![], vec![]),
    ] {
        assert_eq!(companions(&taken, &candidates, ROOM), joining, "{taken:?} {candidates:?}");
    }
}

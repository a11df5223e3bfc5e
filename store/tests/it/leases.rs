//! Leases under eight people at once who pause, crash, reload and take over: never two who may decide, no decision lost, no review stuck.
//!
//! Time passes where the test says so, by moving a lease's end into the past; nothing sleeps. `ASSAY_LEASES_SEED` repeats the choices of a run,
//! though not how the database interleaves them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::id::{DecisionId, ReviewId};
use domain::review::{Decision, ReviewStatus};
use domain::verdict::Verdict;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use store::review::{self, ClaimOutcome, DecideOutcome, Lease, NewDecision, Proof, RenewOutcome};

use crate::scene::{Scene, outcome};

const SEED: &str = "ASSAY_LEASES_SEED";
const PEOPLE: u64 = 8;
const STEPS: usize = 10_000;
const REVIEWS: usize = 240;
/// Longer than the test; leases end when it says so.
const LEASE: u64 = 600;

/// What everybody can see.
struct Room {
    scene: Scene,
    reviews: Vec<ReviewId>,
    /// Of each review, the highest generation whose grant was committed.
    granted: HashMap<ReviewId, AtomicI64>,
    /// Every token that was ever handed out.
    tokens: Mutex<Vec<Lease>>,
    /// Decisions whose commit was confirmed.
    decided: Mutex<HashMap<ReviewId, DecisionId>>,
    steps: AtomicUsize,
}

/// One of them.
struct Reviewer {
    room: Arc<Room>,
    name: String,
    chance: StdRng,
    lease: Option<Lease>,
    /// The decision that they mean to submit, the same however often they try.
    intent: DecisionId,
    /// What they typed last, by review.
    typed: HashMap<ReviewId, u64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_people_who_pause_crash_and_reload_never_share_a_review_nor_lose_a_decision() {
    let Some(scene) = Scene::start().await else { return };
    let seed: u64 = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| rand::rng().random::<u32>().into());
    println!("{SEED}={seed} repeats the choices of this run");
    let mut reviews = Vec::new();
    for _ in 0..REVIEWS {
        reviews.push(scene.in_review().await.1);
    }
    let room = Arc::new(Room {
        scene,
        granted: reviews.iter().map(|id| (*id, AtomicI64::new(0))).collect(),
        reviews,
        tokens: Mutex::default(),
        decided: Mutex::default(),
        steps: AtomicUsize::new(0),
    });
    let people = (0..PEOPLE).map(|number| {
        let reviewer = Reviewer {
            room: room.clone(),
            name: format!("reviewer {number}"),
            chance: StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(number)),
            lease: None,
            intent: DecisionId::new(),
            typed: HashMap::new(),
        };
        tokio::spawn(reviewer.work())
    });
    for person in people.collect::<Vec<_>>() {
        person.await.unwrap();
    }
    room.one_token_at_most().await;
    room.nothing_lost_nothing_stuck().await;
}

impl Room {
    /// A generation from before the request: whoever succeeds with an older one had no right to.
    fn floor(&self, id: ReviewId) -> i64 {
        self.granted[&id].load(Ordering::SeqCst)
    }

    fn handed_out(&self, lease: &Lease) {
        self.granted[&lease.review_id].fetch_max(lease.generation, Ordering::SeqCst);
        self.tokens.lock().unwrap().push(lease.clone());
    }

    /// Time passes for the lease of one review, or of all.
    async fn time_passes(&self, id: Option<ReviewId>) {
        let client = self.scene.database.connect(&self.scene.database.service_url).await;
        client.execute("select set_config('app.tenant', $1, false)", &[&self.scene.tenant.0.to_string()]).await.unwrap();
        let text = id.map(|id| id.0.to_string());
        let pass = "update reviews set lease_expires_at = clock_timestamp() - interval '1 second'
            where lease_expires_at is not null and ($1::text is null or id::text = $1)";
        client.execute(pass, &[&text]).await.unwrap();
    }

    async fn one_token_at_most(&self) {
        let mut valid: HashMap<ReviewId, usize> = HashMap::new();
        let tokens = self.tokens.lock().unwrap().clone();
        let mut tx = self.scene.tx().await;
        for lease in &tokens {
            let renewed = review::renew(&mut tx, lease.review_id, Proof::Token(&lease.token), lease.generation, LEASE).await.unwrap();
            if matches!(renewed, RenewOutcome::Held { .. }) {
                *valid.entry(lease.review_id).or_default() += 1;
            }
        }
        assert!(valid.values().all(|count| *count == 1), "{valid:?}");
        assert!(tokens.len() > REVIEWS, "{} leases were taken", tokens.len());
    }

    async fn nothing_lost_nothing_stuck(&self) {
        let decided = self.decided.lock().unwrap().clone();
        let mut open = 0;
        let mut tx = self.scene.tx().await;
        for id in &self.reviews {
            let row = review::get(&mut tx, *id).await.unwrap().unwrap();
            assert_eq!(row.status == ReviewStatus::Decided, decided.contains_key(id), "{id} is {:?}", row.status);
            open += usize::from(row.status.is_open());
        }
        for (review_id, decision_id) in &decided {
            let row = review::decision(&mut tx, *decision_id).await.unwrap().expect("a decision that was confirmed");
            assert_eq!(row.review_id, *review_id);
        }
        drop(tx);
        println!("{} decided, {open} open, {} leases", decided.len(), self.tokens.lock().unwrap().len());
        assert!(!decided.is_empty() && open > 0, "the run proves nothing: {} decided, {open} open", decided.len());
        self.time_passes(None).await;
        let mut tx = self.scene.tx().await;
        let mut drawn = 0;
        while review::claim_next(&mut tx, &format!("late {drawn}"), review::Reach::All, LEASE).await.unwrap().is_some() {
            drawn += 1;
        }
        assert_eq!(drawn, open, "every open review can be drawn by somebody");
    }
}

impl Reviewer {
    async fn work(mut self) {
        while self.room.steps.fetch_add(1, Ordering::SeqCst) < STEPS {
            match self.lease.clone() {
                None => self.take().await,
                Some(lease) => self.go_on(lease).await,
            }
            if self.chance.random_ratio(1, 40) {
                self.timer_rings().await;
            }
        }
    }

    fn some_review(&mut self) -> ReviewId {
        self.room.reviews[self.chance.random_range(0..REVIEWS)]
    }

    /// They sit down to the next one, or follow a link, or are a lead who takes one over.
    async fn take(&mut self) {
        let (some, way) = (self.some_review(), self.chance.random_range(0..10));
        let mut tx = self.room.scene.tx().await;
        let lease = match way {
            0 => leased(review::claim(&mut tx, some, &self.name, LEASE).await.unwrap()),
            1 => leased(review::take_over(&mut tx, some, &self.name, "to see", LEASE).await.unwrap()),
            _ => review::claim_next(&mut tx, &self.name, review::Reach::All, LEASE).await.unwrap(),
        };
        // The instance dies before its commit: nobody got anything.
        if self.chance.random_ratio(1, 30) {
            return;
        }
        tx.commit().await.unwrap();
        if let Some(lease) = lease {
            self.room.handed_out(&lease);
            self.lease = Some(lease);
            self.intent = DecisionId::new();
        }
    }

    async fn go_on(&mut self, lease: Lease) {
        match self.chance.random_range(0..100) {
            0..35 => self.renew(&lease).await,
            35..55 => self.type_something(&lease).await,
            55..70 => self.reload(&lease).await,
            // The laptop closes; when it opens again, the old page is still there.
            70..80 => self.room.time_passes(Some(lease.review_id)).await,
            // The browser is gone for good.
            80..86 => self.lease = None,
            86..94 => self.give_back(&lease).await,
            _ => self.decide(&lease).await,
        }
    }

    async fn renew(&mut self, lease: &Lease) {
        let floor = self.room.floor(lease.review_id);
        let mut tx = self.room.scene.tx().await;
        let renewed = review::renew(&mut tx, lease.review_id, Proof::Token(&lease.token), lease.generation, LEASE).await.unwrap();
        tx.commit().await.unwrap();
        match renewed {
            RenewOutcome::Held { .. } => assert!(lease.generation >= floor, "renewed with {} after {floor}", lease.generation),
            _ => self.lease = None,
        }
    }

    async fn type_something(&mut self, lease: &Lease) {
        let text: u64 = self.chance.random();
        let mut tx = self.room.scene.tx().await;
        review::keep_draft(&mut tx, lease.review_id, &self.name, &json!({ "note": text })).await.unwrap();
        tx.commit().await.unwrap();
        self.typed.insert(lease.review_id, text);
    }

    /// The holder gets the same review back, with what they typed, and the old page's token is worth nothing.
    async fn reload(&mut self, lease: &Lease) {
        let mut tx = self.room.scene.tx().await;
        let again = leased(review::retake(&mut tx, lease.review_id, &self.name, LEASE).await.unwrap());
        let draft = review::draft(&mut tx, lease.review_id, &self.name).await.unwrap();
        let open = review::get(&mut tx, lease.review_id).await.unwrap().unwrap().status.is_open();
        if let Some(typed) = self.typed.get(&lease.review_id).filter(|_| open) {
            assert_eq!(draft, Some(json!({ "note": typed })), "what was typed last is there");
        }
        if again.is_some() {
            let old = review::renew(&mut tx, lease.review_id, Proof::Token(&lease.token), lease.generation, LEASE).await.unwrap();
            assert_eq!(old, RenewOutcome::LeaseLost);
        }
        tx.commit().await.unwrap();
        if let Some(again) = &again {
            self.room.handed_out(again);
        }
        self.lease = again;
    }

    async fn give_back(&mut self, lease: &Lease) {
        let mut tx = self.room.scene.tx().await;
        review::release(&mut tx, lease.review_id, Proof::Token(&lease.token), lease.generation, &self.name).await.unwrap();
        tx.commit().await.unwrap();
        self.lease = None;
    }

    /// Submits; the instance may die before the commit, and a person who saw no answer presses again.
    async fn decide(&mut self, lease: &Lease) {
        let floor = self.room.floor(lease.review_id);
        let decision = Decision { verdict: Verdict::Supported, checks: vec![], note: None };
        let new = NewDecision {
            id: self.intent,
            review_id: lease.review_id,
            proof: Proof::Token(&lease.token),
            generation: lease.generation,
            decision: &decision,
            outcome: &outcome(Verdict::Supported),
            holder: &self.name,
        };
        let mut tx = self.room.scene.tx().await;
        let done = review::decide(&mut tx, &new).await.unwrap();
        if self.chance.random_ratio(1, 5) {
            return;
        }
        tx.commit().await.unwrap();
        match done {
            DecideOutcome::Recorded => {
                assert!(lease.generation >= floor, "decided with {} after {floor}", lease.generation);
                let before = self.room.decided.lock().unwrap().insert(lease.review_id, self.intent);
                assert_eq!(before, None, "{} was decided twice", lease.review_id);
            }
            DecideOutcome::LeaseLost | DecideOutcome::NotOpen(_) => {}
            other => panic!("{other:?}"),
        }
        self.lease = None;
    }

    /// The workflow's timer rings for some lease, late or early.
    async fn timer_rings(&mut self) {
        let id = self.some_review();
        let generation = self.room.floor(id) - i64::from(self.chance.random_ratio(1, 3));
        let mut tx = self.room.scene.tx().await;
        review::expire_lease(&mut tx, id, generation).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn leased(outcome: ClaimOutcome) -> Option<Lease> {
    match outcome {
        ClaimOutcome::Leased(lease) => Some(lease),
        _ => None,
    }
}

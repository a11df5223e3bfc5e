//! Two answers and a third: who may give which, what each does, and that nobody reads an earlier one before it is settled.

use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::review::{Decision, EvidenceRequest, Part, ReviewStatus};
use domain::verdict::Verdict::{self, Refuted, Supported};
use domain::verification::Status;
use serde_json::Value;
use store::outbox::{self, OutboxKind};
use store::review::{self, ClaimOutcome, DecideOutcome, Lease, NewDecision, NewRequest, Proof, QueueCounts, QueueFilter, Reach, ReviewRow};
use store::verification::{self, Finalise, FinaliseOutcome, NewReview};
use store::{audit, comment, event};

use crate::scene::{Scene, new_review, outcome};

/// What no page may show before its time.
const CANARY: &str = "canary of the first answer";

/// A round that wants two answers.
pub async fn double(scene: &Scene) -> (VerificationId, ReviewId) {
    double_due(scene, new_review()).await
}

pub async fn double_due(scene: &Scene, review: NewReview) -> (VerificationId, ReviewId) {
    let id = scene.accepted().await.id;
    let mut tx = scene.tx().await;
    verification::mark_processing(&mut tx, id).await.unwrap();
    let review = NewReview { wanted: 2, ..review };
    let published = verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Insufficient), Some(&review)).await.unwrap();
    tx.commit().await.unwrap();
    (id, published.review_id.unwrap())
}

async fn claim(scene: &Scene, id: ReviewId, holder: &str) -> ClaimOutcome {
    let mut tx = scene.tx().await;
    let claimed = review::claim(&mut tx, id, holder, 300).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

pub async fn lease(scene: &Scene, id: ReviewId, holder: &str) -> Lease {
    let ClaimOutcome::Leased(lease) = claim(scene, id, holder).await else { panic!("{id} is not to be had for {holder}") };
    lease
}

pub async fn answer(scene: &Scene, lease: &Lease, holder: &str, verdict: Verdict) -> DecideOutcome {
    let decision = Decision { verdict, checks: vec![], note: Some(CANARY.into()) };
    let outcome = outcome(verdict);
    let (id, proof) = (DecisionId::new(), Proof::Token(&lease.token));
    let new =
        NewDecision { id, review_id: lease.review_id, proof, generation: lease.generation, decision: &decision, outcome: &outcome, holder };
    let mut tx = scene.tx().await;
    let decided = review::decide(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    decided
}

/// Takes a part and answers.
pub async fn answered(scene: &Scene, id: ReviewId, holder: &str, verdict: Verdict) -> DecideOutcome {
    let lease = lease(scene, id, holder).await;
    answer(scene, &lease, holder, verdict).await
}

/// The parts of the latest round, the last one first.
pub async fn parts(scene: &Scene, id: VerificationId) -> Vec<ReviewRow> {
    review::by_verification(&mut scene.tx().await, id).await.unwrap()
}

async fn open(scene: &Scene, id: VerificationId) -> ReviewId {
    parts(scene, id).await.into_iter().find(|row| row.status.is_open()).unwrap().id
}

async fn orders(scene: &Scene, id: VerificationId, kind: OutboxKind) -> Vec<Value> {
    let due = outbox::claim_due(&mut scene.relay().await, 1_000).await.unwrap();
    due.into_iter().filter(|row| row.kind == kind && row.verification_id == id).map(|row| row.payload).collect()
}

/// A round whose first answer is given, and its second part.
pub async fn half(scene: &Scene) -> (VerificationId, ReviewId, ReviewId) {
    let (id, first) = double(scene).await;
    assert_eq!(answered(scene, first, "ann", Supported).await, DecideOutcome::Answered { next: Part::Second });
    (id, first, open(scene, id).await)
}

#[tokio::test]
async fn two_who_agree_settle_it_and_the_engine_hears_of_the_round_once() {
    let Some(scene) = Scene::start().await else { return };
    let (id, first) = double(&scene).await;
    let before = parts(&scene, id).await.remove(0);
    assert_eq!((before.part, before.wanted, before.round), (Part::First, 2, 1));

    assert_eq!(answered(&scene, first, "ann", Supported).await, DecideOutcome::Answered { next: Part::Second });

    let [second, closed] = <[ReviewRow; 2]>::try_from(parts(&scene, id).await).unwrap();
    assert_eq!((closed.id, closed.status, closed.part), (first, ReviewStatus::Decided, Part::First));
    assert_eq!((second.part, second.wanted, second.round, second.status), (Part::Second, 2, 1, ReviewStatus::Pending));
    assert_eq!((second.due_at, second.expires_at), (before.due_at, before.expires_at), "the promise is for the round");
    assert_eq!(second.blockers, before.blockers);
    assert_eq!(orders(&scene, id, OutboxKind::Decision).await, Vec::<Value>::new(), "nothing follows from half of it");
    assert_eq!(review::settled(&mut scene.tx().await, id).await.unwrap(), None);
    assert_eq!(review::recorded(&mut scene.tx().await, id).await.unwrap(), None);

    let held = lease(&scene, second.id, "bob").await;
    assert_eq!((held.part, held.round_id, held.review_id), (Part::Second, first, second.id));
    let leases = orders(&scene, id, OutboxKind::Lease).await;
    let of =
        |part: i64| leases.iter().find(|order| order["part"] == part).map(|order| (order["review_id"].clone(), order["round_id"].clone()));
    assert_eq!(of(2), Some((second.id.to_string().into(), first.to_string().into())));
    assert_eq!(answer(&scene, &held, "bob", Supported).await, DecideOutcome::Recorded);

    let order = orders(&scene, id, OutboxKind::Decision).await;
    let settled = review::settled(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!(order.len(), 1);
    assert_eq!(order[0]["review_id"], first.to_string(), "the workflow knows the round by its first part");
    assert_eq!(order[0]["decision_id"], settled.to_string());
    let stored = review::decision(&mut scene.tx().await, settled).await.unwrap().unwrap();
    assert_eq!((stored.review_id, stored.holder.as_str()), (second.id, "bob"));
    assert!(parts(&scene, id).await.iter().all(|row| row.status == ReviewStatus::Decided));
    let kinds: Vec<String> = scene.events(id).await.into_iter().map(|(_, kind)| kind).filter(|kind| kind.starts_with("review.")).collect();
    assert_eq!(kinds, ["review.opened", "review.answered", "review.opened", "review.decided"]);
    assert!(audit::verify(&mut scene.tx().await, scene.tenant).await.unwrap().is_whole());
}

#[tokio::test]
async fn where_two_differ_the_word_of_a_third_stands_whatever_it_says() {
    let Some(scene) = Scene::start().await else { return };
    for word in [Supported, Refuted, Verdict::Insufficient] {
        let (id, first, second) = half(&scene).await;
        assert_eq!(answered(&scene, second, "bob", Refuted).await, DecideOutcome::Answered { next: Part::Adjudication });
        assert_eq!(review::recorded(&mut scene.tx().await, id).await.unwrap(), None);
        let third = open(&scene, id).await;
        for one in ["ann", "bob"] {
            assert_eq!(claim(&scene, third, one).await, ClaimOutcome::FourEyes, "{one}");
        }
        assert_eq!(answered(&scene, third, "cat", word).await, DecideOutcome::Recorded);
        let settled = review::settled(&mut scene.tx().await, id).await.unwrap().unwrap();
        let stored = review::decision(&mut scene.tx().await, settled).await.unwrap().unwrap();
        assert_eq!((stored.holder.as_str(), stored.outcome.verdict), ("cat", word));
        assert_eq!(orders(&scene, id, OutboxKind::Decision).await[0]["review_id"], first.to_string());
        let row = parts(&scene, id).await.remove(0);
        let answers = review::answers(&mut scene.tx().await, &row, "somebody").await.unwrap();
        let told: Vec<_> = answers.iter().map(|answer| (answer.part.number(), answer.holder.as_str(), answer.settles)).collect();
        assert_eq!(told, [(1, "ann", false), (2, "bob", false), (3, "cat", true)]);
    }
}

#[tokio::test]
async fn the_database_itself_refuses_one_person_twice_in_a_round_and_a_second_word() {
    let Some(scene) = Scene::start().await else { return };
    let (_, _, second) = half(&scene).await;
    let client = scene.database.connect(&scene.database.service_url).await;
    client.execute("select set_config('app.tenant', $1, false)", &[&scene.tenant.0.to_string()]).await.unwrap();
    let again = |holder: &str, settles: bool| {
        format!(
            "insert into decisions (tenant_id, id, review_id, verification_id, holder, lease_generation, decision, outcome, round, part, settles)
            select tenant_id, '{}', id, verification_id, '{holder}', 1, '{{}}', '{{}}', round, part, {settles} from reviews where id = '{}'",
            DecisionId::new().0, second.0
        )
    };
    let refused = client.batch_execute(&again("ann", false)).await.unwrap_err();
    assert_eq!(refused.as_db_error().and_then(|error| error.constraint()), Some("decisions_four_eyes"));
    let changed = client.batch_execute("update decisions set settles = true").await.unwrap_err();
    assert!(changed.as_db_error().is_some_and(|error| error.code().code() == "42501"), "{changed}");
    client.batch_execute(&again("bob", true)).await.unwrap();
    let third = "with third as (
            insert into reviews (tenant_id, id, verification_id, round, part, wanted, status, blockers, due_at, expires_at)
            select tenant_id, gen_random_uuid(), verification_id, round, 3, 2, 'pending', '[]', now(), now() from reviews where part = 2
            returning *
        ) insert into decisions (tenant_id, id, review_id, verification_id, holder, lease_generation, decision, outcome, round, part, settles)
        select tenant_id, gen_random_uuid(), id, verification_id, 'cat', 1, '{}', '{}', round, part, true from third";
    let twice = client.batch_execute(third).await.unwrap_err();
    let constraint = twice.as_db_error().and_then(|error| error.constraint().map(str::to_owned));
    // The new review is not there yet for the foreign key, which is looked at after the index.
    assert_eq!(constraint.as_deref(), Some("decisions_settled"), "{twice}");
}

#[tokio::test]
async fn a_lease_got_by_a_slip_does_not_make_one_person_two() {
    let Some(scene) = Scene::start().await else { return };
    let (id, first, second) = half(&scene).await;
    let held = lease(&scene, second, "bob").await;
    // As if a bug had given it to the one who answered.
    let client = scene.database.connect(&scene.database.service_url).await;
    client.execute("select set_config('app.tenant', $1, false)", &[&scene.tenant.0.to_string()]).await.unwrap();
    client.batch_execute(&format!("update reviews set lease_holder = 'ann' where id = '{}'", second.0)).await.unwrap();
    let before = (scene.events(id).await, scene.row(id).await.version, parts(&scene, id).await);
    assert_eq!(answer(&scene, &held, "ann", Refuted).await, DecideOutcome::FourEyes);
    assert_eq!((scene.events(id).await, scene.row(id).await.version, parts(&scene, id).await), before, "nothing is half written");
    assert_eq!(review::settled(&mut scene.tx().await, id).await.unwrap(), None);
    let row = review::get(&mut scene.tx().await, first).await.unwrap().unwrap();
    assert!(review::has_answered(&mut scene.tx().await, &row, "ann").await.unwrap());
    assert!(!review::has_answered(&mut scene.tx().await, &row, "bob").await.unwrap());
}

#[tokio::test]
async fn who_answered_neither_finds_nor_gets_the_other_parts() {
    let Some(scene) = Scene::start().await else { return };
    let (id, _, second) = half(&scene).await;
    let mut tx = scene.tx().await;
    assert_eq!(review::claim(&mut tx, second, "ann", 300).await.unwrap(), ClaimOutcome::FourEyes);
    assert_eq!(review::retake(&mut tx, second, "ann", 300).await.unwrap(), ClaimOutcome::FourEyes);
    assert_eq!(review::take_over(&mut tx, second, "ann", "in a hurry", 300).await.unwrap(), ClaimOutcome::FourEyes);
    assert_eq!(review::claim_next(&mut tx, "ann", Reach::All, 300).await.unwrap(), None);
    let queue = |viewer: Option<&str>| QueueFilter { viewer: viewer.map(str::to_owned), limit: 10, ..QueueFilter::default() };
    let seen = async |viewer| {
        let items = review::queue(&mut scene.tx().await, &queue(viewer)).await.unwrap();
        items.into_iter().map(|item| (item.id, item.part)).collect::<Vec<_>>()
    };
    assert_eq!(seen(Some("ann")).await, []);
    assert_eq!((seen(Some("bob")).await, seen(None).await), (vec![(second, Part::Second)], vec![(second, Part::Second)]));
    let one = QueueCounts { waiting: 1, ..QueueCounts::default() };
    assert_eq!(review::counts(&mut tx, "ann").await.unwrap(), QueueCounts::default());
    assert_eq!(review::counts(&mut tx, "bob").await.unwrap(), one);
    let tally = review::tally(&mut tx).await.unwrap();
    assert_eq!((tally.of("ann"), tally.of("bob")), (QueueCounts::default(), one));
    tx.commit().await.unwrap();
    let next = review::claim_next(&mut scene.tx().await, "bob", Reach::Own, 300).await.unwrap().unwrap();
    assert_eq!(next.review_id, second);
    // Another verification is theirs as ever.
    let (_, other) = scene.in_review().await;
    assert_eq!(review::claim_next(&mut scene.tx().await, "ann", Reach::Own, 300).await.unwrap().unwrap().review_id, other);
    assert_eq!(parts(&scene, id).await.len(), 2);
}

#[tokio::test]
async fn nothing_of_an_answer_is_read_before_its_round_is_settled() {
    let Some(scene) = Scene::start().await else { return };
    let (id, first, second) = half(&scene).await;
    let mut tx = scene.tx().await;
    comment::add(&mut tx, id, None, "ann", CANARY).await.unwrap();
    comment::add(&mut tx, id, None, "bob", "by bob").await.unwrap();
    tx.commit().await.unwrap();
    let row = parts(&scene, id).await.remove(0);
    let answers = async |viewer: &str| review::answers(&mut scene.tx().await, &row, viewer).await.unwrap().len();
    let comments = async |viewer: &str| {
        let listed = comment::list(&mut scene.tx().await, id, viewer).await.unwrap();
        listed.into_iter().map(|comment| comment.author).collect::<Vec<_>>()
    };
    let timeline = async || format!("{:?}", event::list(&mut scene.tx().await, id, 0, 100).await.unwrap());

    lease(&scene, second, "bob").await;
    for viewer in ["ann", "bob", "cat"] {
        assert_eq!(answers(viewer).await, 0, "{viewer}");
    }
    assert_eq!(comments("bob").await, ["bob"]);
    assert_eq!(comments("cat").await, ["bob"]);
    assert_eq!(comments("ann").await, ["ann", "bob"], "one's own words are no news");
    let told = timeline().await;
    for word in [CANARY, "supported", "decision_sha256", "dec_"] {
        assert!(!told.contains(word), "{word}: {told}");
    }
    assert_eq!(review::draft(&mut scene.tx().await, first, "bob").await.unwrap(), None);
    // The proof of it is in the chain.
    let chain = audit::export(&mut scene.tx().await, scene.tenant, 0, 1_000).await.unwrap();
    assert!(
        chain
            .iter()
            .any(|link| link.event_type == "decision.recorded"
                && link.payload.as_deref().is_some_and(|text| text.contains("decision_sha256")))
    );

    // The adjudicator sees both, and only while the part is theirs.
    let mut tx = scene.tx().await;
    let ClaimOutcome::Leased(held) = review::retake(&mut tx, second, "bob", 300).await.unwrap() else { panic!() };
    tx.commit().await.unwrap();
    assert_eq!(answer(&scene, &held, "bob", Refuted).await, DecideOutcome::Answered { next: Part::Adjudication });
    let third = open(&scene, id).await;
    assert_eq!((answers("cat").await, answers("bob").await, comments("cat").await), (0, 0, vec![]));
    let held = lease(&scene, third, "cat").await;
    assert_eq!((answers("cat").await, answers("ann").await, answers("bob").await), (2, 0, 0));
    assert_eq!((comments("cat").await.len(), comments("dan").await.len()), (2, 0));
    assert!(!timeline().await.contains("supported"));
    assert_eq!(answer(&scene, &held, "cat", Supported).await, DecideOutcome::Recorded);
    assert_eq!((answers("dan").await, comments("dan").await.len()), (3, 2), "settled, so there is nothing to hide");
}

#[tokio::test]
async fn who_escalated_one_does_not_draw_it_again() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let mut tx = scene.tx().await;
    assert!(review::escalate(&mut tx, id, "ann", "hard").await.unwrap());
    tx.commit().await.unwrap();
    let row = review::get(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!(row.escalated_by.as_deref(), Some("ann"));
    for (holder, reach, gets) in
        [("ann", Reach::All, false), ("ann", Reach::Own, false), ("bob", Reach::Own, false), ("bob", Reach::All, true)]
    {
        let next = review::claim_next(&mut scene.tx().await, holder, reach, 300).await.unwrap();
        assert_eq!(next.is_some(), gets, "{holder} {reach:?}");
    }
    assert!(matches!(claim(&scene, id, "ann").await, ClaimOutcome::Leased(_)), "by its id they can");
}

#[tokio::test]
async fn one_answer_is_none_when_the_time_is_over_or_it_is_called_off() {
    let Some(scene) = Scene::start().await else { return };
    let expired = Finalise::Expired { outcome: outcome(Verdict::Insufficient) };
    let canceled = Finalise::Canceled { reason: "requested".into() };
    for (how, status, part) in [(expired, Status::Expired, ReviewStatus::Expired), (canceled, Status::Canceled, ReviewStatus::Canceled)] {
        let (id, _, second) = half(&scene).await;
        let held = lease(&scene, second, "bob").await;
        let mut tx = scene.tx().await;
        assert_eq!(review::recorded(&mut tx, id).await.unwrap(), None);
        assert_eq!(verification::finalise(&mut tx, id, &how).await.unwrap(), FinaliseOutcome::Done);
        tx.commit().await.unwrap();
        assert_eq!(scene.row(id).await.status, status);
        let rows = parts(&scene, id).await;
        assert_eq!((rows[0].status, rows[1].status), (part, ReviewStatus::Decided));
        assert_eq!(answer(&scene, &held, "bob", Supported).await, DecideOutcome::NotOpen(part));
        let kept = review::answers(&mut scene.tx().await, &rows[0], "auditor").await.unwrap();
        assert_eq!(kept.iter().map(|answer| (answer.holder.as_str(), answer.settles)).collect::<Vec<_>>(), [("ann", false)]);
    }
}

#[tokio::test]
async fn who_asks_for_evidence_ends_the_round_and_the_next_begins_at_its_first_part() {
    let Some(scene) = Scene::start().await else { return };
    let (id, first, second) = half(&scene).await;
    let held = lease(&scene, second, "bob").await;
    let request = EvidenceRequest { text: "The second page".into(), fields: vec![] };
    let proof = Proof::Token(&held.token);
    let mut tx = scene.tx().await;
    let new = NewRequest { review_id: second, proof, generation: held.generation, holder: "bob", request: &request };
    assert_eq!(review::ask(&mut tx, &new).await.unwrap(), DecideOutcome::Recorded);
    tx.commit().await.unwrap();
    let file = scene.evidence(scene.tenant, b"the second page").await;
    let mut tx = scene.tx().await;
    verification::add_evidence(&mut tx, id, &[file], "key:test").await.unwrap();
    let review = NewReview { wanted: 2, ..new_review() };
    let published = verification::publish_provisional(&mut tx, id, 1, &outcome(Refuted), Some(&review)).await.unwrap();
    tx.commit().await.unwrap();
    let again = published.review_id.unwrap();
    let late = verification::publish_provisional(&mut scene.tx().await, id, 0, &outcome(Refuted), Some(&review)).await.unwrap();
    assert_eq!((late.already, late.review_id), (true, Some(first)), "a late try is told of its round's first part");
    let rows: Vec<_> = parts(&scene, id).await.iter().map(|row| (row.round, row.part.number(), row.status)).collect();
    assert_eq!(rows, [(2, 1, ReviewStatus::Pending), (1, 2, ReviewStatus::Asked), (1, 1, ReviewStatus::Decided)]);
    // A new round, new eyes: those of before may look again.
    assert_eq!(answered(&scene, again, "ann", Refuted).await, DecideOutcome::Answered { next: Part::Second });
    assert_eq!(answered(&scene, open(&scene, id).await, "bob", Refuted).await, DecideOutcome::Recorded);
}

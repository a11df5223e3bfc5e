//! What is measured of reviews: believed times, what became of answers, and the figures made of both.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::blocker::Blocker;
use domain::id::{DecisionId, ReviewId, TenantId, VerificationId};
use domain::measure::{Figures, Span, Spent, Work};
use domain::review::Decision;
use domain::verdict::Verdict::{self, Insufficient, Refuted, Supported};
use domain::verification::Status;
use serde_json::json;
use store::review::{self, DecideOutcome, Lease, NewDecision, Proof};
use store::verification::{self, CorrectOutcome, Finalise, NewCorrection, NewReview};
use store::work::{self, Overturned};
use store::{comment, figures};

use crate::desk::{lease, take_over};
use crate::scene::{Scene, new_review, outcome};

/// A review that wants so many answers, opened for these reasons.
async fn wanting(scene: &Scene, wanted: u8, blockers: Vec<Blocker>) -> (VerificationId, ReviewId) {
    let id = scene.accepted().await.id;
    let mut tx = scene.tx().await;
    verification::mark_processing(&mut tx, id).await.unwrap();
    let new = NewReview { wanted, blockers, ..new_review() };
    let published = verification::publish_provisional(&mut tx, id, 0, &outcome(Insufficient), Some(&new)).await.unwrap();
    tx.commit().await.unwrap();
    (id, published.review_id.unwrap())
}

/// Takes a review and answers it.
async fn answer(scene: &Scene, id: ReviewId, holder: &str, verdict: Verdict) -> DecideOutcome {
    let lease = lease(scene, id, holder, 300).await;
    answer_under(scene, &lease, holder, verdict).await
}

async fn answer_under(scene: &Scene, lease: &Lease, holder: &str, verdict: Verdict) -> DecideOutcome {
    let (decision, outcome) = (Decision { verdict, checks: vec![], note: None }, outcome(verdict));
    let (id, review_id, proof, generation) = (DecisionId::new(), lease.review_id, Proof::Holder(holder), lease.generation);
    let new = NewDecision { id, review_id, proof, generation, decision: &decision, outcome: &outcome, holder };
    let mut tx = scene.tx().await;
    let done = review::decide(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    done
}

/// The part of a verification's round that is open.
async fn open_part(scene: &Scene, of: VerificationId) -> ReviewId {
    let rows = review::by_verification(&mut scene.tx().await, of).await.unwrap();
    rows.into_iter().find(|row| row.status.is_open()).unwrap().id
}

async fn end(scene: &Scene, of: VerificationId, verdict: Verdict) {
    let mut tx = scene.tx().await;
    let decision_id = review::settled(&mut tx, of).await.unwrap().unwrap();
    verification::finalise(&mut tx, of, &Finalise::Reviewed { decision_id, outcome: outcome(verdict) }).await.unwrap();
    tx.commit().await.unwrap();
}

async fn correct(scene: &Scene, of: VerificationId, seen: u32, to: Verdict) {
    let (decision, to) = (Decision { verdict: to, checks: vec![], note: None }, outcome(to));
    let new = NewCorrection { id: DecisionId::new(), seen, decision: &decision, outcome: &to, actor: "user:lead" };
    let mut tx = scene.tx().await;
    assert_eq!(verification::correct(&mut tx, of, &new).await.unwrap(), CorrectOutcome::Corrected);
    tx.commit().await.unwrap();
}

async fn sql(scene: &Scene, tenant: TenantId, statements: &str) {
    let client = scene.database.connect(&scene.database.owner_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'; {statements}", tenant.0)).await.unwrap();
}

fn spent(place: &str, active: i64, open: i64) -> Spent {
    Spent { place: place.to_owned(), active, open }
}

async fn spend(scene: &Scene, id: ReviewId, actor: &str, reported: &[Spent]) -> bool {
    let mut tx = scene.tx().await;
    let held = review::spend(&mut tx, id, actor, reported.to_vec()).await.unwrap();
    tx.commit().await.unwrap();
    held
}

async fn times(scene: &Scene, id: ReviewId, actor: &str) -> Option<(i64, i64, serde_json::Value)> {
    let client = scene.database.connect(&scene.database.service_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
    let wanted = "select active_ms, open_ms, places::text from review_times where review_id::text = $1 and actor = $2";
    let row = client.query_opt(wanted, &[&id.0.to_string(), &actor]).await.unwrap()?;
    Some((row.get(0), row.get(1), serde_json::from_str(row.get(2)).unwrap()))
}

async fn mine(scene: &Scene, actor: &str) -> Work {
    let rows = figures::of_person(&mut scene.tx().await, actor, Span::Week.since(Utc::now())).await.unwrap();
    assert!(rows.iter().all(|row| row.actor == actor && row.claim_type == "expense_receipt"));
    rows.iter().fold(Work::default(), |sum, row| sum.with(&row.work))
}

/// As if they had it for so long.
async fn since(scene: &Scene, id: ReviewId, seconds: i64) {
    let (table, id) = ("reviews", id.0);
    sql(scene, scene.tenant, &format!("update {table} set leased_at = leased_at - interval '{seconds} s' where id = '{id}'")).await;
}

#[tokio::test]
async fn no_more_time_is_believed_than_has_passed() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    assert!(!spend(&scene, id, "user:ann", &[spent("total", 1, 1)]).await, "nobody holds it");
    lease(&scene, id, "user:ann", 300).await;
    since(&scene, id, 100).await;
    assert!(spend(&scene, id, "user:ann", &[spent("total", 20_000, 60_000), spent("no_field", 9, 9), spent("date", -5, 10_000)]).await);
    assert_eq!(times(&scene, id, "user:ann").await, Some((20_000, 70_000, json!({ "total": [20_000, 60_000], "date": [0, 10_000] }))));

    // The hundred seconds are accounted for, whatever other windows say.
    assert!(spend(&scene, id, "user:ann", &[spent("total", 90_000, 90_000)]).await);
    let (active, open, _) = times(&scene, id, "user:ann").await.unwrap();
    assert!((20_000..30_000).contains(&active) && (70_000..80_000).contains(&open), "{active} of {open}");

    assert!(!spend(&scene, id, "user:bob", &[spent("total", 1, 1)]).await, "who does not hold it spends no time on it");
    assert_eq!(times(&scene, id, "user:bob").await, None);
    let mut other = scene.store.begin(scene.other).await.unwrap();
    assert!(!review::spend(&mut other, id, "user:ann", vec![spent("total", 1, 1)]).await.unwrap());
    drop(other);
    take_over(&scene, id, "user:lea").await;
    assert!(!spend(&scene, id, "user:ann", &[spent("total", 1, 1)]).await, "nor who lost it");
}

#[tokio::test]
async fn a_lease_begins_when_hands_change_and_not_with_a_new_token() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let noted = || async {
        let client = scene.database.connect(&scene.database.service_url).await;
        client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
        let row = client
            .query_one("select extract(epoch from leased_at)::float8, extract(epoch from first_leased_at)::float8 from reviews", &[])
            .await
            .unwrap();
        (row.get::<_, Option<f64>>(0), row.get::<_, Option<f64>>(1))
    };
    assert_eq!(noted().await, (None, None));
    let taken = lease(&scene, id, "user:ann", 300).await;
    let first = noted().await;
    assert!(first.0.is_some() && first.0 == first.1);
    let mut tx = scene.tx().await;
    review::renew(&mut tx, id, Proof::Holder("user:ann"), taken.generation, 300).await.unwrap();
    let review::ClaimOutcome::Leased(again) = review::retake(&mut tx, id, "user:ann", 300).await.unwrap() else { panic!() };
    tx.commit().await.unwrap();
    assert_eq!(noted().await, first, "a reload is no change of hands");
    let mut tx = scene.tx().await;
    review::release(&mut tx, id, Proof::Holder("user:ann"), again.generation, "user:ann").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(noted().await, first);
    lease(&scene, id, "user:ann", 0).await;
    let second = noted().await;
    assert!(second.0 > first.0 && second.1 == first.1, "given back and taken again: {second:?}");
    // That lease had run out before this one was taken.
    lease(&scene, id, "user:ann", 300).await;
    assert!(noted().await.0 > second.0);
}

#[tokio::test]
async fn an_answer_is_measured_with_it() {
    let Some(scene) = Scene::start().await else { return };
    let (of, id) = wanting(&scene, 1, vec![Blocker::PolicySample]).await;
    let taken = lease(&scene, id, "user:ann", 300).await;
    since(&scene, id, 60).await;
    spend(&scene, id, "user:ann", &[spent("total", 5_000, 40_000)]).await;
    let (decision, result) = (Decision { verdict: Supported, checks: vec![], note: None }, outcome(Supported));
    let (proof, generation, holder) = (Proof::Holder("user:ann"), taken.generation, "user:ann");
    let new = NewDecision { id: DecisionId::new(), review_id: id, proof, generation, decision: &decision, outcome: &result, holder };
    for done in [DecideOutcome::Recorded, DecideOutcome::AlreadyRecorded] {
        let mut tx = scene.tx().await;
        assert_eq!(review::decide(&mut tx, &new).await.unwrap(), done);
        tx.commit().await.unwrap();
    }
    let work = mine(&scene, "user:ann").await;
    assert_eq!((work.answers, work.timely, work.settled, work.overturned), (1, 1, 1, 0));
    assert_eq!(work.active, [5_000]);
    assert!((60_000..70_000).contains(&work.held[0]) && (0..10_000).contains(&work.waited[0]), "{work:?}");
    let machine = figures::of_machine(&mut scene.tx().await, Span::Today.since(Utc::now()) - TimeDelta::days(1)).await.unwrap();
    assert_eq!((machine.reviewed.cases.len(), machine.sampled.cases), (0, vec![(0.5, false, 1)]));
    let places = figures::of_places(&mut scene.tx().await, "user:ann", Span::Week.since(Utc::now())).await.unwrap();
    let places: Vec<_> = places.iter().map(|row| (row.place.as_str(), row.reviews, row.active, row.open)).collect();
    assert_eq!(places, [("total", 1, 5_000, 40_000)]);

    // Who has no scripts held it all the same.
    let (_, bobs) = scene.in_review().await;
    answer(&scene, bobs, "user:bob", Supported).await;
    let work = mine(&scene, "user:bob").await;
    assert_eq!((work.answers, work.active.len(), work.held.len()), (1, 0, 1));
    let _ = of;
}

#[tokio::test]
async fn nothing_of_a_round_is_told_before_it_is_settled() {
    let Some(scene) = Scene::start().await else { return };
    let (of, first) = wanting(&scene, 2, vec![Blocker::NotFound]).await;
    answer(&scene, first, "user:ann", Supported).await;
    let second = open_part(&scene, of).await;
    answer(&scene, second, "user:bob", Refuted).await;
    for name in ["user:ann", "user:bob"] {
        let work = mine(&scene, name).await;
        assert_eq!((work.answers, work.settled, work.overturned, work.pairs.total()), (1, 0, 0, 0), "{name}");
        let own = work::answers(&mut scene.tx().await, name, None, 9).await.unwrap().remove(0);
        assert_eq!((own.settled, own.verdict, own.overturned, own.stands), (false, None, None, None), "{name}");
    }
    let since = Span::Week.since(Utc::now());
    assert_eq!(figures::of_machine(&mut scene.tx().await, since).await.unwrap(), figures::MachineRow::default());

    let third = open_part(&scene, of).await;
    answer(&scene, third, "user:lea", Refuted).await;
    end(&scene, of, Refuted).await;
    for (name, overturned) in [("user:ann", 1), ("user:bob", 0), ("user:lea", 0)] {
        let work = mine(&scene, name).await;
        assert_eq!((work.settled, work.overturned), (1, overturned), "{name}");
        assert_eq!(work.pairs.total(), u64::from(name != "user:lea"), "{name}: a third word is no independent one");
        assert_eq!(work.pairs.agreement(), (name != "user:lea").then_some(0.0));
    }
    let lost = work::overturned(&mut scene.tx().await, "user:ann", 9).await.unwrap();
    let lost: Vec<_> = lost.iter().map(|row| (row.verification_id, row.verdict, row.overturned, row.stands)).collect();
    assert_eq!(lost, [(of, Some(Supported), Some(Overturned::Adjudication), Some(Refuted))]);
    assert_eq!(work::overturned(&mut scene.tx().await, "user:bob", 9).await.unwrap(), []);
    // One settled, which the machine had left open.
    let machine = figures::of_machine(&mut scene.tx().await, since).await.unwrap();
    assert_eq!((machine.reviewed.cases, machine.sampled.cases), (vec![(0.5, false, 1)], vec![]));
}

#[tokio::test]
async fn two_who_agree_are_a_pair_and_both_stand_until_somebody_corrects_them() {
    let Some(scene) = Scene::start().await else { return };
    let (of, first) = wanting(&scene, 2, vec![Blocker::NotFound]).await;
    answer(&scene, first, "user:ann", Supported).await;
    let second = open_part(&scene, of).await;
    answer(&scene, second, "user:bob", Supported).await;
    end(&scene, of, Supported).await;
    for name in ["user:ann", "user:bob"] {
        let work = mine(&scene, name).await;
        assert_eq!((work.settled, work.overturned, work.pairs.agreement()), (1, 0, Some(1.0)), "{name}");
    }
    // Another word, the same word, and back.
    for (seen, to, overturned) in [(0, Refuted, 1), (1, Refuted, 1), (2, Supported, 0), (3, Insufficient, 1)] {
        correct(&scene, of, seen, to).await;
        for name in ["user:ann", "user:bob"] {
            assert_eq!(mine(&scene, name).await.overturned, overturned, "{name} after {to:?}");
        }
    }
    let lost = work::overturned(&mut scene.tx().await, "user:bob", 9).await.unwrap().remove(0);
    assert_eq!((lost.overturned, lost.stands), (Some(Overturned::Correction), Some(Insufficient)));
    assert_eq!(scene.row(of).await.status, Status::Final);
}

#[tokio::test]
async fn what_a_lease_of_before_did_not_note_is_unknown_and_not_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let held = lease(&scene, id, "user:ann", 300).await;
    sql(&scene, scene.tenant, "update reviews set leased_at = null, first_leased_at = null").await;
    assert_eq!(answer_under(&scene, &held, "user:ann", Supported).await, DecideOutcome::Recorded);
    let client = scene.database.connect(&scene.database.service_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
    let row = client.query_one("select array[waited_ms, held_ms, active_ms, open_ms] from measures", &[]).await.unwrap();
    assert_eq!(row.get::<_, Vec<Option<i64>>>(0), [None; 4]);
}

#[tokio::test]
async fn my_work_is_what_i_left_and_what_i_said() {
    let Some(scene) = Scene::start().await else { return };
    let (held, left, gone) = (scene.in_review().await, scene.in_review().await, scene.in_review().await);
    for (_, id) in [held, left, gone] {
        let taken = lease(&scene, id, "user:ann", 300).await;
        let mut tx = scene.tx().await;
        review::keep_draft(&mut tx, id, "user:ann", &json!({ "note": "A\u{0}B" })).await.unwrap();
        if id == left.1 {
            review::release(&mut tx, id, Proof::Holder("user:ann"), taken.generation, "user:ann").await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let (_, empty) = scene.in_review().await;
    let mut tx = scene.tx().await;
    review::keep_draft(&mut tx, empty, "user:ann", &json!({})).await.unwrap();
    review::keep_draft(&mut tx, empty, "user:bob", &json!({ "note": "Bob's" })).await.unwrap();
    verification::finalise(&mut tx, gone.0, &Finalise::Canceled { reason: "client".into() }).await.unwrap();
    let said = comment::add(&mut tx, left.0, Some("total"), "user:ann", "Nine?").await.unwrap();
    let dealt_with = comment::add(&mut tx, left.0, None, "user:ann", "Ten?").await.unwrap();
    comment::resolve(&mut tx, left.0, dealt_with, "user:bob").await.unwrap();
    comment::add(&mut tx, left.0, None, "user:bob", "Bob's").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = scene.tx().await;
    let drafts = work::drafts(&mut tx, "user:ann", 9).await.unwrap();
    assert_eq!(drafts.iter().map(|row| row.review_id).collect::<Vec<_>>(), [left.1], "neither what I hold, nor what is over, nor nothing");
    let comments = work::open_comments(&mut tx, "user:ann", 9).await.unwrap();
    assert_eq!(comments.iter().map(|row| (row.id, row.field.as_deref())).collect::<Vec<_>>(), [(said, Some("total"))]);
    let mut other = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(work::drafts(&mut other, "user:ann", 9).await.unwrap(), []);
    assert_eq!(work::open_comments(&mut other, "user:ann", 9).await.unwrap(), []);
}

#[tokio::test]
async fn answers_come_page_by_page_and_stay_with_their_tenant() {
    let Some(scene) = Scene::start().await else { return };
    let mut given = Vec::new();
    for verdict in [Supported, Refuted, Insufficient, Supported, Refuted] {
        let (of, id) = scene.in_review().await;
        answer(&scene, id, "user:ann", verdict).await;
        given.insert(0, (of, Some(verdict)));
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = work::answers(&mut scene.tx().await, "user:ann", before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.decided_at, last.id));
        seen.extend(page.iter().map(|row| (row.verification_id, row.verdict)));
    }
    assert_eq!(seen, given);
    assert_eq!(work::answers(&mut scene.tx().await, "user:bob", None, 9).await.unwrap(), []);
    let mut other = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(work::answers(&mut other, "user:ann", None, 9).await.unwrap(), []);
    let since = DateTime::UNIX_EPOCH;
    assert_eq!(figures::of_person(&mut other, "user:ann", since).await.unwrap(), []);
    assert_eq!(figures::of_team(&mut other, since).await.unwrap(), []);
    assert_eq!(figures::of_machine(&mut other, since).await.unwrap(), figures::MachineRow::default());
}

/// Ten thousand answers of ours among a hundred thousand, by ten people, within a month.
const MANY: &str = "
    alter table measures drop constraint measures_tenant_id_decision_id_fkey;
    alter table measures no force row level security;
    insert into measures (tenant_id, decision_id, verification_id, review_id, actor, round, part, settles, claim_type, verdict, machine_verdict,
        machine_score, sampled, waited_ms, held_ms, active_ms, open_ms, timely, decided_at, peer_verdict, settled, overturned)
    select case when n % 10 = 0 then 'OURS'::uuid else 'THEIRS'::uuid end, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
        'user:' || (n / 10) % 10, 1, 1, true, (array['expense_receipt', 'invoice', 'document_fact'])[n / 10 % 3 + 1],
        (array['supported', 'refuted', 'insufficient'])[n / 10 % 7 % 3 + 1], 'insufficient', random(), n / 10 % 20 = 0, n % 90000, n % 600000,
        n % 300000, n % 600000, n / 10 % 9 > 0, now() - interval '29 days' * (1 - n / 100000.0),
        case when random() < 0.25 then (array['supported', 'refuted', 'insufficient'])[(random() * 2)::integer + 1] end, true,
        case when random() < 0.05 then 'correction' end
    from generate_series(1, 100000) n;
    insert into review_times (tenant_id, review_id, actor, active_ms, open_ms, places, reported_at)
    select tenant_id, review_id, actor, 9, 90, '{\"total\":[1,20],\"date\":[2,10],\"merchant\":[3,30],\"overall\":[1,10],\"evidence\":[2,20]}', now()
    from measures;
    alter table measures force row level security;
    analyze measures;
    analyze review_times;";

#[tokio::test]
async fn figures_of_ten_thousand_answers_read_no_other_tenants_rows() {
    let Some(scene) = Scene::start().await else { return };
    let owner = scene.database.connect(&scene.database.owner_url).await;
    owner.batch_execute("alter table review_times no force row level security").await.unwrap();
    let rows = MANY.replace("OURS", &scene.tenant.0.to_string()).replace("THEIRS", &scene.other.0.to_string());
    owner.batch_execute(&rows).await.unwrap();
    let since = Span::Month.since(Utc::now());

    let client = scene.database.connect(&scene.database.service_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
    let tenant = scene.tenant.0;
    for what in [
        "and decided_at >= now() - interval '31 days'",
        "and actor = 'user:3' and decided_at >= now() - interval '31 days'",
        "and actor = 'user:3' and overturned is not null",
    ] {
        let explain =
            format!("explain analyze select * from measures where tenant_id = '{tenant}' {what} order by decided_at desc limit 20000");
        let lines = client.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        let by_tenant = ["Index Cond: (tenant_id =", "Index Cond: ((tenant_id ="].iter().any(|cond| plan.contains(cond));
        assert!(!plan.contains("Seq Scan") && by_tenant, "{what}: {plan}");
        assert!(!plan.contains("Removed by Filter"), "{what} reads rows that it drops: {plan}");
    }

    let mut tx = scene.tx().await;
    let mut told = Vec::new();
    let (team, machine, own, places) = loop {
        let begun = Instant::now();
        let team = figures::of_team(&mut tx, since).await.unwrap();
        let after_team = begun.elapsed();
        let machine = figures::of_machine(&mut tx, since).await.unwrap();
        let after_machine = begun.elapsed();
        let own = figures::of_person(&mut tx, "user:3", since).await.unwrap();
        let after_own = begun.elapsed();
        let places = figures::of_places(&mut tx, "user:3", since).await.unwrap();
        told.push([after_team, after_machine - after_team, after_own - after_machine, begun.elapsed() - after_own]);
        if told.len() == 5 {
            break (team, machine, own, places);
        }
    };
    let answers: u64 = team.iter().map(|row| row.work.answers).sum();
    assert_eq!((answers, machine.reviewed.decided() + machine.sampled.decided()), (10_000, 10_000));
    let own: Figures = own.iter().fold(Work::default(), |sum, row| sum.with(&row.work)).figures();
    assert!(own.answers == 1_000 && own.kappa.is_some() && own.active.is_some() && places.len() == 5, "{own:?}");
    for (index, what) in ["team", "machine", "own", "places"].into_iter().enumerate() {
        let mut times: Vec<Duration> = told.iter().map(|round| round[index]).collect();
        let first = times[0];
        times.sort();
        println!("10,000 answers of 100,000, {what}: {:?}, the first time {first:?}", times[2]);
    }
}

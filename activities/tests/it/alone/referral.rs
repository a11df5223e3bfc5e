//! What the tenant's policy sends to a person, although the machine decided.

use activities::DecideActivities;
use domain::blocker::Blocker;
use domain::evidence::MediaType;
use domain::policy::{Amount, Policy, ReviewRule};
use domain::verdict::Verdict;
use store::review;
use workflows::contract::{OpenReview, Publish};

use super::scene::{Scene, play};

pub fn what_the_policy_asks_for_is_said_and_the_same_every_time() {
    play(async |scene: Scene| {
        let limit = |amount: &str| Some(Amount { amount: amount.parse().unwrap(), currency: "MYR".to_owned() });
        let of = |review, review_sample_percent, review_above| Policy { review, review_sample_percent, review_above, ..Policy::default() };
        let sampled = of(ReviewRule::WhenUnsure, 100, None);
        let risky = Policy { double_review_reasons: vec!["policy_sample".to_owned()], ..sampled.clone() };
        let large = Policy { double_review_above: limit("8.99"), ..of(ReviewRule::Always, 0, None) };
        let small = Policy { double_review_above: limit("9.00"), ..of(ReviewRule::Always, 0, None) };
        for (number, (policy, asked, wanted)) in [
            (Policy { double_review_sample_percent: 100, ..of(ReviewRule::WhenUnsure, 0, limit("9.00")) }, None, None),
            (sampled, Some(Blocker::PolicySample), Some(1)),
            (risky, Some(Blocker::PolicySample), Some(2)),
            (of(ReviewRule::Never, 100, limit("8.99")), Some(Blocker::PolicyReview), Some(1)),
            (large, Some(Blocker::PolicyReview), Some(2)),
            (small, Some(Blocker::PolicyReview), Some(1)),
        ]
        .into_iter()
        .enumerate()
        {
            let case = scene.case_under(scene.tenant, &Scene::receipt(20 * number), MediaType::Text, policy.clone()).await;
            let process = scene.process(1);
            let pages_total = process.prepare(case).await.unwrap().pages_total;
            process.read(case, pages_total).await.unwrap();
            let judged = process.judge(case, pages_total).await.unwrap();
            assert_eq!((judged.verdict, judged.review), (Verdict::Supported, asked.is_some()), "{policy:?}");
            // Another process, which finds the answer or makes it again, says the same.
            assert_eq!(scene.process(2).judge(case, pages_total).await.unwrap(), judged, "{policy:?}");
            let open = judged.review.then_some(OpenReview { sla_seconds: 60, expiry_seconds: 120 });
            let published = process.run(DecideActivities::publish, Publish { work: case.work, review: open, round: 0 }).await.unwrap();
            let mut tx = scene.store.begin(scene.tenant).await.unwrap();
            let opened = match published.review_id {
                Some(id) => Some(review::get(&mut tx, id).await.unwrap().unwrap()),
                None => None,
            };
            assert_eq!(opened.as_ref().map(|row| row.wanted), wanted, "{policy:?}");
            assert_eq!(opened.map(|row| row.blockers).unwrap_or_default(), Vec::from_iter(asked), "{policy:?}");
            let result = scene.row(case.work).await.provisional.unwrap();
            assert!(result.blockers.is_empty(), "nothing stood in the machine's way: {result:?}");
        }
    });
}

//! What leaves the house: one attempt at a time, against a server that answers as a test wants, and only where it may go.

use std::sync::Arc;
use std::time::Duration;

use activities::DeliverActivities;
use chrono::{TimeDelta, Utc};
use domain::clock::{Clock, ManualClock};
use domain::id::{DeliveryId, VerificationId};
use domain::webhook::address::{Rules, check};
use domain::webhook::event::{EventFilter, EventType};
use domain::webhook::signature::{Headers, Secret, Signer, verify};
use serde_json::json;
use store::webhook::{self, Created, DeliveryRow, DeliveryStatus, DisabledReason, EndpointRow, Event, NewEndpoint, RotateOutcome};
use temporalio_sdk::testing::{ActivityEnvironment, ActivityEnvironmentError};
use tokio::net::TcpListener;
use workflows::contract::{Deliver, DeliveryEnd, DeliveryStep, NextStep};

use super::scene::{Scene, play};
use super::server::{Reply, Server};

/// Less than the real patience, so that the tests need not have it.
const PATIENCE: Duration = Duration::from_millis(800);

/// One delivery to one server.
struct Post<'a> {
    scene: &'a Scene,
    clock: Arc<ManualClock>,
    rules: Rules,
    secret: Secret,
    endpoint: EndpointRow,
    delivery_id: DeliveryId,
}

impl<'a> Post<'a> {
    /// With rules that let it through.
    async fn to(scene: &'a Scene, server: &Server, host: &str) -> Self {
        let rules =
            Rules { allowed: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], ports: vec![server.port], plain_http: true };
        let target = check(&format!("http://{host}:{}/hook?token=secret", server.port), &rules).unwrap();
        let mut tx = scene.store.begin(scene.tenant).await.unwrap();
        let new = NewEndpoint { target: &target, description: "", filter: EventFilter::default(), full_data: false };
        let Created::Endpoint { row, secret } = webhook::create(&mut tx, &new, "key:test").await.unwrap() else { panic!() };
        tx.commit().await.unwrap();
        let clock = Arc::new(ManualClock::at(Utc::now()));
        let mut post = Self { scene, clock, rules, secret, endpoint: row, delivery_id: DeliveryId::new() };
        post.delivery_id = post.another().await;
        post
    }

    /// One more event for the same endpoint.
    async fn another(&self) -> DeliveryId {
        let mut tx = self.scene.store.begin(self.scene.tenant).await.unwrap();
        let event =
            Event { kind: EventType::VerificationFinal, about: Some((VerificationId::new(), 4)), data: json!({ "status": "final" }) };
        webhook::emit(&mut tx, &[event]).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = self.scene.store.begin(self.scene.tenant).await.unwrap();
        let filter = webhook::DeliveryFilter { limit: 1, ..webhook::DeliveryFilter::default() };
        webhook::deliveries(&mut tx, &filter).await.unwrap()[0].id
    }

    async fn run(&self, request: Deliver) -> Result<DeliveryStep, ActivityEnvironmentError> {
        let store = self.scene.store.clone();
        let hands = DeliverActivities::impatient(store, Arc::clone(&self.clock) as Arc<dyn Clock>, self.rules.clone(), PATIENCE).unwrap();
        let environment = ActivityEnvironment::builder().register_activities(hands).build();
        environment.run(DeliverActivities::deliver, request).await
    }

    fn request(&self, number: u32) -> Deliver {
        Deliver { tenant_id: self.scene.tenant, delivery_id: self.delivery_id, number, by_hand: false }
    }

    async fn attempt(&self, number: u32) -> DeliveryStep {
        self.run(self.request(number)).await.unwrap()
    }

    async fn row(&self) -> DeliveryRow {
        let mut tx = self.scene.store.begin(self.scene.tenant).await.unwrap();
        webhook::delivery(&mut tx, self.delivery_id).await.unwrap().unwrap()
    }

    async fn endpoint(&self) -> EndpointRow {
        let mut tx = self.scene.store.begin(self.scene.tenant).await.unwrap();
        webhook::get(&mut tx, self.endpoint.id).await.unwrap().unwrap()
    }

    async fn errors(&self) -> Vec<Option<String>> {
        let mut tx = self.scene.store.begin(self.scene.tenant).await.unwrap();
        webhook::attempts(&mut tx, self.delivery_id).await.unwrap().into_iter().map(|attempt| attempt.error).collect()
    }
}

fn seconds(step: &DeliveryStep) -> u64 {
    match step.next {
        NextStep::Wait { seconds } => seconds,
        NextStep::Ended { how } => panic!("ended: {how:?}"),
    }
}

fn end(step: &DeliveryStep) -> DeliveryEnd {
    match step.next {
        NextStep::Ended { how } => how,
        NextStep::Wait { seconds } => panic!("waits {seconds} s"),
    }
}

pub fn a_message_is_signed_and_arrives_once() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(200)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        // A rotation is under way: receivers that know either secret take it.
        let mut tx = scene.store.begin(scene.tenant).await.unwrap();
        let rotated = webhook::rotate(&mut tx, post.endpoint.id, post.clock.now(), "key:test").await.unwrap();
        let RotateOutcome::Rotated { secret: newer, .. } = rotated else { panic!() };
        tx.commit().await.unwrap();
        assert_eq!(end(&post.attempt(1).await), DeliveryEnd::Delivered);
        // The completion was lost, and the server asks again.
        assert_eq!(end(&post.attempt(1).await), DeliveryEnd::Delivered);
        let received = server.received();
        assert_eq!(received.len(), 1);
        let message = &received[0];
        let row = post.row().await;
        let headers = Headers {
            id: message.header("webhook-id"),
            timestamp: message.header("webhook-timestamp"),
            signature: message.header("webhook-signature"),
        };
        for secret in [&post.secret, &newer] {
            assert_eq!(verify(&[Signer::Hmac(secret.clone())], &headers, &message.body, post.clock.now().timestamp()), Ok(()));
        }
        assert_eq!(headers.id, row.event_id.to_string());
        assert_eq!(message.header("content-type"), "application/json");
        assert!(message.header("user-agent").starts_with("assay/"));
        assert!(message.head.starts_with("POST /hook?token=secret HTTP/1.1"), "{}", message.head);
        let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!((body["type"].as_str(), body["data"]["status"].as_str()), (Some("verification.final"), Some("final")));
        assert_eq!((row.status, row.attempts, row.last_status), (DeliveryStatus::Delivered, 1, Some(200)));
    });
}

pub fn a_failed_attempt_is_followed_by_another_under_the_same_id() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(500), Reply::Status(204)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        let first = post.attempt(1).await;
        assert_eq!((first.attempts, (5..=6).contains(&seconds(&first))), (1, true), "{first:?}");
        assert!(post.endpoint().await.failing_since.is_some());
        // Asked again for the attempt that was made: told for how long to wait, and nothing is sent.
        post.clock.advance(TimeDelta::seconds(2));
        let again = post.attempt(1).await;
        assert!(again.attempts == 1 && (2..=4).contains(&seconds(&again)), "{again:?}");
        assert_eq!(server.received().len(), 1);
        post.clock.advance(TimeDelta::seconds(4));
        assert_eq!(end(&post.attempt(2).await), DeliveryEnd::Delivered);
        let received = server.received();
        assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
        assert_eq!(received[0].body, received[1].body);
        assert_ne!(received[0].header("webhook-timestamp"), received[1].header("webhook-timestamp"));
        assert_eq!(post.endpoint().await.failing_since, None);
    });
}

pub fn after_ten_attempts_it_is_a_dead_letter_until_somebody_retries() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(500)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        for number in 1..10 {
            post.clock.advance(TimeDelta::seconds(seconds(&post.attempt(number).await) as i64));
        }
        assert_eq!(end(&post.attempt(10).await), DeliveryEnd::DeadLetter);
        assert_eq!(post.row().await.status, DeliveryStatus::Dead);
        assert_eq!(end(&post.attempt(11).await), DeliveryEnd::DeadLetter, "nothing more is sent");
        assert_eq!(server.received().len(), 10);
        let mut tx = scene.store.begin(scene.tenant).await.unwrap();
        webhook::retry(&mut tx, post.delivery_id, "key:test").await.unwrap();
        tx.commit().await.unwrap();
        let step = post.attempt(11).await;
        assert!(step.attempts == 11 && seconds(&step) <= 6, "the schedule begins anew: {step:?}");
    });
}

pub fn an_endpoint_that_is_gone_is_switched_off_at_once() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(410)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        let other = post.another().await;
        assert_eq!(end(&post.attempt(1).await), DeliveryEnd::Disabled);
        let endpoint = post.endpoint().await;
        assert_eq!((endpoint.enabled, endpoint.disabled_reason), (false, Some(DisabledReason::Gone)));
        assert_eq!(post.row().await.status, DeliveryStatus::Dead);
        // What else was under way to it ends without a call.
        let request = Deliver { delivery_id: other, ..post.request(1) };
        assert_eq!(end(&post.run(request).await.unwrap()), DeliveryEnd::Canceled);
        assert_eq!(server.received().len(), 1);
    });
}

pub fn an_endpoint_that_only_fails_is_switched_off_after_five_days() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(500)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        seconds(&post.attempt(1).await);
        post.clock.advance(TimeDelta::days(5) - TimeDelta::seconds(1));
        seconds(&post.attempt(2).await);
        post.clock.advance(TimeDelta::seconds(1));
        assert_eq!(end(&post.attempt(3).await), DeliveryEnd::Disabled);
        assert_eq!(post.endpoint().await.disabled_reason, Some(DisabledReason::Failing));
        assert_eq!(post.row().await.status, DeliveryStatus::Canceled);
    });
}

pub fn a_redirect_is_a_failure_and_never_followed() {
    play(async |scene: Scene| {
        let aim = Server::start(vec![Reply::Status(200)]).await;
        for status in [301, 302, 307, 308] {
            let location = format!("location: http://127.0.0.1:{}/\r\n", aim.port);
            let server = Server::start(vec![Reply::With(status, location)]).await;
            let mut post = Post::to(&scene, &server, "127.0.0.1").await;
            post.rules.ports.push(aim.port);
            assert!(seconds(&post.attempt(1).await) <= 6);
            assert_eq!(post.row().await.last_status, Some(status));
            let mut tx = scene.store.begin(scene.tenant).await.unwrap();
            webhook::delete(&mut tx, post.endpoint.id, "key:test").await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(aim.received().len(), 0);
    });
}

pub fn a_slow_endpoint_is_not_waited_for() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Silence]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        assert!(seconds(&post.attempt(1).await) <= 6);
        let row = post.row().await;
        assert_eq!((row.last_status, row.last_error.as_deref()), (None, Some("timeout")));
    });
}

pub fn an_endless_answer_is_read_a_little() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Endless]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        assert_eq!(end(&post.attempt(1).await), DeliveryEnd::Delivered);
    });
}

pub fn an_endpoint_that_asks_for_time_gets_it() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::With(429, "retry-after: 600\r\n".to_owned()), Reply::Status(200)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        let step = post.attempt(1).await;
        assert!(step.attempts == 1 && (599..=601).contains(&seconds(&step)), "{step:?}");
        // So do its other deliveries, without an attempt being used up.
        let request = Deliver { delivery_id: post.another().await, ..post.request(1) };
        let held = post.run(request.clone()).await.unwrap();
        assert!(held.attempts == 0 && (599..=631).contains(&seconds(&held)), "{held:?}");
        assert_eq!(server.received().len(), 1);
        // Unless a person says otherwise.
        let by_hand = post.run(Deliver { by_hand: true, ..request }).await.unwrap();
        assert_eq!(end(&by_hand), DeliveryEnd::Delivered);
        assert_eq!(post.endpoint().await.held_until, None);
    });
}

pub fn a_name_is_judged_by_where_it_leads() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(200)]).await;
        let mut post = Post::to(&scene, &server, "localhost").await;
        let allowed = std::mem::take(&mut post.rules.allowed);
        assert!(seconds(&post.attempt(1).await) <= 6);
        assert_eq!(post.errors().await, [Some("address_refused".to_owned())]);
        assert_eq!(server.received().len(), 0);
        // The operator allows it meanwhile.
        post.rules.allowed = allowed;
        assert_eq!(end(&post.attempt(2).await), DeliveryEnd::Delivered);
        assert_eq!(server.received()[0].header("host"), format!("localhost:{}", server.port));
    });
}

pub fn a_literal_address_a_port_and_a_scheme_are_judged_again() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(200)]).await;
        let mut post = Post::to(&scene, &server, "127.0.0.1").await;
        let allowing = post.rules.clone();
        let narrower = [
            Rules { allowed: Vec::new(), ..allowing.clone() },
            Rules { ports: vec![443], ..allowing.clone() },
            Rules { plain_http: false, ..allowing.clone() },
        ];
        for (number, rules) in (1..).zip(narrower) {
            post.rules = rules;
            seconds(&post.attempt(number).await);
        }
        assert_eq!(post.errors().await, vec![Some("address_refused".to_owned()); 3]);
        assert_eq!(server.received().len(), 0);
    });
}

pub fn nobody_there_is_a_failed_attempt() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(200)]).await;
        let mut post = Post::to(&scene, &server, "127.0.0.1").await;
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        post.rules.ports.push(free);
        let target = check(&format!("http://127.0.0.1:{free}/"), &post.rules).unwrap();
        let change = webhook::EndpointChange { target: Some(&target), ..webhook::EndpointChange::default() };
        let mut tx = scene.store.begin(scene.tenant).await.unwrap();
        webhook::update(&mut tx, post.endpoint.id, 1, &change, "key:test").await.unwrap();
        tx.commit().await.unwrap();
        seconds(&post.attempt(1).await);
        assert_eq!(post.errors().await, [Some("connect".to_owned())]);
    });
}

pub fn a_delivery_of_another_tenant_is_not_there() {
    play(async |scene: Scene| {
        let server = Server::start(vec![Reply::Status(200)]).await;
        let post = Post::to(&scene, &server, "127.0.0.1").await;
        let request = Deliver { tenant_id: scene.other, ..post.request(1) };
        assert!(post.run(request).await.is_err());
        assert_eq!(server.received().len(), 0);
    });
}

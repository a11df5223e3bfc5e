//! Who reaches what: every route of the desk, walked by everybody who might try.

use axum::http::{Method, StatusCode};
use domain::id::{CommentId, DecisionId, DeliveryId, EndpointId, EvidenceId, KeyId, ReviewId, TenantId, VerificationId};
use domain::person::Role;
use domain::webhook::address::{self, Rules};
use domain::webhook::event::{EventFilter, EventType};
use store::comment;
use store::webhook::{self, Created, NewEndpoint};
use uuid::Uuid;

use crate::browser::{Answer, Browser, Typed};
use crate::scene::{DAY, Scene, Waiting};

/// A route, and what each role gets that sends it what it wants: reviewer, lead, operator, auditor.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub answers: [u16; 4],
}

const fn get(path: &'static str, answers: [u16; 4]) -> Route {
    Route { method: Method::GET, path, answers }
}

const fn post(path: &'static str, answers: [u16; 4]) -> Route {
    Route { method: Method::POST, path, answers }
}

const ALL: [u16; 4] = [200; 4];
/// Those who settle reviews.
const DECIDE: [u16; 4] = [303, 303, 403, 403];
/// Everybody but those who only look.
const SUBMIT: [u16; 4] = [303, 303, 303, 403];

/// Operators, who are led on, or shown a page.
const MANAGE: [u16; 4] = [403, 403, 303, 403];
const MANAGE_SHOWN: [u16; 4] = [403, 403, 200, 403];

pub const ROUTES: [Route; 71] = [
    get("/", ALL),
    post("/queue/next", DECIDE),
    get("/queue/ahead", [200, 200, 403, 403]),
    post("/queue/arrange", [403, 303, 403, 403]),
    get("/live", ALL),
    get("/live/now", ALL),
    get("/reviews/{id}", ALL),
    post("/reviews/{id}", DECIDE),
    get("/reviews/{id}/after", [303; 4]),
    get("/reviews/{id}/before", [303; 4]),
    post("/reviews/{id}/take", DECIDE),
    post("/reviews/{id}/take-over", [403, 303, 403, 403]),
    post("/reviews/{id}/keep", DECIDE),
    post("/reviews/{id}/again", DECIDE),
    post("/reviews/{id}/give-back", DECIDE),
    post("/reviews/{id}/skip", DECIDE),
    post("/reviews/{id}/ask", DECIDE),
    post("/reviews/{id}/beat", [200, 200, 403, 403]),
    post("/reviews/{id}/time", [204, 204, 403, 403]),
    post("/reviews/{id}/comments", DECIDE),
    post("/reviews/{id}/comments/{comment}/resolve", DECIDE),
    get("/me", [200, 200, 403, 403]),
    get("/me/numbers", [200, 200, 403, 403]),
    get("/team", [403, 200, 403, 200]),
    get("/verifications", ALL),
    get("/verifications/{id}", ALL),
    get("/verifications/{id}/comments", ALL),
    get("/verifications/{id}/steps", ALL),
    post("/verifications/{id}/comments", SUBMIT),
    post("/verifications/{id}/comments/{comment}/resolve", SUBMIT),
    get("/verifications/{id}/cancel", [403, 200, 200, 403]),
    post("/verifications/{id}/cancel", [403, 303, 303, 403]),
    // It has not ended.
    get("/verifications/{id}/correct", [403, 409, 403, 403]),
    post("/verifications/{id}/correct", [403, 409, 403, 403]),
    // Nobody has asked for any.
    post("/verifications/{id}/evidence", [409, 409, 409, 403]),
    get("/evidence/{id}/pages/{page}", ALL),
    get("/evidence/{id}/pages/{page}/words", ALL),
    get("/evidence/{id}/pages/{page}/text", ALL),
    get("/evidence/{id}/content", ALL),
    get("/submit", [200, 200, 200, 403]),
    get("/submit/{claim_type}", [200, 200, 200, 403]),
    post("/submit/{claim_type}", SUBMIT),
    get("/claim-types", ALL),
    get("/operations", [403, 200, 200, 200]),
    get("/webhooks", MANAGE_SHOWN),
    post("/webhooks", MANAGE_SHOWN),
    get("/webhooks/{id}", MANAGE_SHOWN),
    post("/webhooks/{id}", MANAGE),
    post("/webhooks/{id}/rotate", MANAGE_SHOWN),
    post("/webhooks/{id}/test", MANAGE),
    post("/webhooks/{id}/deliveries/{delivery}/retry", MANAGE),
    post("/webhooks/{id}/off", MANAGE),
    post("/webhooks/{id}/on", MANAGE),
    post("/webhooks/{id}/delete", MANAGE),
    get("/keys", [403, 403, 200, 403]),
    post("/keys", [403, 403, 200, 403]),
    get("/keys/{id}/revoke", MANAGE_SHOWN),
    post("/keys/{id}/revoke", MANAGE),
    get("/policy", ALL),
    // A form that says nothing of what it wants.
    post("/policy", [403, 403, 422, 403]),
    get("/help", ALL),
    post("/help", [303; 4]),
    get("/help/keys", ALL),
    get("/tenant", ALL),
    post("/tenant", [303; 4]),
    get("/signin", ALL),
    post("/signin", [422; 4]),
    // This desk has no provider.
    get("/signin/oidc", [404; 4]),
    get("/signin/oidc/callback", [404; 4]),
    post("/signout", [303; 4]),
    get("/signout/provider", [404; 4]),
];

impl Route {
    /// Whether it is there for people who are not signed in.
    pub fn is_open(&self) -> bool {
        self.path.starts_with("/signin") || self.path == "/signout/provider"
    }

    /// Whether it is about one thing of an organisation.
    pub fn names_something(&self) -> bool {
        self.path.contains("{id}")
    }

    pub fn takes_files(&self) -> bool {
        self.path.starts_with("/submit/") || self.path.ends_with("/evidence")
    }
}

/// The things of an organisation that addresses name.
pub struct Things {
    pub tenant: TenantId,
    pub waiting: Waiting,
    pub comment: CommentId,
    pub key: KeyId,
    pub endpoint: EndpointId,
    pub delivery: DeliveryId,
}

impl Things {
    pub async fn of(scene: &Scene, tenant: TenantId) -> Self {
        let waiting = scene.wanted(tenant, Default::default()).await;
        scene.draw(tenant, waiting.evidence, 4).await;
        let mut tx = scene.store.begin(tenant).await.unwrap();
        let comment = comment::add(&mut tx, waiting.verification, None, "key:test", "Look twice").await.unwrap();
        // An organisation has at most fifty, and this is called for every route.
        for old in webhook::list(&mut tx).await.unwrap() {
            webhook::delete(&mut tx, old.id, "key:test").await.unwrap();
        }
        let target = address::check("https://hooks.acme.com/assay", &Rules::default()).unwrap();
        let new = NewEndpoint { target: &target, description: "", filter: EventFilter::default(), full_data: false };
        let Created::Endpoint { row, .. } = webhook::create(&mut tx, &new, "key:test").await.unwrap() else { panic!("too many") };
        let told = webhook::emit_test(&mut tx, row.id, EventType::VerificationFinal, "key:test").await.unwrap();
        tx.commit().await.unwrap();
        Self { tenant, waiting, comment, key: scene.key(tenant, "A program").await, endpoint: row.id, delivery: told.unwrap() }
    }

    /// Ids of the right kind that name nothing.
    pub fn nothing(tenant: TenantId) -> Self {
        let waiting = Waiting { review: ReviewId::new(), verification: VerificationId::new(), evidence: EvidenceId::new() };
        let (endpoint, delivery) = (EndpointId::new(), DeliveryId::new());
        Self { tenant, waiting, comment: CommentId::new(), key: KeyId::new(), endpoint, delivery }
    }

    /// The address of a route.
    pub fn address(&self, path: &str) -> String {
        let id = match path.split('/').nth(1) {
            Some("reviews") => self.waiting.review.to_string(),
            Some("verifications") => self.waiting.verification.to_string(),
            Some("evidence") => self.waiting.evidence.to_string(),
            Some("webhooks") => self.endpoint.to_string(),
            _ => self.key.to_string(),
        };
        let path = path.replace("{id}", &id).replace("{comment}", &self.comment.to_string());
        let path = path.replace("{delivery}", &self.delivery.to_string());
        path.replace("{page}", "1").replace("{claim_type}", "expense_receipt")
    }

    /// A form that every route finds what it wants in, from somebody who holds the first lease.
    pub fn form(&self, csrf: &str) -> Typed {
        let (decision, intent) = (DecisionId::new().to_string(), Uuid::now_v7().to_string());
        let review = self.waiting.review.to_string();
        let pairs = [
            ("csrf", csrf),
            ("generation", "1"),
            ("decision_id", &decision),
            ("agree", "yes"),
            ("again", "total"),
            ("note", "I am sure"),
            ("why", "It is urgent"),
            ("to", "lead"),
            ("act", "wake"),
            ("review", &review),
            ("wanted", "The page that shows the total"),
            ("body", "Looked twice"),
            ("comment", "Looked twice"),
            ("intent", &intent),
            ("merchant", "Kedai Bunga"),
            ("date", "2018-03-30"),
            ("total", "9.00 MYR"),
            ("name", "A program"),
            ("scope", "verifications:read"),
            ("url", "https://hooks.acme.com/b"),
            ("version", "1"),
            ("tenant", &self.tenant.0.to_string()),
            ("email", "eve@example.com"),
            ("password", "wrong"),
        ];
        Typed(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub async fn ask(&self, browser: &mut Browser, route: &Route) -> Answer {
        self.ask_at(browser, route, &self.address(route.path)).await
    }

    pub async fn ask_at(&self, browser: &mut Browser, route: &Route, path: &str) -> Answer {
        let form = self.form(&browser.csrf.clone());
        if route.method == Method::GET {
            browser.get(path).await
        } else if route.takes_files() {
            browser.upload(path, &form, &[("receipt.txt", b"Kedai Bunga")]).await
        } else {
            browser.submit(path, form).await
        }
    }
}

#[test]
fn every_route_of_the_desk_is_walked_here() {
    let mut there: Vec<String> = Vec::new();
    for line in include_str!("../../src/pages/mod.rs").lines().filter(|line| line.contains(".route(\"")) {
        let path = line.split('"').nth(1).unwrap();
        there.extend(
            [("get(", "GET"), ("post(", "POST")]
                .into_iter()
                .filter(|(word, _)| line.contains(word))
                .map(|(_, method)| format!("{method} {path}")),
        );
    }
    let mut walked: Vec<String> = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    walked.push("GET /static/{version}/{name}".to_owned());
    there.sort();
    walked.sort();
    assert_eq!(walked, there);
}

#[tokio::test]
async fn each_role_reaches_what_is_for_it_and_nothing_else() {
    let Some(scene) = Scene::start().await else { return };
    for (number, role) in [Role::Reviewer, Role::Lead, Role::Operator, Role::Auditor].into_iter().enumerate() {
        let id = scene.person(role.as_str(), &[scene.tenant], &[role], None).await;
        let actor = scene.actor(role.as_str()).await;
        for route in &ROUTES {
            let things = Things::of(&scene, scene.tenant).await;
            // Even who holds a review, because they were a reviewer yesterday, needs the role for it today.
            scene.lease(things.waiting.review, &actor, 300).await;
            let mut browser = scene.signed_in(id, DAY).await;
            browser.get("/help").await;
            let before = scene.rows(scene.tenant).await;
            let answer = things.ask(&mut browser, route).await;
            let about = format!("{} {} by {}", route.method, route.path, role.as_str());
            assert_eq!(answer.status, route.answers[number], "{about}: {}", answer.text);
            if answer.status == StatusCode::FORBIDDEN {
                assert!(answer.has("This is not for your role"), "{about}");
                assert_eq!(scene.rows(scene.tenant).await, before, "{about}");
            }
        }
    }
}

#[tokio::test]
async fn the_navigation_leads_only_where_its_reader_may_go() {
    let Some(scene) = Scene::start().await else { return };
    for role in Role::ALL {
        let mut browser = scene.someone(role.as_str(), &[role]).await;
        let page = browser.get("/help").await;
        let nav = page.between("<nav class=\"nav\"", "</nav>").unwrap().to_owned();
        for piece in nav.split("href=\"").skip(1) {
            let path = piece.split('"').next().unwrap();
            assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path} for {}", role.as_str());
        }
        for path in
            ["/me", "/team", "/submit", "/operations", "/keys", "/policy"].into_iter().filter(|path| !nav.contains(&format!("\"{path}\"")))
        {
            assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path} for {}", role.as_str());
        }
    }
}

#[tokio::test]
async fn nobody_reaches_anything_without_a_session() {
    let Some(scene) = Scene::start().await else { return };
    let things = Things::of(&scene, scene.tenant).await;
    let known = scene.someone("Ann", &Role::ALL).await;
    let before = scene.rows(scene.tenant).await;
    let cookies = [
        None,
        Some(String::new()),
        Some("x".repeat(43)),
        Some("%00".to_owned()),
        known.cookie.as_ref().map(|cookie| cookie[1..].to_owned()),
    ];
    for cookie in cookies {
        for route in ROUTES.iter().filter(|route| !route.is_open()) {
            // The token of a session that is worth something, with a cookie that is not.
            let mut browser = known.clone();
            browser.cookie.clone_from(&cookie);
            let answer = things.ask(&mut browser, route).await;
            let about = format!("{} {} with {cookie:?}", route.method, route.path);
            if route.method == Method::GET {
                assert!(answer.to().starts_with("/signin?next=%2F"), "{about}: {}", answer.to());
            } else {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{about}");
                assert!(answer.has("You are signed out") && answer.has("href=\"/signin\""), "{about}");
            }
        }
    }
    assert_eq!(scene.rows(scene.tenant).await, before);
}

#[tokio::test]
async fn a_form_without_its_sessions_token_changes_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let things = Things::of(&scene, scene.tenant).await;
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    scene.lease(things.waiting.review, &scene.actor("Ann").await, 300).await;
    let bob = scene.someone("Bob", &Role::ALL).await;
    let own = ann.csrf.clone();
    let before = scene.rows(scene.tenant).await;
    for token in ["", "x", &bob.csrf, &own[1..], &own.to_uppercase(), &format!("{own}x"), ann.cookie.clone().unwrap().as_str()] {
        for route in ROUTES.iter().filter(|route| route.method == Method::POST && !route.is_open()) {
            ann.csrf = token.to_owned();
            let answer = things.ask(&mut ann, route).await;
            let about = format!("{} with {token:?}", route.path);
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{about}: {}", answer.text);
            assert!(answer.has("This form is out of date"), "{about}");
        }
    }
    for route in ROUTES.iter().filter(|route| route.method == Method::POST && !route.is_open() && !route.takes_files()) {
        // None at all, and in the address instead of the form.
        for path in [things.address(route.path), format!("{}?csrf={own}", things.address(route.path))] {
            let mut form = things.form("");
            form.0.retain(|(name, _)| name != "csrf");
            assert_eq!(ann.submit(&path, form).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(scene.rows(scene.tenant).await, before);
    assert_eq!(ann.get("/").await.status, StatusCode::OK, "nor is anybody signed out by it");
}

#[tokio::test]
async fn what_belongs_to_another_organisation_is_not_there_and_stays_as_it_is() {
    let Some(scene) = Scene::start().await else { return };
    let theirs = Things::of(&scene, scene.other).await;
    let ours = Things::of(&scene, scene.tenant).await;
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    let before = [scene.rows(scene.tenant).await, scene.rows(scene.other).await];
    let nothing = Things::nothing(scene.tenant);
    for route in ROUTES.iter().filter(|route| route.names_something()) {
        for (things, whose) in [(&theirs, "theirs"), (&nothing, "nobody's")] {
            let answer = things.ask(&mut ann, route).await;
            let about = format!("{} {} {whose}", route.method, route.path);
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{about}: {} {}", answer.header("location"), answer.text);
            assert!(answer.has("There is nothing here"), "{about}");
        }
        for broken in ["x", "rev_", "%00", "..%2F..", "%F0%9F%98%80", "ver_0190163d8694739b8a2f1c9e5d4b6a7z"] {
            let path = ours.address(&route.path.replace("{id}", broken));
            let answer = ours.ask_at(&mut ann, route, &path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{} {path}", route.method);
        }
    }
    assert_eq!(ann.post("/tenant", &[("tenant", &scene.other.0.to_string())]).await.status, StatusCode::NOT_FOUND);
    assert_eq!([scene.rows(scene.tenant).await, scene.rows(scene.other).await], before);
}

#[tokio::test]
async fn a_comment_is_dealt_with_only_where_it_was_made() {
    let Some(scene) = Scene::start().await else { return };
    let (theirs, ours) = (Things::of(&scene, scene.other).await, Things::of(&scene, scene.tenant).await);
    let mut ann = scene.reviewer("Ann").await;
    let before = scene.rows(scene.other).await;
    let path = format!("/verifications/{}/comments/{}/resolve", ours.waiting.verification, theirs.comment);
    ann.post(&path, &[]).await;
    let path = format!("/verifications/{}/comments/x/resolve", ours.waiting.verification);
    assert_eq!(ann.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.rows(scene.other).await, before);
    assert_eq!(scene.told("comment.resolved").await, []);
}

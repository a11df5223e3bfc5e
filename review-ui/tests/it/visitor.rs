//! Somebody who comes to a desk that has a provider, and what is left of their coming.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use review_ui::oidc::{ClientSecret, Issuer, Provider as Settled, RoleMap, Settings};
use review_ui::{AppState, Parts, router};
use tower::ServiceExt;

use crate::browser::{Answer, Typed, guarded};
use crate::provider::{CLIENT_ID, Provider, SECRET};
use crate::scene::{PAGE_VERSION, Scene};

pub const PUBLIC: &str = "https://desk.example";
pub const BEGIN: &str = "/signin/oidc";

/// A browser that keeps every cookie and may see the desk fail.
#[derive(Clone)]
pub struct Visitor {
    pub desk: Router,
    pub cookies: BTreeMap<String, String>,
}

impl Visitor {
    pub fn at(desk: &Router) -> Self {
        Self { desk: desk.clone(), cookies: BTreeMap::new() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn submit(&mut self, path: &str, typed: Typed) -> Answer {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&typed.0).finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Through the provider's pages and back; or where the desk did not let it set out.
    pub async fn come(&mut self, provider: &Provider) -> Answer {
        let out = self.get(BEGIN).await;
        if out.status != StatusCode::SEE_OTHER {
            return out;
        }
        let back = provider.consent(out.to());
        self.get(path_of(&back)).await
    }

    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert(header::COOKIE, cookies.join("; ").try_into().unwrap());
        let (parts, body) = self.desk.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let answer = Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes };
        guarded(&asked, &answer);
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }
}

/// Below the desk's public address.
pub fn path_of(address: &str) -> &str {
    address.strip_prefix(PUBLIC).unwrap()
}

pub fn settings(provider: &Provider) -> Settings {
    Settings {
        issuer: Issuer::parse(&provider.issuer).unwrap(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(ClientSecret::new(SECRET.to_owned())),
        groups_claim: "groups".to_owned(),
        roles: "claims=acme:reviewer,leads=acme:lead,both=acme:reviewer,both=zenith:auditor,lost=nowhere:lead".parse::<RoleMap>().unwrap(),
        scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
        label: "Sign in with Acme".to_owned(),
        public_url: format!("{PUBLIC}/"),
    }
}

pub fn desk_with(scene: &Scene, settings: Settings) -> Router {
    let parts = Parts {
        store: scene.store.clone(),
        objects: scene.objects.clone(),
        secure: true,
        temporal_ui: None,
        page_version: PAGE_VERSION.to_owned(),
    };
    router(AppState::new(parts).with_provider(Settled::new(settings).unwrap()))
}

pub async fn start() -> Option<(Scene, Provider, Visitor)> {
    let scene = Scene::start().await?;
    let provider = Provider::start().await;
    let visitor = Visitor::at(&desk_with(&scene, settings(&provider)));
    Some((scene, provider, visitor))
}

/// Everybody who comes through a provider: address, password or not, and their roles by tenant.
pub async fn people(scene: &Scene) -> Vec<(String, bool, String)> {
    let client = scene.database.connect(&scene.database.relay_url).await;
    let query = "select u.email, u.password_hash is not null,
            coalesce(string_agg(t.name || ':' || array_to_string(m.roles, '+'), ' ' order by t.name), '')
        from users u left join memberships m on m.user_id = u.id left join tenants t on t.id = m.tenant_id
        where u.issuer is not null group by u.id order by u.id";
    client.query(query, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

pub async fn sign_ins(scene: &Scene) -> i64 {
    let client = scene.database.connect(&scene.database.relay_url).await;
    client.query_one("select count(*) from sign_ins", &[]).await.unwrap().get(0)
}

pub fn refused(answer: &Answer, status: u16, words: &str, about: &str) {
    assert_eq!(answer.status, status, "{about}: {}", answer.text);
    assert!(answer.has(words) && answer.has("href=\"/signin\""), "{about}: {}", answer.text);
    let session = answer.headers.get_all(header::SET_COOKIE).iter().any(|cookie| cookie.to_str().unwrap().starts_with("__Host-assay="));
    assert!(!session, "{about}: nobody has a session");
}

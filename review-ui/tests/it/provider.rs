//! A small OpenID provider on this machine: it checks what a real one checks, and lies in whatever way a test tells it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Signer;
use rsa::pkcs1v15;
use rsa::signature::{SignatureEncoding, Signer as RsaSigner};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT_ID: &str = "assay-desk";
pub const SECRET: &str = "the-desk-proves-itself-with-this";

/// A key pair of the provider.
#[derive(Clone)]
pub enum Key {
    Es256(Box<p256::ecdsa::SigningKey>),
    Rs256(Box<rsa::RsaPrivateKey>),
}

impl Key {
    pub fn es256() -> Self {
        let drawn = std::iter::repeat_with(rand::random::<[u8; 32]>).find_map(|bytes| p256::ecdsa::SigningKey::from_slice(&bytes).ok());
        Self::Es256(Box::new(drawn.unwrap()))
    }

    pub fn rs256() -> Self {
        Self::Rs256(Box::new(rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).unwrap()))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let signature: p256::ecdsa::Signature = Signer::sign(&**key, text.as_bytes());
                signature.to_bytes().to_vec()
            }
            Self::Rs256(key) => RsaSigner::sign(&pkcs1v15::SigningKey::<Sha256>::new((**key).clone()), text.as_bytes()).to_vec(),
        }
    }

    fn public(&self, id: Option<&str>) -> Value {
        let mut key = match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let point = point.as_bytes();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
            Self::Rs256(key) => json!({ "kty": "RSA", "n": encode(&key.n().to_bytes_be()), "e": encode(&key.e().to_bytes_be()) }),
        };
        key["use"] = json!("sig");
        if let Some(id) = id {
            key["kid"] = json!(id);
        }
        key
    }
}

/// An ID token before it is signed.
pub struct Token {
    pub header: Value,
    pub claims: Value,
    pub signing: Signing,
}

/// Who signs it.
pub enum Signing {
    Honestly,
    With(Key),
    /// With something both sides know, or everybody does.
    Shared(Vec<u8>),
    Not,
}

/// How a test has a token changed.
pub type Twist = fn(&mut Token);

/// What the provider knows and is told.
pub struct Mind {
    pub key: Key,
    /// None for a provider that numbers no keys.
    pub key_id: Option<&'static str>,
    /// Who signs in next: `sub`, `email` and so on.
    pub person: Value,
    pub twist: Twist,
    /// Anything that its metadata say otherwise.
    pub metadata: Value,
    /// What every endpoint answers instead, if anything.
    pub instead: Option<fn() -> Response>,
    /// The desk's secret; none for a public client.
    pub secret: Option<&'static str>,
    codes: HashMap<String, Asked>,
    /// The endpoints that were asked, in order.
    pub asked: Vec<&'static str>,
}

/// What the desk asked for before it got a code.
struct Asked {
    nonce: String,
    challenge: String,
    redirect: String,
}

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    mind: Arc<Mutex<Mind>>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let mind = Mind {
            key: Key::es256(),
            key_id: Some("first"),
            person: json!({ "sub": "8f2c", "email": "ann@example.com", "name": "Ann", "groups": ["claims"] }),
            twist: |_| (),
            metadata: json!({}),
            instead: None,
            secret: Some(SECRET),
            codes: HashMap::new(),
            asked: Vec::new(),
        };
        let provider = Self { issuer, mind: Arc::new(Mutex::new(mind)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap()
    }

    /// Somebody else signs in from now on.
    pub fn person(&self, subject: &str, name: &str, groups: &[&str]) {
        let email = format!("{}@example.com", name.to_lowercase());
        self.mind().person = json!({ "sub": subject, "email": email, "name": name, "groups": groups });
    }

    /// What happens on the provider's own pages: the person says yes, and is sent back to the desk.
    pub fn consent(&self, address: &str) -> String {
        let (page, query) = address.split_once('?').unwrap();
        assert_eq!(page, format!("{}/authorize", self.issuer));
        let asked: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT_ID));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["state"].len() >= 22 && asked["nonce"].len() >= 22 && asked["code_challenge"].len() == 43, "{asked:?}");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{}", asked["scope"]);
        let code = encode(&rand::random::<[u8; 16]>());
        let new =
            Asked { nonce: asked["nonce"].clone(), challenge: asked["code_challenge"].clone(), redirect: asked["redirect_uri"].clone() };
        let back = form_urlencoded::Serializer::new(format!("{}?", new.redirect))
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .finish();
        self.mind().codes.insert(code, new);
        back
    }
}

async fn metadata(State(provider): State<Provider>) -> Response {
    let issuer = &provider.issuer;
    let mut mind = provider.mind();
    mind.asked.push("metadata");
    if let Some(instead) = mind.instead {
        return instead();
    }
    let mut all = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
    });
    all.as_object_mut().unwrap().extend(mind.metadata.as_object().unwrap().clone());
    Json(all).into_response()
}

async fn keys(State(provider): State<Provider>) -> Response {
    let mut mind = provider.mind();
    mind.asked.push("keys");
    // One of a kind that nobody knows: the others must still be found.
    let strange = json!({ "kty": "XYZ", "kid": "strange" });
    mind.instead.map_or_else(|| Json(json!({ "keys": [strange, mind.key.public(mind.key_id)] })).into_response(), |instead| instead())
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut mind = provider.mind();
    mind.asked.push("token");
    if let Some(instead) = mind.instead {
        return instead();
    }
    let refused = |word: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": word }))).into_response();
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let proved = match mind.secret {
        Some(secret) => authorization == Some(format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{secret}")))),
        None => authorization.is_none() && form.get("client_id").map(String::as_str) == Some(CLIENT_ID),
    };
    if !proved {
        return refused("invalid_client");
    }
    let Some(asked) = mind.codes.remove(&form["code"]) else { return refused("invalid_grant") };
    let challenge = encode(&Sha256::digest(&form["code_verifier"]));
    if form["grant_type"] != "authorization_code" || form["redirect_uri"] != asked.redirect || challenge != asked.challenge {
        return refused("invalid_grant");
    }
    Json(json!({ "access_token": "not-for-us", "token_type": "Bearer", "expires_in": 300, "id_token": id_token(&provider.issuer, &mind, &asked) }))
        .into_response()
}

fn id_token(issuer: &str, mind: &Mind, asked: &Asked) -> String {
    let now = Utc::now().timestamp();
    let mut claims = json!({ "iss": issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked.nonce });
    claims.as_object_mut().unwrap().extend(mind.person.as_object().unwrap().clone());
    let mut header = json!({ "typ": "JWT", "alg": mind.key.algorithm() });
    if let Some(id) = mind.key_id {
        header["kid"] = json!(id);
    }
    let mut token = Token { header, claims, signing: Signing::Honestly };
    (mind.twist)(&mut token);
    let text = format!("{}.{}", encode(token.header.to_string().as_bytes()), encode(token.claims.to_string().as_bytes()));
    let signature = match &token.signing {
        Signing::Honestly => mind.key.sign(&text),
        Signing::With(key) => key.sign(&text),
        Signing::Shared(secret) => Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&text).finalize().into_bytes().to_vec(),
        Signing::Not => Vec::new(),
    };
    format!("{text}.{}", encode(&signature))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

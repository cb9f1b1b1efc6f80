//! An OpenID provider for one test, with keys, JWTs and faults.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use latchkey::identity_provider::{IdentityProviderSettings, RefreshTiming, RoleClaim, ServiceTenants};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::clock::clock;

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair with its key ID.
pub struct SigningKey {
    pub name: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    pub fn rsa(name: &str) -> Self {
        Self::new(name, Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key is made")))
    }

    pub fn p256(name: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key is made");
        Self::new(name, Pair::Ec(pair, "P-256"))
    }

    pub fn p384(name: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key is made");
        Self::new(name, Pair::Ec(pair, "P-384"))
    }

    pub fn ed25519(name: &str) -> Self {
        Self::new(name, Pair::Ed(Ed25519KeyPair::generate().expect("a key is made")))
    }

    fn new(name: &str, pair: Pair) -> Self {
        let name = name.to_owned();
        Self { name, pair }
    }

    /// Its entry in the key set.
    pub fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": encoded(n), "e": encoded(e)})
            }
            Pair::Ec(pair, curve) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)})
            }
            Pair::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key())}),
        };
        key["kid"] = json!(self.name);
        key["use"] = json!("sig");
        key
    }

    /// A JWT signed with this key and algorithm.
    pub fn sign(&self, algorithm: &str, claims: &Value) -> String {
        self.sign_under(&json!({"alg": algorithm, "typ": "JWT", "kid": self.name}), algorithm, claims)
    }

    /// The same with any header.
    pub fn sign_under(&self, head: &Value, algorithm: &str, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(head.to_string()), encoded(claims.to_string()));
        let random = SystemRandom::new();
        let signed = match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &dyn signature::RsaEncoding = match algorithm {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PSS_SHA512,
                };
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message.as_bytes(), &mut signed).expect("it signs");
                signed
            }
            Pair::Ec(pair, _) => pair.sign(&random, message.as_bytes()).expect("it signs").as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", encoded(signed))
    }
}

/// How the provider responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    Normal,
    Unavailable,
    /// Its discovery document names another issuer.
    OtherIssuer,
    /// Its keys have an HTTP URL on another host.
    InsecureKeysUrl,
    /// Its key set is larger than Latchkey reads.
    HugeKeySet,
    /// Its key set redirects.
    Redirect,
}

#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    issuer: String,
    state: Mutex<(Behavior, Vec<Value>, usize)>,
}

impl Provider {
    pub async fn with(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let issuer = format!("http://{}", listener.local_addr().expect("the listener has an address"));
        let keys = keys.iter().map(|key| key.public()).collect();
        let provider = Self(Arc::new(Inner {
            issuer,
            state: Mutex::new((Behavior::Normal, keys, 0)),
        }));
        let router = axum::Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(key_set))
            .route("/elsewhere", get(elsewhere))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Claims with the role `ops`. `more` adds or replaces claims.
    pub fn claims(&self, more: &Value) -> Value {
        let now = clock().now().timestamp();
        let mut claims = json!({
            "iss": self.0.issuer, "aud": "latchkey", "sub": "ada-42", "name": "Ada Example", "roles": ["ops"],
            "iat": now, "exp": now + 300,
        });
        for (name, value) in more.as_object().expect("claims are an object") {
            claims[name] = value.clone();
        }
        claims
    }

    /// Settings with which tests need not wait.
    pub fn settings(&self) -> IdentityProviderSettings {
        IdentityProviderSettings {
            issuer: self.0.issuer.clone(),
            audiences: vec!["latchkey".into()],
            roles: RoleClaim {
                path: "roles".into(),
                mapping: None,
            },
            service_tenants: ServiceTenants::None,
            max_age: TimeDelta::days(1),
            id_tokens: false,
            jwks_url: None,
            header: None,
            timing: RefreshTiming {
                pause: Duration::ZERO,
                ..RefreshTiming::default()
            },
        }
    }

    pub fn set_behavior(&self, behavior: Behavior) {
        self.0.state.lock().expect("nobody panicked").0 = behavior;
    }

    pub fn publish(&self, keys: &[&SigningKey]) {
        self.0.state.lock().expect("nobody panicked").1 = keys.iter().map(|key| key.public()).collect();
    }

    /// How often its keys were fetched.
    pub fn asked(&self) -> usize {
        self.0.state.lock().expect("nobody panicked").2
    }

    fn behavior(&self) -> Behavior {
        self.0.state.lock().expect("nobody panicked").0
    }
}

async fn discovery(State(provider): State<Provider>) -> Response {
    let issuer = &provider.0.issuer;
    let document = |issuer: &str, keys: String| axum::Json(json!({"issuer": issuer, "jwks_uri": keys})).into_response();
    match provider.behavior() {
        Behavior::Unavailable => StatusCode::BAD_GATEWAY.into_response(),
        Behavior::OtherIssuer => document("https://login.elsewhere.example", format!("{issuer}/keys")),
        Behavior::InsecureKeysUrl => document(issuer, "http://keys.elsewhere.example/".into()),
        _ => document(issuer, format!("{issuer}/keys")),
    }
}

async fn key_set(State(provider): State<Provider>) -> Response {
    let keys = {
        let mut state = provider.0.state.lock().expect("nobody panicked");
        state.2 += 1;
        state.1.clone()
    };
    match provider.behavior() {
        Behavior::Unavailable => StatusCode::BAD_GATEWAY.into_response(),
        Behavior::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Behavior::HugeKeySet => axum::Json(json!({"keys": keys, "more": "x".repeat(1024 * 1024)})).into_response(),
        _ => axum::Json(json!({"keys": keys})).into_response(),
    }
}

async fn elsewhere(State(provider): State<Provider>) -> Response {
    let keys = provider.0.state.lock().expect("nobody panicked").1.clone();
    axum::Json(json!({"keys": keys})).into_response()
}

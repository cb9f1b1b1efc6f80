//! The vendor's identity provider, which signs the JWTs that callers authenticate with.
//!
//! One background task fetches the keys, so that requests cannot cause concurrent or frequent fetches. While the provider is
//! unavailable, the cached keys are valid for a day. Without any keys, JWTs are answered with 503 instead of 401, because
//! they may be valid.

mod claims;
mod fetch;
mod invalid_jwt;
mod jwt;
mod key_cache;
mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use reqwest::Url;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use claims::RoleClaim;
pub use fetch::FetchError;
pub use invalid_jwt::{InvalidJwt, JwtRule};
pub use keys::VerificationKeys;

use fetch::Fetcher;
use jwt::Jwt;
use key_cache::{KeyCache, KeyCacheLookup};

use crate::clock::SharedClock;
use crate::domain::identity::Identity;
pub use crate::domain::identity::ServiceTenants;
use crate::domain::token::TokenHash;
use crate::telemetry::metric;

/// How many verified JWTs are cached.
const CAPACITY: u64 = 10_000;
/// How many IDs of keys that the provider does not have are cached.
const MISSING_KEYS_CAPACITY: u64 = 1_000;

/// The provider, and what its JWTs must contain.
#[derive(Debug, Clone)]
pub struct IdentityProviderSettings {
    /// The value of the claim `iss`.
    pub issuer: String,
    /// The claim `aud` must contain one of these.
    pub audiences: Vec<String>,
    pub roles: RoleClaim,
    pub service_tenants: ServiceTenants,
    /// The longest lifetime of a JWT, and how long ago it may have been issued.
    pub max_age: TimeDelta,
    /// Whether ID tokens are accepted in the header `Authorization`, too.
    pub id_tokens: bool,
    /// The URL of the keys, if there is no discovery document.
    pub jwks_url: Option<Url>,
    /// The header in which an identity-aware proxy passes the JWT.
    pub header: Option<HeaderName>,
    pub timing: RefreshTiming,
}

/// Where a request has its JWT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtSource {
    /// In the header `Authorization`: a client calls the API.
    Client,
    /// In the header of an identity-aware proxy, which often passes ID tokens, or JWTs of its own.
    Proxy,
}

/// How often the keys are fetched.
#[derive(Debug, Clone, Copy)]
pub struct RefreshTiming {
    /// The minimum interval between fetches, even if JWTs name unknown keys.
    pub pause: Duration,
    /// The interval after a failed fetch.
    pub retry: Duration,
    /// The interval after a successful fetch.
    pub refresh: Duration,
    /// How long the keys are valid while the provider is unavailable.
    pub keep: Duration,
}

impl Default for RefreshTiming {
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(10),
            retry: Duration::from_secs(10),
            refresh: Duration::from_mins(10),
            keep: Duration::from_hours(24),
        }
    }
}

/// The identity provider. Clones share its cache.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    settings: IdentityProviderSettings,
    fetcher: Fetcher,
    known: watch::Sender<KeyCache>,
    /// Notified when a request needs newer keys.
    wanted: Notify,
    /// IDs of keys that were not found, with the number of the fetch that did not contain them.
    checked: Cache<String, u64>,
    cached: Cache<TokenHash, CachedIdentity>,
}

#[derive(Clone)]
struct CachedIdentity {
    identity: Arc<Identity>,
    is_id_token: bool,
    until: DateTime<Utc>,
    /// The generation of the keys. When it changes, the cached identities become invalid.
    generation: u64,
}

impl IdentityProvider {
    pub fn new(clock: SharedClock, settings: IdentityProviderSettings) -> Self {
        Self(Arc::new(Inner {
            fetcher: Fetcher::new(settings.issuer.clone(), settings.jwks_url.clone()),
            clock,
            settings,
            known: watch::Sender::new(KeyCache::default()),
            wanted: Notify::new(),
            checked: Cache::new(MISSING_KEYS_CAPACITY),
            cached: Cache::new(CAPACITY),
        }))
    }

    pub fn settings(&self) -> &IdentityProviderSettings {
        &self.0.settings
    }

    /// Fetches the keys once.
    ///
    /// # Errors
    /// If the provider does not respond, or has no usable keys.
    pub async fn fetch(&self) -> Result<VerificationKeys, FetchError> {
        self.0.fetcher.fetch().await
    }

    /// Keeps the keys current until `stop`.
    pub async fn follow(self, stop: CancellationToken) {
        let RefreshTiming { pause, retry, refresh, .. } = self.0.settings.timing;
        let following = async {
            loop {
                let is_known = self.fetch_keys().await;
                self.0.clock.sleep(pause).await;
                let rest = if is_known { refresh } else { retry }.saturating_sub(pause);
                tokio::select! {
                    () = self.0.clock.sleep(rest) => {}
                    () = self.0.wanted.notified() => {}
                }
            }
        };
        Box::pin(stop.run_until_cancelled(following)).await;
    }

    /// Fetches the keys. Returns whether that succeeded.
    async fn fetch_keys(&self) -> bool {
        let fetched = self.fetch().await;
        let outcome = if fetched.is_ok() { "answered" } else { "failed" };
        metrics::counter!(metric::PROVIDER_FETCHES.name, "outcome" => outcome).increment(1);
        let (was_failing, is_known) = (self.0.known.borrow().is_failing(), fetched.is_ok());
        match &fetched {
            Ok(keys) if was_failing => {
                info!(
                    issuer = self.0.settings.issuer,
                    keys = keys.len(),
                    "loaded the identity provider's keys"
                );
            }
            Err(fault) if !was_failing => {
                warn!(%fault, "cannot load the identity provider's keys; JWTs are verified with cached keys");
            }
            _ => {}
        }
        let now = self.0.clock.instant();
        self.0.known.send_modify(|known| known.learn(fetched, now));
        is_known
    }

    /// The identity of a JWT that was already verified and is still valid, from memory.
    pub fn cached(&self, hash: &TokenHash, source: JwtSource) -> Option<Arc<Identity>> {
        let cached = self.0.cached.get(hash).filter(|cached| self.accepts(cached, source))?;
        let known = self.0.known.borrow();
        let keys = known.keys(self.0.clock.instant(), self.0.settings.timing.keep)?;
        let is_good = cached.generation == keys.generation && self.0.clock.now() < cached.until;
        is_good.then_some(cached.identity)
    }

    fn accepts(&self, cached: &CachedIdentity, source: JwtSource) -> bool {
        !cached.is_id_token || self.0.settings.id_tokens || source == JwtSource::Proxy
    }

    /// The identity of a JWT.
    ///
    /// # Errors
    /// The rule that the JWT breaks, or that its keys are not available.
    pub async fn identify(&self, jwt: &SecretString, source: JwtSource) -> Result<Arc<Identity>, InvalidJwt> {
        let text = jwt.expose_secret();
        let hash = TokenHash::of(text);
        if let Some(identity) = self.cached(&hash, source) {
            return Ok(identity);
        }
        let identified = match self.verify(text).await {
            Ok(verified) if !self.accepts(&verified, source) => Err(JwtRule::IdToken.into()),
            identified => identified,
        };
        match identified {
            Ok(cached) => {
                let identity = cached.identity.clone();
                self.0.cached.insert(hash, cached);
                Ok(identity)
            }
            Err(refused) => {
                let rule = refused.name();
                metrics::counter!(metric::JWTS_REFUSED.name, "rule" => rule).increment(1);
                info!(rule, "rejected a JWT");
                Err(refused)
            }
        }
    }

    async fn verify(&self, text: &str) -> Result<CachedIdentity, InvalidJwt> {
        let jwt = Jwt::read(text)?;
        let (key, generation) = self.key(&jwt).await?;
        if !jwt.is_signed_by(&key) {
            return Err(JwtRule::Signature.into());
        }
        let claims = jwt.claims()?;
        let (identity, until) = claims::validate(&self.0.settings, &claims, self.0.clock.now())?;
        Ok(CachedIdentity {
            identity: Arc::new(identity),
            is_id_token: !jwt.is_access_token && claims::is_id_token(&claims),
            until,
            generation,
        })
    }

    /// The key that the JWT names. An unknown key causes a fetch, unless the last fetch was very recent.
    async fn key(&self, jwt: &Jwt<'_>) -> Result<(jsonwebtoken::DecodingKey, u64), InvalidJwt> {
        let RefreshTiming { pause, keep, .. } = self.0.settings.timing;
        let name = jwt.key.clone().unwrap_or_default();
        let mut has_asked = false;
        loop {
            let (found, answers) = {
                let known = self.0.known.borrow();
                (known.lookup(jwt, self.0.clock.instant(), pause, keep), known.answers())
            };
            match found {
                KeyCacheLookup::Found { key, generation } => return Ok((key, generation)),
                KeyCacheLookup::Broken(rule) => return Err(rule.into()),
                // The key is missing from a fetch that started after the request.
                KeyCacheLookup::Missing { .. } if has_asked => {
                    self.0.checked.insert(name, answers);
                    return Err(JwtRule::UnknownKey.into());
                }
                KeyCacheLookup::Missing { wait: Some(_) } if self.0.checked.get(&name) == Some(answers) => {
                    return Err(JwtRule::UnknownKey.into());
                }
                KeyCacheLookup::Missing { wait: Some(wait) } | KeyCacheLookup::Away { wait: Some(wait) } => {
                    return Err(InvalidJwt::Unavailable { wait });
                }
                KeyCacheLookup::Away { wait: None } if has_asked => return Err(InvalidJwt::Unavailable { wait: pause }),
                KeyCacheLookup::Missing { wait: None } | KeyCacheLookup::Away { wait: None } => {
                    self.ask().await?;
                    has_asked = true;
                }
            }
        }
    }

    /// Requests a fetch, and waits for it.
    async fn ask(&self) -> Result<(), InvalidJwt> {
        let mut known = self.0.known.subscribe();
        let attempts = known.borrow_and_update().attempts();
        // The first fetch starts without a request.
        if attempts > 0 {
            self.0.wanted.notify_one();
        }
        let asked = known.wait_for(|known| known.attempts() > attempts);
        match tokio::time::timeout(fetch::TIMEOUT * 2, asked).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(InvalidJwt::Unavailable {
                wait: self.0.settings.timing.pause,
            }),
        }
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("issuer", &self.0.settings.issuer)
            .finish_non_exhaustive()
    }
}

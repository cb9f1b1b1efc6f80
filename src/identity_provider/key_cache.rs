//! A cache of the provider's keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;

use super::fetch::FetchError;
use super::invalid_jwt::JwtRule;
use super::jwt::Jwt;
use super::keys::{KeyLookup, VerificationKeys};

#[derive(Debug, Clone, Default)]
pub(crate) struct KeyCache {
    current: Option<Current>,
    /// The number of attempts to fetch the keys, and of successful ones.
    attempts: u64,
    answers: u64,
    asked_at: Option<Instant>,
    is_away: bool,
}

/// The keys of the last successful fetch.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    keys: Arc<VerificationKeys>,
    /// Incremented when the keys change.
    pub generation: u64,
    fetched_at: Instant,
}

/// The result of looking up a JWT's key.
pub(crate) enum KeyCacheLookup {
    Found {
        key: DecodingKey,
        generation: u64,
    },
    Broken(JwtRule),
    /// The key is not among the cached ones. A fetch is allowed after `wait`.
    Missing {
        wait: Option<Duration>,
    },
    /// The provider does not respond, so it is unknown whether it has the key.
    Away {
        wait: Option<Duration>,
    },
}

impl KeyCache {
    pub(crate) fn learn(&mut self, fetched: Result<VerificationKeys, FetchError>, now: Instant) {
        self.attempts += 1;
        self.asked_at = Some(now);
        self.is_away = fetched.is_err();
        let Ok(keys) = fetched else { return };
        self.answers += 1;
        let generation = match &self.current {
            Some(current) if *current.keys == keys => current.generation,
            Some(current) => current.generation + 1,
            None => 0,
        };
        self.current = Some(Current {
            keys: Arc::new(keys),
            generation,
            fetched_at: now,
        });
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.attempts
    }

    pub(crate) fn answers(&self) -> u64 {
        self.answers
    }

    /// Whether the next successful fetch is logged: it is the first, or follows a failure.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_away || self.current.is_none() && self.attempts > 0
    }

    /// The keys, unless they are too old.
    pub(crate) fn keys(&self, now: Instant, keep: Duration) -> Option<&Current> {
        self.current
            .as_ref()
            .filter(|current| now.saturating_duration_since(current.fetched_at) <= keep)
    }

    pub(crate) fn lookup(&self, jwt: &Jwt<'_>, now: Instant, pause: Duration, keep: Duration) -> KeyCacheLookup {
        let current = self.keys(now, keep);
        let found = current.map(|current| (current.keys.find(jwt.key.as_deref(), jwt.algorithm), current.generation));
        let since = self.asked_at.map(|at| now.saturating_duration_since(at));
        let wait = since.and_then(|since| pause.checked_sub(since)).filter(|wait| !wait.is_zero());
        match found {
            Some((KeyLookup::Key(key), generation)) => KeyCacheLookup::Found {
                key: key.clone(),
                generation,
            },
            Some((KeyLookup::Broken(rule), _)) => KeyCacheLookup::Broken(rule),
            Some((KeyLookup::Unknown, _)) if !self.is_away => KeyCacheLookup::Missing { wait },
            Some((KeyLookup::Unknown, _)) | None => KeyCacheLookup::Away { wait },
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);
    const KEEP: Duration = Duration::from_hours(1);

    fn keys(name: &str) -> VerificationKeys {
        let set = serde_json::json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": name, "x": URL_SAFE_NO_PAD.encode([7; 32])}]});
        VerificationKeys::read(set.to_string().into_bytes()).unwrap()
    }

    fn away() -> Result<VerificationKeys, FetchError> {
        Err(FetchError::NoKey {
            url: "https://id.example/keys".into(),
        })
    }

    fn lookup(known: &KeyCache, name: &str, now: Instant) -> String {
        let header = serde_json::json!({"alg": "EdDSA", "kid": name}).to_string();
        let text = format!("{}.e30.", URL_SAFE_NO_PAD.encode(header));
        match known.lookup(&Jwt::read(&text).unwrap(), now, PAUSE, KEEP) {
            KeyCacheLookup::Found { generation, .. } => format!("found {generation}"),
            KeyCacheLookup::Broken(rule) => format!("broken {rule:?}"),
            KeyCacheLookup::Missing { wait } => format!("missing {wait:?}"),
            KeyCacheLookup::Away { wait } => format!("away {wait:?}"),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "an arbitrary start")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn keys_are_kept_for_a_limited_time_while_the_provider_is_unavailable() {
        let (start, second) = (start(), Duration::from_secs(1));
        let mut known = KeyCache::default();
        assert_eq!(lookup(&known, "one", start), "away None");
        known.learn(away(), start);
        assert_eq!(lookup(&known, "one", start + second), "away Some(9s)");
        known.learn(Ok(keys("one")), start);
        known.learn(away(), start + KEEP);
        assert_eq!(lookup(&known, "one", start + KEEP), "found 0");
        assert_eq!(lookup(&known, "two", start + KEEP + PAUSE), "away None");
        assert_eq!(lookup(&known, "one", start + KEEP + second), "away Some(9s)");
        assert!(known.is_failing());
    }

    #[test]
    fn only_changed_keys_start_a_new_generation() {
        let start = start();
        let mut known = KeyCache::default();
        known.learn(Ok(keys("one")), start);
        known.learn(Ok(keys("one")), start);
        assert_eq!(lookup(&known, "one", start), "found 0");
        assert_eq!(lookup(&known, "two", start), "missing Some(10s)");
        assert_eq!(lookup(&known, "two", start + PAUSE), "missing None");
        known.learn(Ok(keys("two")), start);
        assert_eq!(lookup(&known, "two", start), "found 1");
        assert_eq!((known.attempts(), known.answers()), (3, 3));
    }
}

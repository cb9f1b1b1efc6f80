//! When cached credentials are handed out, renewed, or refused.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use super::document_session::CredentialsRefused;
use super::{Credentials, IssuedCredentials};
use crate::clock::SharedClock;
use crate::cloud::AwsSession;
use crate::single_flight::SingleFlight;

/// The minimum remaining validity of credentials that are handed out while STS does not answer.
const MIN_VALIDITY_WITHOUT_STS: TimeDelta = TimeDelta::seconds(60);
/// How long to wait after a failed renewal before calling STS again.
const RETRY_AFTER: TimeDelta = TimeDelta::seconds(5);
/// How long an entry is kept at most: no STS session that role chaining makes lasts longer.
const LIFETIME: std::time::Duration = std::time::Duration::from_hours(1);

/// Credentials by key, renewed ahead of time while they are in use.
#[derive(Clone)]
pub(super) struct RenewingCache<K> {
    clock: SharedClock,
    entries: SingleFlight<K, Arc<Entry>>,
}

struct Entry {
    /// None when there are none yet, or only a failure.
    credentials: Option<Arc<Credentials>>,
    /// The last attempt to renew them failed.
    failure: Option<Failure>,
    /// A renewal is running in the background.
    renewing: AtomicBool,
}

struct Failure {
    refused: CredentialsRefused,
    retry_at: DateTime<Utc>,
}

impl Entry {
    /// Credentials that remain valid until an SDK refreshes them.
    fn current(&self, now: DateTime<Utc>) -> Option<&Arc<Credentials>> {
        self.credentials.as_ref().filter(|credentials| now < credentials.usable_until)
    }

    /// Credentials that may be handed out: the current ones, or while STS does not answer, any that are valid a little
    /// longer.
    fn usable(&self, now: DateTime<Utc>) -> Option<&Arc<Credentials>> {
        let sts_is_silent = self.failure.as_ref().is_some_and(|failure| failure.refused.is_transient());
        let outlived = || self.working(now).filter(|_| sts_is_silent);
        self.current(now).or_else(outlived)
    }

    /// Credentials that AWS still accepts for a while.
    fn working(&self, now: DateTime<Utc>) -> Option<&Arc<Credentials>> {
        let credentials = self.credentials.as_ref()?;
        (now < credentials.expires_at - MIN_VALIDITY_WITHOUT_STS).then_some(credentials)
    }

    fn is_stale(&self, now: DateTime<Utc>) -> bool {
        let is_due = self.credentials.as_ref().is_none_or(|credentials| now >= credentials.renew_at);
        let is_paused = self.failure.as_ref().is_some_and(|failure| now < failure.retry_at);
        is_due && !(is_paused && self.usable(now).is_some())
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> RenewingCache<K> {
    pub(crate) fn new(clock: SharedClock, capacity: u64) -> Self {
        Self {
            clock,
            entries: SingleFlight::new(capacity, LIFETIME),
        }
    }

    /// Cached credentials that need no renewal yet.
    pub(crate) fn fresh(&self, key: &K) -> Option<Arc<Credentials>> {
        let now = self.clock.now();
        let entry = self.entries.peek(key).filter(|entry| !entry.is_stale(now))?;
        entry.usable(now).cloned()
    }

    /// Cached credentials that AWS still accepts for a while, due for renewal or not.
    pub(super) fn working(&self, key: &K) -> Option<Arc<Credentials>> {
        self.entries.peek(key)?.working(self.clock.now()).cloned()
    }

    /// The cached credentials, or else those of the session that `make` returns, which all concurrent callers share. Shortly
    /// before callers would have to wait for new credentials, they are renewed in the background.
    pub(crate) async fn get<F>(&self, key: K, make: impl FnOnce() -> F + Send + 'static) -> Result<IssuedCredentials, CredentialsRefused>
    where
        F: Future<Output = Result<AwsSession, CredentialsRefused>> + Send + 'static,
    {
        let now = self.clock.now();
        let cached = self.entries.peek(&key);
        if let Some(entry) = &cached {
            let credentials = if entry.is_stale(now) {
                entry.current(now)
            } else {
                entry.usable(now)
            };
            if let Some(credentials) = credentials.cloned() {
                if entry.is_stale(now) && !entry.renewing.swap(true, Ordering::Relaxed) {
                    tokio::spawn(self.clone().renew(key, entry.clone(), make));
                }
                return Ok(IssuedCredentials {
                    credentials,
                    waited: false,
                });
            }
        }
        // A panic is like no answer: the next caller tries again.
        let entry = self.load(key, cached, make).await.ok_or(CredentialsRefused::UNANSWERED)?;
        match (entry.usable(self.clock.now()), &entry.failure) {
            (Some(credentials), _) => Ok(IssuedCredentials {
                credentials: credentials.clone(),
                waited: true,
            }),
            (None, Some(failure)) => Err(failure.refused.clone()),
            (None, None) => Err(CredentialsRefused::UNANSWERED),
        }
    }

    /// Drops the credentials of every key that matches.
    pub(crate) fn invalidate_if(&self, matches: impl Fn(&K) -> bool + Send + Sync + 'static) {
        self.entries.invalidate_if(matches);
    }

    pub(crate) fn entry_count(&self) -> u64 {
        self.entries.entry_count()
    }

    async fn renew<F>(self, key: K, entry: Arc<Entry>, make: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = Result<AwsSession, CredentialsRefused>> + Send + 'static,
    {
        if self.load(key, Some(entry.clone()), make).await.is_none() {
            entry.renewing.store(false, Ordering::Relaxed);
        }
    }

    async fn load<F>(&self, key: K, before: Option<Arc<Entry>>, make: impl FnOnce() -> F + Send + 'static) -> Option<Arc<Entry>>
    where
        F: Future<Output = Result<AwsSession, CredentialsRefused>> + Send + 'static,
    {
        let clock = self.clock.clone();
        let load = async move {
            let issued = make().await.and_then(|session| Credentials::new(&session, &clock));
            let (credentials, failure) = match issued {
                Ok(credentials) => (Some(Arc::new(credentials)), None),
                Err(refused) => {
                    let retry_at = clock.now() + RETRY_AFTER;
                    (
                        before.and_then(|entry| entry.credentials.clone()),
                        Some(Failure { refused, retry_at }),
                    )
                }
            };
            Arc::new(Entry {
                credentials,
                failure,
                renewing: AtomicBool::new(false),
            })
        };
        let clock = self.clock.clone();
        self.entries.get(key, load, move |entry| entry.is_stale(clock.now())).await.ok()
    }
}

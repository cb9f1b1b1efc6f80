//! Credentials for a tenant's documents: assumed through the role chain of the tenant's mode, narrowed to its bucket and
//! key by a session policy, and cached until shortly before they expire. STS is called once, however many callers ask.

mod budget;
mod credentials;
mod document_session;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use budget::SessionRates;
pub(crate) use credentials::Credentials;
pub(crate) use document_session::CredentialsRefused;

use budget::SessionBudget;
use document_session::DocumentSession;
use renewal::RenewingCache;

use crate::clock::SharedClock;
use crate::cloud::Cloud;
use crate::domain::extra_action::ExtraActions;
use crate::domain::grant::Grant;
use crate::domain::identity::CallerTag;
use crate::domain::ids::TenantId;
use crate::read_model::{ActiveEntry, ReadModel, ServingState};

/// How many credentials are cached, for the default grant and for narrower ones. They are cached separately, so a service that
/// keeps requesting new prefixes does not evict the credentials of others.
const CAPACITY: u64 = 100_000;
const NARROWED_CAPACITY: u64 = 20_000;
/// How many changes of the read model are processed at a time.
const CHANGES: usize = 1000;

/// Which session credentials belong to. They are reused across versions of a config for as long as the session would be
/// the same, but never across callers: AWS logs the session under the name of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CredentialKey {
    tenant: TenantId,
    caller: CallerTag,
    session_inputs: u64,
    grant: Grant,
}

impl CredentialKey {
    fn new(active: &ActiveEntry, caller: CallerTag, grant: &Grant) -> Self {
        Self {
            tenant: active.tenant(),
            caller,
            session_inputs: active.document().session_inputs(),
            grant: grant.clone(),
        }
    }
}

/// How credentials are issued.
#[derive(Debug, Clone, Copy)]
pub struct CredentialPolicy {
    pub rates: SessionRates,
    /// How long after the last contact with the database new sessions are requested: later, a token may be revoked or a tenant
    /// suspended that this process has not heard of.
    pub stale_for: Duration,
}

/// Credentials, and whether the caller waited for them: if so, everything that allowed the request may have changed in the meantime.
#[derive(Debug)]
pub(crate) struct IssuedCredentials {
    pub credentials: Arc<Credentials>,
    pub waited: bool,
}

/// The process's cache of credentials. Clones share it.
#[derive(Clone)]
pub struct CredentialCache {
    /// None when the process does not know its AWS region.
    cloud: Option<Arc<dyn Cloud>>,
    stale_for: Duration,
    budget: Arc<SessionBudget>,
    /// What credentials allow beyond what Latchkey needs.
    extra: Arc<ExtraActions>,
    cache: RenewingCache<CredentialKey>,
    narrowed: RenewingCache<CredentialKey>,
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache").finish_non_exhaustive()
    }
}

impl CredentialCache {
    pub(crate) fn new(clock: SharedClock, cloud: Option<Arc<dyn Cloud>>, policy: CredentialPolicy, extra: ExtraActions) -> Self {
        Self {
            cloud,
            stale_for: policy.stale_for,
            extra: Arc::new(extra),
            budget: Arc::new(SessionBudget::new(policy.rates)),
            cache: RenewingCache::new(clock.clone(), CAPACITY),
            narrowed: RenewingCache::new(clock, NARROWED_CAPACITY),
        }
    }

    /// Credentials for a tenant's active storage config. `database_age` is the time since the database confirmed that this
    /// config, the tenant's status and the caller's token are current.
    ///
    /// # Errors
    /// When none are cached, and AWS, a budget, the age or a missing setting prevents making them.
    pub(crate) async fn get(
        &self,
        active: &ActiveEntry,
        caller: CallerTag,
        grant: &Grant,
        database_age: Duration,
    ) -> Result<IssuedCredentials, CredentialsRefused> {
        let held = |credentials| IssuedCredentials {
            credentials,
            waited: false,
        };
        let key = CredentialKey::new(active, caller, grant);
        let cache = self.cache_of(grant);
        if let Some(credentials) = cache.fresh(&key) {
            return Ok(held(credentials));
        }
        if database_age > self.stale_for {
            return cache.working(&key).map(held).ok_or(CredentialsRefused::DatabaseAway);
        }
        let cloud = self.cloud.clone().ok_or(CredentialsRefused::NoRegion)?;
        let (active, grant, budget, extra) = (active.clone(), grant.clone(), self.budget.clone(), self.extra.clone());
        let session = move || async move {
            budget.take(caller, active.tenant())?;
            let storage = active.document().read();
            DocumentSession::new(cloud, storage, caller, &grant, &extra).assume().await
        };
        // Boxed because it is large and rarely used: it must not become part of every request's future.
        Box::pin(cache.get(key, session)).await
    }

    /// Cached credentials that need no renewal yet, and whose issuance is recorded already.
    pub(crate) fn fresh(&self, active: &ActiveEntry, caller: CallerTag, grant: &Grant) -> Option<Arc<Credentials>> {
        let key = CredentialKey::new(active, caller, grant);
        self.cache_of(grant).fresh(&key).filter(|credentials| credentials.is_recorded())
    }

    fn cache_of(&self, grant: &Grant) -> &RenewingCache<CredentialKey> {
        if *grant == Grant::default() { &self.cache } else { &self.narrowed }
    }

    /// How many sessions were requested from STS since the last call.
    pub(crate) fn take_requested(&self) -> u32 {
        self.budget.take_requested()
    }

    /// How many credentials are cached, approximately.
    pub(crate) fn entry_count(&self) -> u64 {
        self.cache.entry_count() + self.narrowed.entry_count()
    }

    /// Drops the credentials of tenants that are suspended or offboarded, as the read model learns of it, until `stop`.
    pub(crate) async fn follow(self, read_model: ReadModel, stop: CancellationToken) {
        let following = async {
            let mut changes = read_model.watch();
            let mut after = None;
            while changes.changed().await.is_ok() {
                loop {
                    let Ok((entries, place)) = read_model.changes(after, CHANGES, |_| true) else {
                        // The database has lost changes, so the read model was reloaded.
                        after = None;
                        continue;
                    };
                    after = place;
                    if entries.is_empty() {
                        break;
                    }
                    let refused = entries.iter().filter(|entry| !matches!(entry.state, ServingState::Active(_)));
                    let refused: Arc<HashSet<TenantId>> = Arc::new(refused.map(|entry| entry.tenant).collect());
                    if !refused.is_empty() {
                        for cache in [&self.cache, &self.narrowed] {
                            let refused = refused.clone();
                            cache.invalidate_if(move |key| refused.contains(&key.tenant));
                        }
                    }
                }
            }
        };
        stop.run_until_cancelled(following).await;
    }
}

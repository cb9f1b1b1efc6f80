//! Credentials for a tenant's documents: assumed through the role chain of the tenant's mode, narrowed to its bucket and
//! key by a session policy, and cached until shortly before they expire. STS is called once, however many callers ask.

mod credentials;
mod document_session;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub(crate) use credentials::Credentials;
pub(crate) use document_session::CredentialsRefused;

use document_session::DocumentSession;
use renewal::RenewingCache;

use crate::clock::SharedClock;
use crate::cloud::Cloud;
use crate::domain::grant::Grant;
use crate::domain::ids::TenantId;
use crate::read_model::{ActiveEntry, ReadModel, ServingState};
use crate::telemetry::metric;

/// How many credentials are cached. The least frequently used are evicted first, so a service that keeps requesting new
/// prefixes does not evict the credentials of others.
const CAPACITY: u64 = 100_000;
/// How many changes of the read model are processed at a time.
const CHANGES: usize = 1000;

/// Which session credentials belong to. They are reused across versions of a config for as long as the session would be
/// the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CredentialKey {
    tenant: TenantId,
    session_inputs: u64,
    grant: Grant,
}

impl CredentialKey {
    fn new(active: &ActiveEntry, grant: Grant) -> Self {
        Self {
            tenant: active.tenant(),
            session_inputs: active.document().session_inputs(),
            grant,
        }
    }
}

/// Credentials, and whether the caller waited for them: if so, the tenant may have been suspended in the meantime.
#[derive(Debug)]
pub struct IssuedCredentials {
    pub credentials: Arc<Credentials>,
    pub waited: bool,
}

/// The process's cache of credentials. Clones share it.
#[derive(Clone)]
pub struct CredentialCache {
    /// None when the process does not know its AWS region.
    cloud: Option<Arc<dyn Cloud>>,
    cache: RenewingCache<CredentialKey>,
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache").finish_non_exhaustive()
    }
}

impl CredentialCache {
    pub fn new(clock: SharedClock, cloud: Option<Arc<dyn Cloud>>) -> Self {
        Self {
            cloud,
            cache: RenewingCache::new(clock, CAPACITY),
        }
    }

    /// Credentials for a tenant's active storage config.
    ///
    /// # Errors
    /// When none are cached, and AWS or a missing setting prevents making them.
    pub async fn get(&self, active: &ActiveEntry, grant: Grant) -> Result<IssuedCredentials, CredentialsRefused> {
        if let Some(credentials) = self.fresh(active, &grant) {
            return Ok(IssuedCredentials {
                credentials,
                waited: false,
            });
        }
        let cloud = self.cloud.clone().ok_or(CredentialsRefused::NoRegion)?;
        let key = CredentialKey::new(active, grant.clone());
        let active = active.clone();
        let session = move || DocumentSession::new(cloud, &active.document().read(), &grant).assume();
        // Boxed because it is large and rarely used: it must not become part of every request's future.
        let issued = Box::pin(self.cache.get(key, session)).await?;
        count(if issued.waited { "waited" } else { "held" });
        Ok(issued)
    }

    /// Cached credentials that need no renewal yet.
    pub fn fresh(&self, active: &ActiveEntry, grant: &Grant) -> Option<Arc<Credentials>> {
        let credentials = self.cache.fresh(&CredentialKey::new(active, grant.clone()))?;
        count("held");
        Some(credentials)
    }

    /// How many credentials are cached, approximately.
    pub fn entry_count(&self) -> u64 {
        self.cache.entry_count()
    }

    /// Drops the credentials of tenants that are suspended or offboarded, as the read model learns of it, until `stop`.
    pub async fn follow(self, read_model: ReadModel, stop: CancellationToken) {
        let following = async {
            let mut changes = read_model.watch();
            let mut after = 0;
            while changes.changed().await.is_ok() {
                // The read model starts over when the database has lost changes.
                after = after.min(read_model.position());
                loop {
                    let (entries, position) = read_model.changes(after, CHANGES, |_| true);
                    if entries.is_empty() {
                        break;
                    }
                    let refused = entries.iter().filter(|entry| !matches!(entry.state, ServingState::Active(_)));
                    let refused: HashSet<TenantId> = refused.map(|entry| entry.tenant).collect();
                    if !refused.is_empty() {
                        self.cache.invalidate_if(move |key| refused.contains(&key.tenant));
                    }
                    after = position;
                }
            }
        };
        stop.run_until_cancelled(following).await;
    }
}

fn count(source: &'static str) {
    metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => source).increment(1);
}

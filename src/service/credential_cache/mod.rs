//! Credentials for a tenant's documents: made by the chain of its mode, narrowed to its bucket and key, and held until
//! shortly before they expire, so that STS is asked once for many callers.

mod chain;
mod drawer;
mod slot;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use moka::sync::Cache;
use tokio_util::sync::CancellationToken;

pub use chain::CredentialsRefused;
pub use slot::Credentials;

use chain::Chain;
use drawer::Drawer;

use crate::clock::SharedClock;
use crate::cloud::Cloud;
use crate::domain::grant::Grant;
use crate::domain::ids::TenantId;
use crate::read_model::{ActiveEntry, ReadModel, ServingState};
use crate::telemetry::metric;

/// How many tenants' credentials are held; those of whoever was not asked for longest go first.
const TENANTS: u64 = 100_000;

/// Credentials, with whether somebody waited for them: then the tenant's standing may have changed meanwhile.
#[derive(Debug)]
pub struct IssuedCredentials {
    pub credentials: Arc<Credentials>,
    pub waited: bool,
}

/// Shared by all who ask.
#[derive(Clone)]
pub struct CredentialCache {
    clock: SharedClock,
    /// None where the process does not know its region.
    cloud: Option<Arc<dyn Cloud>>,
    tenants: Cache<TenantId, Arc<Drawer>>,
}

impl std::fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl CredentialCache {
    pub fn new(clock: SharedClock, cloud: Option<Arc<dyn Cloud>>) -> Self {
        Self {
            clock,
            cloud,
            tenants: Cache::new(TENANTS),
        }
    }

    /// Credentials for what a tenant has active.
    ///
    /// # Errors
    /// When there are none at hand, and none are to be had.
    pub async fn get(&self, active: &ActiveEntry, grant: Grant) -> Result<IssuedCredentials, CredentialsRefused> {
        if let Some(credentials) = self.at_hand(active, &grant) {
            return Ok(IssuedCredentials {
                credentials,
                waited: false,
            });
        }
        // What is rare is large: it is not to be a part of every request.
        let given = Box::pin(self.make(active, grant)).await?;
        if given.waited {
            metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => "waited").increment(1);
        } else {
            metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => "held").increment(1);
        }
        Ok(given)
    }

    /// Credentials that are held, and need not be renewed yet.
    pub fn at_hand(&self, active: &ActiveEntry, grant: &Grant) -> Option<Arc<Credentials>> {
        let drawer = self.tenants.get(&active.tenant()).filter(|drawer| drawer.is_of(active))?;
        let credentials = drawer.held(grant)?.at_hand(self.clock.now())?;
        metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => "held").increment(1);
        Some(credentials)
    }

    async fn make(&self, active: &ActiveEntry, grant: Grant) -> Result<IssuedCredentials, CredentialsRefused> {
        // One drawer for all who come at once.
        let drawer = self
            .tenants
            .entry(active.tenant())
            .and_upsert_with(|before| match before.map(moka::Entry::into_value) {
                Some(drawer) if drawer.is_of(active) => drawer,
                before => Arc::new(Drawer::of(active, before.as_deref())),
            })
            .into_value();
        let slot = drawer.slot(grant, self.clock.now());
        let cloud = self.cloud.as_ref().ok_or(CredentialsRefused::NoRegion)?;
        let session = || Chain::new(cloud.clone(), &drawer.storage(), slot.grant()).session();
        slot.get(&self.clock, session).await
    }

    /// How many tenants' credentials are held, more or less.
    pub fn tenants(&self) -> u64 {
        self.tenants.entry_count()
    }

    /// Drops what is held for tenants that are suspended or have ended, as the directory learns of them, until `stop`.
    pub async fn follow(self, directory: ReadModel, stop: CancellationToken) {
        let following = async {
            let mut news = directory.watch();
            let mut after = 0;
            while news.changed().await.is_ok() {
                // The database was set back: what is known now is all there is.
                after = after.min(directory.position());
                loop {
                    let (entries, position) = directory.changes(after, 1000, |_| true);
                    for entry in &entries {
                        if !matches!(entry.standing, ServingState::Active(_)) {
                            self.tenants.invalidate(&entry.tenant);
                        }
                    }
                    after = position;
                    if entries.is_empty() {
                        break;
                    }
                }
            }
        };
        stop.run_until_cancelled(following).await;
    }
}

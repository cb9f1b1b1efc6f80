//! Verifying storage configs again: finds out whether the result is still what is known, without recording it. If it is not, queues
//! an ordinary verification.

mod budget_check;
mod examine;
pub(crate) mod incidents;
pub(crate) mod pacing;
pub(crate) mod reports;
pub(crate) mod requests;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::request_verification::queue_scheduled;
use super::{Context, document_versions};
use crate::cloud::Cloud;
use crate::domain::document_version::GrantKind;
use crate::domain::ids::TenantRef;
use crate::domain::reverification::{Depth, DueReverification, Outcome, Standing, Timing};
use crate::domain::tenant::ActiveFacts;
use crate::domain::verification::Verdict;
use crate::store::probe_objects::LeftInBucket;
use crate::store::reverifications::Settled;
use crate::store::{self, reverifications, tenants, verifications};
use crate::telemetry::metric;

pub(crate) use budget_check::{BudgetError, fits_budget};
use examine::Examined;
use incidents::IncidentWatch;

/// What re-verification needs besides the context.
#[derive(Clone)]
pub(crate) struct Reverifier {
    pub context: Context,
    pub cloud: Arc<dyn Cloud>,
    pub incidents: IncidentWatch,
    pub stop: CancellationToken,
}

/// How long a process may work on a claimed config: longer than its calls take when none is answered, and than it waits for its turn.
const LEASE: Duration = Duration::from_mins(5);

/// How soon a config is tried again whose tenant has an unfinished verification.
const UNFINISHED: TimeDelta = TimeDelta::seconds(20);

impl Reverifier {
    /// Claims due configs, at most so many.
    pub(crate) async fn claim(&self, limit: i64) -> store::Result<Vec<DueReverification>> {
        let mut db = store::acquire(&self.context.pool).await?;
        reverifications::claim(&mut db, self.context.clock.now(), limit, LEASE).await
    }

    /// Verifies one claimed config again. An error leaves it claimed: it is due again when the lease ends.
    pub(crate) async fn run(&self, due: &DueReverification) -> store::Result<()> {
        if self.has_unfinished(due).await? {
            return self.put_off(due, due.leftovers.clone()).await;
        }
        if self.needs_record(due).await? {
            let left = LeftInBucket {
                objects: &due.leftovers,
                versions: None,
            };
            return self.queue(due, left).await;
        }
        let examined = examine::examine(self, due).await?;
        let (depth, outcome) = (due.depth(), examined.outcome);
        let labels = [("depth", <&str>::from(depth)), ("outcome", <&str>::from(outcome))];
        metrics::counter!(metric::REVERIFICATIONS.name, &labels).increment(1);
        let is_good = outcome == Outcome::Unchanged || examined.verdict == Some(Verdict::Verified);
        self.incidents.count(is_good);
        match outcome {
            // Held back: the cause is not with this customer.
            Outcome::Changed if self.incidents.is_open() && !is_good => {
                let held = Examined {
                    outcome: Outcome::Unanswered,
                    ..examined
                };
                self.settle(due, &held).await
            }
            Outcome::Changed => {
                let left = LeftInBucket {
                    objects: &examined.leftovers,
                    versions: examined.kept_versions,
                };
                self.queue(due, left).await
            }
            Outcome::Unchanged | Outcome::Unanswered => self.settle(due, &examined).await,
        }
    }

    /// Whether the tenant has a verification whose result comes first.
    async fn has_unfinished(&self, due: &DueReverification) -> store::Result<bool> {
        let mut db = store::acquire(&self.context.pool).await?;
        Ok(!verifications::unfinished(&mut db, due.tenant).await?.is_empty())
    }

    /// Whether the result would change the tenant's status, so that it must be recorded whatever it is.
    async fn needs_record(&self, due: &DueReverification) -> store::Result<bool> {
        if due.timing.standing == Standing::Verified {
            return Ok(false);
        }
        let mut db = store::acquire(&self.context.pool).await?;
        let tenant = tenants::find(&mut db, &TenantRef::Id(due.tenant)).await?;
        Ok(tenant.is_some_and(|tenant| tenant.facts.active.as_ref().is_some_and(ActiveFacts::needs_another_look)))
    }

    async fn settle(&self, due: &DueReverification, examined: &Examined) -> store::Result<()> {
        let (clock, schedule) = (&self.context.clock, &self.context.schedule);
        let (depth, now) = (due.depth(), clock.now());
        // A full one shows where the config stands. A light one is made only of verified configs.
        let is_verified = match examined.verdict {
            Some(verdict) => verdict == Verdict::Verified,
            None => due.timing.standing == Standing::Verified,
        };
        let mut before = due.timing;
        if examined.outcome == Outcome::Unchanged && is_verified {
            before.standing = Standing::Verified;
        }
        let settled = Settled {
            timing: schedule.after(due.config, before, depth, examined.outcome, now, clock.fraction()),
            proven: (examined.outcome == Outcome::Unchanged && is_verified).then_some(depth),
            ciphertext: examined.ciphertext.as_ref(),
            leftovers: &examined.leftovers,
        };
        let is_settled = self.end(due, &settled).await?;
        if is_settled && settled.proven == Some(Depth::Full) && examined.proves_documents {
            document_versions::prove(&self.context, due.tenant, due.config, GrantKind::of(&due.storage)).await?;
        }
        Ok(())
    }

    /// Queues an ordinary verification, whose result will decide when the config is due again. It takes over what is left in the bucket.
    async fn queue(&self, due: &DueReverification, left: LeftInBucket<'_>) -> store::Result<()> {
        let (clock, schedule) = (&self.context.clock, &self.context.schedule);
        if !queue_scheduled(&self.context, due.tenant, due.config, left).await? {
            return self.put_off(due, left.objects.to_vec()).await;
        }
        info!(tenant = %due.tenant, depth = %due.depth(), "a re-verification differs from what is known; queued a verification");
        let settled = Settled {
            timing: schedule.after(due.config, due.timing, due.depth(), Outcome::Changed, clock.now(), clock.fraction()),
            proven: None,
            ciphertext: None,
            leftovers: &[],
        };
        self.end(due, &settled).await.map(drop)
    }

    /// Leaves the config due until the tenant's unfinished verification has ended.
    async fn put_off(&self, due: &DueReverification, leftovers: Vec<String>) -> store::Result<()> {
        let settled = Settled {
            timing: Timing {
                due_at: self.context.clock.now() + UNFINISHED,
                ..due.timing
            },
            proven: None,
            ciphertext: None,
            leftovers: &leftovers,
        };
        self.end(due, &settled).await.map(drop)
    }

    /// Ends the claim. False if the verification that was queued has finished already: then its result stands.
    async fn end(&self, due: &DueReverification, settled: &Settled<'_>) -> store::Result<bool> {
        let mut db = store::acquire(&self.context.pool).await?;
        let now = self.context.clock.now();
        let is_settled = reverifications::settle(&mut db, due, settled, now, &self.context.catalogue).await?;
        if !is_settled {
            debug!(config = %due.config, "this re-verification is settled by another");
        }
        Ok(is_settled)
    }

    /// Makes every config due that was verified with other checks or documents, spread over a day.
    pub(crate) async fn adopt_catalogue(&self) -> store::Result<()> {
        let now = self.context.clock.now();
        loop {
            let mut db = store::acquire(&self.context.pool).await?;
            let renewed = reverifications::renew(&mut db, &self.context.catalogue, now, now + TimeDelta::days(1), RENEWED).await?;
            if renewed == 0 {
                return Ok(());
            }
            info!(
                renewed,
                "the checks or the documents changed; storage configs will be verified in full within a day"
            );
        }
    }
}

/// How many configs are brought forward in one transaction.
const RENEWED: i64 = 10_000;

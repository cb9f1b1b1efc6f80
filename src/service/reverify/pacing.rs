//! Keeps re-verification within the budget of calls to AWS, which all processes share.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::domain::account::AccountId;
use crate::domain::ids::VerificationId;
use crate::domain::reverification::DueReverification;
use crate::domain::reverification::budget::{AwsService, Calls};
use crate::service::Context;
use crate::service::credential_cache::CredentialCache;
use crate::store::{self, call_budgets, verifications};

/// How long a schedule waits for its turn before it looks again whether people or services need calls first.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Pacing {
    pub context: Context,
}

impl Pacing {
    /// The account whose limits a config's calls count against.
    fn account(&self, due: &DueReverification) -> Option<AccountId> {
        self.context.vendor.role(due.storage.mode()).map(|role| role.account().clone())
    }

    /// Whether the budget has nothing left for a schedule right now, and for how long.
    pub(crate) async fn busy_for(&self) -> store::Result<Option<Duration>> {
        let mut db = store::acquire(&self.context.pool).await?;
        let now = self.context.clock.now();
        let mut longest = Duration::ZERO;
        for account in self.context.vendor.accounts() {
            if let Some(free_at) = call_budgets::free_at(&mut db, account).await? {
                longest = longest.max((free_at - now).to_std().unwrap_or_default());
            }
        }
        Ok((!longest.is_zero()).then(|| longest.min(PATIENCE)))
    }

    /// Takes the calls of claimed configs, and waits until they may be made.
    pub(crate) async fn wait(&self, due: &[DueReverification]) -> store::Result<()> {
        let mut calls: BTreeMap<String, (AccountId, Vec<Calls>)> = BTreeMap::new();
        for due in due {
            if let Some(account) = self.account(due) {
                let (_, calls) = calls.entry(account.to_string()).or_insert_with(|| (account, Vec::new()));
                calls.push(Calls::of(due.depth(), due.storage.mode()));
            }
        }
        for (account, calls) in calls.into_values() {
            take(&self.context, &account, calls.into_iter().sum(), None).await?;
        }
        Ok(())
    }

    /// Slows all processes down after AWS throttled calls.
    pub(crate) async fn report_throttling(&self, due: &DueReverification, services: &BTreeSet<AwsService>) {
        let (Some(account), false) = (self.account(due), services.is_empty()) else {
            return;
        };
        let services: Vec<AwsService> = services.iter().copied().collect();
        let reported = async {
            let mut db = store::begin(&self.context.pool).await?;
            call_budgets::throttled(&mut db, &account, &services, self.context.clock.now()).await?;
            store::commit(db).await
        };
        match reported.await {
            Ok(()) => info!(%account, ?services, "AWS throttled calls; re-verification slows down"),
            Err(error) => warn!(%error, "cannot record that AWS throttled calls"),
        }
    }
}

/// Takes the calls of a verification that somebody waits for, and waits until they may be made: only for calls that were taken before,
/// since no schedule takes any while others are waiting.
pub(crate) async fn wait_for_person(context: &Context, verification: VerificationId) -> store::Result<()> {
    let mut db = store::acquire(&context.pool).await?;
    let Some(mode) = verifications::mode_of_unfinished(&mut db, verification).await? else {
        return Ok(());
    };
    drop(db);
    match context.vendor.role(mode) {
        Some(role) => take(context, role.account(), Calls::of_full(mode), Some(LONGEST_WAIT)).await,
        None => Ok(()),
    }
}

/// Takes calls, and waits until they may be made.
async fn take(context: &Context, account: &AccountId, calls: Calls, longest: Option<Duration>) -> store::Result<()> {
    let now = context.clock.now();
    let mut db = store::begin(&context.pool).await?;
    let starts = call_budgets::take(&mut db, account, calls, context.rates, now).await?;
    store::commit(db).await?;
    if let Ok(wait) = (starts - now).to_std()
        && !wait.is_zero()
    {
        context.clock.sleep(longest.map_or(wait, |longest| wait.min(longest))).await;
    }
    Ok(())
}

/// How long a verification that somebody waits for is held back by the budget.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often the sessions that services were given are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// Counts the sessions that services were given, until `stop`. They never wait for the budget; everything else waits for them.
pub(crate) async fn count_credentials(context: Context, credentials: CredentialCache, stop: CancellationToken) {
    let counting = async {
        let mut uncounted = 0_u32;
        loop {
            context.clock.sleep(COUNT_INTERVAL).await;
            uncounted = uncounted.saturating_add(credentials.take_requested());
            if uncounted > 0 && count(&context, uncounted).await.is_ok() {
                uncounted = 0;
            }
        }
    };
    stop.run_until_cancelled(counting).await;
}

/// Against every account of the vendor: which mode a session was for is not counted.
async fn count(context: &Context, sessions: u32) -> store::Result<()> {
    let calls = Calls {
        sts: sessions,
        ..Calls::default()
    };
    let mut db = store::begin(&context.pool).await?;
    for account in context.vendor.accounts() {
        call_budgets::count(&mut db, account, calls, context.rates, context.clock.now()).await?;
    }
    store::commit(db).await
}

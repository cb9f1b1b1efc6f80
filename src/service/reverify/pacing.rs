//! Keeps re-verification within the budget of calls to AWS, which all processes share.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::domain::account::AccountId;
use crate::domain::api_result::ApiCall;
use crate::domain::arn::RoleArn;
use crate::domain::ids::VerificationId;
use crate::domain::reverification::DueReverification;
use crate::domain::reverification::budget::{AwsService, Calls};
use crate::domain::storage_config::Mode;
use crate::service::Context;
use crate::service::credential_cache::CredentialCache;
use crate::store::{self, call_budgets, verifications};

/// How long a schedule waits for its turn before it looks again whether people or services need calls first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the budget has nothing left for a schedule right now, and for how long.
pub(crate) async fn busy_for(context: &Context) -> store::Result<Option<Duration>> {
    let mut db = store::acquire(&context.pool).await?;
    let now = context.clock.now();
    let mut longest = Duration::ZERO;
    for account in context.vendor.accounts() {
        if let Some(free_at) = call_budgets::free_at(&mut db, account).await? {
            longest = longest.max((free_at - now).to_std().unwrap_or_default());
        }
    }
    Ok((!longest.is_zero()).then(|| longest.min(PATIENCE)))
}

/// Takes the calls of claimed configs, and waits until they may be made.
pub(crate) async fn wait_for_all(context: &Context, due: &[DueReverification]) -> store::Result<()> {
    for account in context.vendor.accounts() {
        let counted = due.iter().filter(|due| account_of(context, due.storage.mode()) == Some(account));
        let calls: Calls = counted
            .map(|due| Calls::of(due.depth(), due.storage.mode(), &context.vendor.extra))
            .sum();
        if calls != Calls::default() {
            take(context, account, calls, None).await?;
        }
    }
    Ok(())
}

/// The account whose limits the calls of a mode count against.
fn account_of(context: &Context, mode: Mode) -> Option<&AccountId> {
    context.vendor.role(mode).map(RoleArn::account)
}

/// Slows all processes down if AWS throttled any of these calls.
pub(crate) async fn report_throttling<'a>(context: &Context, mode: Mode, calls: impl Iterator<Item = &'a ApiCall>) {
    let services: BTreeSet<AwsService> = calls.filter_map(AwsService::throttled_by).collect();
    let (Some(account), false) = (account_of(context, mode), services.is_empty()) else {
        return;
    };
    let reported = async {
        let mut db = store::begin(&context.pool).await?;
        call_budgets::throttled(&mut db, account, &services, context.clock.now()).await?;
        store::commit(db).await
    };
    match reported.await {
        Ok(()) => info!(%account, ?services, "AWS throttled calls; re-verification slows down"),
        Err(error) => warn!(%error, "cannot record that AWS throttled calls"),
    }
}

/// Takes the calls of a queued verification, and waits until they may be made: only for calls that were taken before, since no schedule
/// takes any while others are waiting.
pub(crate) async fn wait_for_one(context: &Context, verification: VerificationId) -> store::Result<()> {
    let mut db = store::acquire(&context.pool).await?;
    let Some(mode) = verifications::mode_of_unfinished(&mut db, verification).await? else {
        return Ok(());
    };
    drop(db);
    match account_of(context, mode) {
        Some(account) => take(context, account, Calls::of_full(mode, &context.vendor.extra), Some(LONGEST_WAIT)).await,
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

/// How long a queued verification is held back by the budget. Only a wrong time in the database makes it longer.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

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

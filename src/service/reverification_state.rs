//! How re-verification keeps up: its lag, and the use of the budget of calls to AWS.

use chrono::{DateTime, Utc};
use strum::IntoEnumIterator;

use super::Context;
use crate::domain::account::AccountId;
use crate::domain::reverification::budget::AwsService;
use crate::domain::reverification::incident::Incident;
use crate::store::{self, call_budgets, incidents, reverifications};

#[derive(Debug, Clone)]
pub(crate) struct ReverificationState {
    /// How many storage configs are due.
    pub due: i64,
    /// Since when the one is due that waits longest.
    pub due_since: Option<DateTime<Utc>>,
    /// When the active version was last confirmed that was not for longest.
    pub confirmed_longest_ago: Option<DateTime<Utc>>,
    pub budgets: Vec<BudgetUse>,
    pub incident: Option<Incident>,
}

/// The budget of a service in one of the vendor's accounts.
#[derive(Debug, Clone)]
pub(crate) struct BudgetUse {
    pub account: AccountId,
    pub service: AwsService,
    /// Calls per second, over the last minute.
    pub used: f64,
    /// Calls per second that are allowed now: fewer than configured after throttling.
    pub allowed: f64,
    pub configured: u32,
    /// How often the rate is halved now.
    pub halvings: i32,
    /// When AWS last throttled a call.
    pub throttled_at: Option<DateTime<Utc>>,
}

pub(crate) async fn reverification_state(context: &Context) -> store::Result<ReverificationState> {
    let now = context.clock.now();
    let mut db = context.pool.acquire().await?;
    let backlog = reverifications::backlog(&mut db, now).await?;
    let known = call_budgets::list(&mut db).await?;
    let mut budgets = Vec::new();
    for account in context.vendor.accounts() {
        for service in AwsService::iter() {
            let budget = known.iter().find(|(of, other, _)| of == account && *other == service);
            let budget = budget.map(|(_, _, budget)| budget);
            let configured = context.rates.get(service);
            budgets.push(BudgetUse {
                account: account.clone(),
                service,
                used: budget.map_or(0.0, |budget| budget.recent.per_second(now)),
                allowed: budget.map_or(f64::from(configured), |budget| budget.rate(configured, now)),
                configured,
                halvings: budget.map_or(0, |budget| budget.halvings_left(now)),
                throttled_at: budget
                    .map(|budget| budget.throttled_at)
                    .filter(|throttled_at| *throttled_at > DateTime::UNIX_EPOCH),
            });
        }
    }
    Ok(ReverificationState {
        due: backlog.due,
        due_since: backlog.since,
        confirmed_longest_ago: reverifications::confirmed_longest_ago(&mut db).await?,
        budgets,
        incident: incidents::open(&mut db).await?,
    })
}

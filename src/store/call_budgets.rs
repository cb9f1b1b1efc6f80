//! The budget of calls to AWS, shared by all processes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use strum::IntoEnumIterator;

use super::Result;
use super::error::column;
use crate::domain::account::AccountId;
use crate::domain::reverification::budget::{AwsService, CallRates, Calls, RecentCalls, ServiceBudget};

const TABLE: &str = "call_budgets";

/// Locks the budgets of an account until the transaction ends. Always all of them in the same order, so that no two processes wait for
/// each other.
async fn lock(db: &mut PgConnection, account: &AccountId, now: DateTime<Utc>) -> Result<Vec<(AwsService, ServiceBudget)>> {
    let rows = loop {
        let rows = sqlx::query!(
            "select service, free_at, halvings, throttled_at, minute, calls, calls_before from call_budgets where account_id = $1
             order by service for update",
            account.as_str()
        )
        .fetch_all(&mut *db)
        .await?;
        if rows.len() == AwsService::iter().count() {
            break rows;
        }
        let services: Vec<String> = AwsService::iter().map(|service| service.to_string()).collect();
        sqlx::query!(
            "insert into call_budgets (account_id, service, free_at)
             select $1, service, $3 from unnest($2::text[]) as service order by service on conflict do nothing",
            account.as_str(),
            &services,
            now,
        )
        .execute(&mut *db)
        .await?;
    };
    rows.into_iter()
        .map(|row| {
            let budget = ServiceBudget {
                free_at: row.free_at,
                halvings: row.halvings,
                throttled_at: row.throttled_at,
                recent: RecentCalls {
                    minute: row.minute,
                    calls: row.calls,
                    before: row.calls_before,
                },
            };
            Ok((column(TABLE, account, &row.service)?, budget))
        })
        .collect()
}

async fn put(db: &mut PgConnection, account: &AccountId, service: AwsService, budget: &ServiceBudget) -> Result<()> {
    let service: &str = service.into();
    sqlx::query!(
        "update call_budgets set free_at = $3, halvings = $4, throttled_at = $5, minute = $6, calls = $7, calls_before = $8
         where account_id = $1 and service = $2",
        account.as_str(),
        service,
        budget.free_at,
        budget.halvings,
        budget.throttled_at,
        budget.recent.minute,
        budget.recent.calls,
        budget.recent.before,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When all services of the account are free.
pub(crate) async fn free_at(db: &mut PgConnection, account: &AccountId) -> Result<Option<DateTime<Utc>>> {
    let free = sqlx::query_scalar!("select max(free_at) from call_budgets where account_id = $1", account.as_str());
    Ok(free.fetch_one(db).await?)
}

/// Takes calls. Returns when they may be made.
pub(crate) async fn take(
    db: &mut PgConnection,
    account: &AccountId,
    calls: Calls,
    rates: CallRates,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let mut starts = now;
    for (service, mut budget) in lock(db, account, now).await? {
        let wanted = calls.get(service);
        if wanted > 0 {
            starts = starts.max(budget.take(wanted, rates.get(service), now));
            put(db, account, service, &budget).await?;
        }
    }
    Ok(starts)
}

/// Counts calls that do not wait.
pub(crate) async fn count(db: &mut PgConnection, account: &AccountId, calls: Calls, rates: CallRates, now: DateTime<Utc>) -> Result<()> {
    for (service, mut budget) in lock(db, account, now).await? {
        let made = calls.get(service);
        if made > 0 {
            budget.count(made, rates.get(service), now);
            put(db, account, service, &budget).await?;
        }
    }
    Ok(())
}

/// AWS throttled calls to these services.
pub(crate) async fn throttled(
    db: &mut PgConnection,
    account: &AccountId,
    services: &BTreeSet<AwsService>,
    now: DateTime<Utc>,
) -> Result<()> {
    for (service, mut budget) in lock(db, account, now).await? {
        if services.contains(&service) {
            budget.throttled(now);
            put(db, account, service, &budget).await?;
        }
    }
    Ok(())
}

/// The budgets of all accounts.
pub(crate) async fn list(db: &mut PgConnection) -> Result<Vec<(AccountId, AwsService, ServiceBudget)>> {
    sqlx::query!("select account_id, service, free_at, halvings, throttled_at, minute, calls, calls_before from call_budgets order by account_id, service")
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|row| {
            let account = column(TABLE, &row.account_id, &row.account_id)?;
            let service = column(TABLE, &row.account_id, &row.service)?;
            let budget = ServiceBudget {
                free_at: row.free_at,
                halvings: row.halvings,
                throttled_at: row.throttled_at,
                recent: RecentCalls {
                    minute: row.minute,
                    calls: row.calls,
                    before: row.calls_before,
                },
            };
            Ok((account, service, budget))
        })
        .collect()
}

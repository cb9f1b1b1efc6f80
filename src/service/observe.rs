//! Gauges that belong to no request or run: queue depth, tenants by status, failing checks, expiring tokens. Each process samples them
//! periodically, so scraping does not cause queries.

use std::time::Duration;

use metrics::gauge;
use strum::IntoEnumIterator;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Context;
use crate::domain::check::CheckName;
use crate::domain::reverification::budget::AwsService;
use crate::domain::token::Role;
use crate::store::{self, Outage, Pools, call_budgets, document_versions, jobs, reverifications, stats, tokens};
use crate::telemetry::metric::{self, number};

/// The interval between samples.
const INTERVAL: Duration = Duration::from_secs(10);
/// Sampling takes at most one part in this many of the time.
const MIN_IDLE_FACTOR: u32 = 50;

/// Samples until `stop`.
pub(crate) async fn observe(context: Context, stop: CancellationToken) {
    let sampling = async {
        let mut was_successful = true;
        loop {
            let began = context.clock.instant();
            let sampled = sample(&context).await;
            if let Err(error) = &sampled
                && std::mem::replace(&mut was_successful, false)
            {
                warn!(%error, "cannot query queue and tenant metrics; they are stale");
            }
            was_successful |= sampled.is_ok();
            gauge!(metric::DATABASE_UP.name).set(f64::from(u8::from(sampled.is_ok())));
            let took = context.clock.instant().saturating_duration_since(began);
            context.clock.sleep(INTERVAL.max(took * MIN_IDLE_FACTOR)).await;
        }
    };
    stop.run_until_cancelled(sampling).await;
}

async fn sample(context: &Context) -> store::Result<()> {
    match super::document_versions::record(context).await {
        Ok(documents) => gauge!(metric::DOCUMENT_VERSION.name).set(number(documents.number)),
        // A read-only database may not know them yet.
        Err(error) if error.outage() == Some(Outage::RefusesChanges) => {}
        Err(error) => return Err(error),
    }
    let began = context.clock.instant();
    let mut db = context.pool.acquire().await?;
    let waited = context.clock.instant().saturating_duration_since(began);
    gauge!(metric::DATABASE_ACQUIRE.name).set(waited.as_secs_f64());
    let depth = jobs::depth(&mut db).await?;
    let states = [
        ("ready", depth.ready),
        ("later", depth.later),
        ("running", depth.running),
        ("failed", depth.failed),
    ];
    for (state, jobs) in states {
        gauge!(metric::QUEUE_JOBS.name, "state" => state).set(number(jobs));
    }
    gauge!(metric::QUEUE_OLDEST.name).set(depth.oldest_seconds);
    let now = context.clock.now();
    let backlog = reverifications::backlog(&mut db, now).await?;
    gauge!(metric::REVERIFICATIONS_DUE.name).set(number(backlog.due));
    let oldest = backlog.since.map_or(0.0, |since| (now - since).as_seconds_f64());
    gauge!(metric::REVERIFICATIONS_OLDEST.name).set(oldest);
    let budgets = call_budgets::list(&mut db).await?;
    for service in AwsService::iter() {
        let of_service = || {
            budgets
                .iter()
                .filter(|(_, other, _)| *other == service)
                .map(|(_, _, budget)| budget)
        };
        let busy = of_service().map(|budget| (budget.free_at - now).as_seconds_f64().max(0.0));
        let configured = context.rates.get(service);
        let rate = of_service().map(|budget| budget.rate(configured, now));
        let label = [("service", <&str>::from(service))];
        gauge!(metric::CALL_BUDGET_BUSY.name, &label).set(busy.fold(0.0, f64::max));
        gauge!(metric::CALL_BUDGET_RATE.name, &label).set(rate.fold(f64::from(configured), f64::min));
    }
    for count in document_versions::count_tenants(&mut db).await? {
        let version = count.verified.map_or_else(|| "none".to_owned(), |number| number.to_string());
        gauge!(metric::TENANTS_BY_DOCUMENTS.name, "version" => version).set(number(count.tenants));
    }
    for (status, tenants) in stats::tenants_by_status(&mut db).await? {
        gauge!(metric::TENANTS.name, "status" => <&str>::from(status)).set(number(tenants));
    }
    let failing = stats::tenants_by_failing_check(&mut db).await?;
    for check in CheckName::iter() {
        let tenants = failing.iter().find(|(name, _)| *name == check).map_or(0, |(_, tenants)| *tenants);
        gauge!(metric::TENANTS_FAILING.name, "check" => <&str>::from(check)).set(number(tenants));
    }
    let expiring = tokens::expiring(&mut db, context.clock.now()).await?;
    for role in Role::iter() {
        let of_role = expiring.iter().filter(|token| token.role == role).count();
        gauge!(metric::TOKENS_EXPIRING.name, "role" => <&str>::from(role)).set(number(of_role));
    }
    Ok(())
}

/// Records the current size of the connection pools.
pub(crate) fn record_pool_sizes(pools: &Pools) {
    for (name, pool) in [("public", &pools.public), ("private", &pools.private), ("worker", &pools.worker)] {
        let (held, idle) = (f64::from(pool.size()), number(pool.num_idle()));
        gauge!(metric::DATABASE_CONNECTIONS.name, "pool" => name, "state" => "idle").set(idle);
        gauge!(metric::DATABASE_CONNECTIONS.name, "pool" => name, "state" => "used").set((held - idle).max(0.0));
        gauge!(metric::DATABASE_CONNECTIONS_MAX.name, "pool" => name).set(f64::from(pool.options().get_max_connections()));
    }
}

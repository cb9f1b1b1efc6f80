//! Keeps the schedule in step with the tenants: which storage configs are verified again, and when.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::domain::ids::StorageConfigId;
use crate::domain::reverification::schedule::NEVER;
use crate::domain::reverification::{KeptCiphertext, Standing};
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{BREACH_RECHECK_AFTER, DEGRADED_AFTER, Tenant};
use crate::domain::verification::Verdict;
use crate::service::Context;
use crate::store::{self, active_configs, reverifications, storage_configs, verifications};

/// What a recorded verification showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded<'a> {
    pub verdict: Verdict,
    pub is_breach: bool,
    pub ciphertext: Option<&'a KeptCiphertext>,
    /// Another rejection would change the tenant's status.
    pub needs_another_look: bool,
}

/// Schedules a config after a recorded verification. The tenant must be locked.
pub(crate) async fn after_verification(
    context: &Context,
    db: &mut PgConnection,
    config: &StorageConfig,
    recorded: Recorded<'_>,
) -> store::Result<()> {
    let now = context.clock.now();
    let before = reverifications::timing(db, config.id).await?;
    let standing = match recorded.verdict {
        Verdict::Verified => Standing::Verified,
        Verdict::Rejected => Standing::Rejected,
        Verdict::Inconclusive => Standing::Unanswered,
        // It says nothing about this version.
        Verdict::Superseded => return Ok(()),
    };
    let mut timing = match (standing, &before) {
        (Standing::Verified, None) => context.schedule.first(config.id, now),
        _ => context
            .schedule
            .after_verification(config.id, before, standing, now, context.clock.fraction()),
    };
    if recorded.needs_another_look && standing == Standing::Rejected {
        let again_after: TimeDelta = if recorded.is_breach { BREACH_RECHECK_AFTER } else { DEGRADED_AFTER };
        timing.due_at = now + again_after;
    }
    let verified_at = (standing == Standing::Verified).then_some(now);
    reverifications::put(db, config, &timing, recorded.ciphertext, verified_at, &context.catalogue).await
}

/// Removes configs that are not verified again anymore, and adds those that are again. Every transaction that changes a tenant's facts
/// must call this. The tenant must be locked.
pub(crate) async fn refresh(context: &Context, db: &mut PgConnection, tenant: &Tenant) -> store::Result<()> {
    let wanted = wanted(db, tenant).await?;
    let ids: Vec<StorageConfigId> = wanted.iter().map(|wanted| wanted.config.id).collect();
    reverifications::keep_only(db, tenant.id, &ids).await?;
    for Wanted {
        config,
        standing,
        verified_at,
    } in wanted
    {
        if !reverifications::exists(db, config.id).await? {
            let now = context.clock.now();
            let mut timing = context.schedule.first(config.id, now);
            timing.standing = standing;
            // For example after a suspension: nothing is known of the time since.
            if standing != Standing::Verified || timing.due_at < NEVER {
                timing.due_at = now;
                timing.full_due_at = now;
            }
            reverifications::put(db, &config, &timing, None, verified_at, &context.catalogue).await?;
        }
    }
    Ok(())
}

/// A config that is to be verified again.
struct Wanted {
    config: StorageConfig,
    standing: Standing,
    /// When it was last verified, if it is active.
    verified_at: Option<DateTime<Utc>>,
}

/// The active version, and the newest one if it was rejected or has no result.
async fn wanted(db: &mut PgConnection, tenant: &Tenant) -> store::Result<Vec<Wanted>> {
    let facts = &tenant.facts;
    if facts.offboarded_at.is_some() || facts.suspended_at.is_some() {
        return Ok(Vec::new());
    }
    let mut wanted = Vec::new();
    let active = active_configs::find(db, tenant.id).await?;
    if let Some(newest) = storage_configs::newest(db, tenant.id).await?
        && active.as_ref().is_none_or(|active| active.config.version < newest.version)
        && let Some(standing) = standing_of(db, &newest).await?
    {
        wanted.push(Wanted {
            config: newest,
            standing,
            verified_at: None,
        });
    }
    if let Some(active) = active {
        wanted.push(Wanted {
            standing: standing_of(db, &active.config).await?.unwrap_or(Standing::Verified),
            config: active.config,
            verified_at: Some(active.verified_at),
        });
    }
    Ok(wanted)
}

/// The standing of a version whose last verification was not successful.
async fn standing_of(db: &mut PgConnection, config: &StorageConfig) -> store::Result<Option<Standing>> {
    Ok(match verifications::newest_verdict(db, config.id).await? {
        Some(Verdict::Rejected) => Some(Standing::Rejected),
        Some(Verdict::Inconclusive) => Some(Standing::Unanswered),
        Some(Verdict::Verified | Verdict::Superseded) | None => None,
    })
}

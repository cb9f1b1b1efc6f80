//! What changed since a version was verified before.

use sqlx::PgConnection;

use crate::domain::drift::{self, Drift};
use crate::domain::finding::Finding;
use crate::domain::ids::VerificationId;
use crate::domain::storage_config::StorageConfig;
use crate::domain::verification::Verification;
use crate::service::Context;
use crate::store::{self, reverifications};

/// Records what differs from the version's last result. The tenant must be locked.
pub(super) async fn record(
    context: &Context,
    db: &mut PgConnection,
    known: &Verification,
    config: &StorageConfig,
    verification: VerificationId,
    findings: &[Finding],
) -> store::Result<Vec<Drift>> {
    let seen = reverifications::of_active(db, config.tenant_id).await?;
    let mut drifts = Vec::new();
    for difference in drift::between(&known.findings, findings) {
        let not_before = match seen {
            Some(seen) if drift::is_seen_lightly(difference.check) => seen.light_at.max(seen.full_at),
            Some(seen) => seen.full_at,
            None => None,
        };
        let drift = Drift {
            id: context.clock.uuid().into(),
            tenant: config.tenant_id,
            config: config.id,
            version: config.version,
            verification,
            not_before: not_before.max(known.finished_at),
            found_at: context.clock.now(),
            difference,
        };
        store::drifts::insert(db, &drift).await?;
        drifts.push(drift);
    }
    Ok(drifts)
}

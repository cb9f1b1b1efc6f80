//! Verifications that were superseded before they finished.

use serde_json::json;
use sqlx::PgConnection;

use super::webhooks::announce;
use super::{Caller, Context};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::TenantId;
use crate::domain::verification::{Verdict, VerificationState};
use crate::store;
use crate::store::verifications::DroppedVerification;

/// Records verifications that were superseded.
pub(super) async fn audit_superseded(
    context: &Context,
    db: &mut PgConnection,
    caller: &Caller,
    tenant: TenantId,
    dropped: &[DroppedVerification],
) -> store::Result<()> {
    for dropped in dropped {
        let before = json!({"state": dropped.state, "verdict": null});
        let after = json!({"state": VerificationState::Finished, "verdict": Verdict::Superseded});
        let which = json!({"verification_id": dropped.id, "version": dropped.version});
        let difference = AuditChange::between(&before, &after).with(which);
        context
            .audit(db, caller, AuditAction::VerificationSuperseded, Some(tenant), difference)
            .await?;
        announce::verification_finished(context, db, dropped.id).await?;
    }
    Ok(())
}

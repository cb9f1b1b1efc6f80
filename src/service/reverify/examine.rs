//! One re-verification: makes the calls of its depth, and compares what they show with what is known.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::join;
use tokio::sync::mpsc::unbounded_channel;
use tracing::{error, warn};

use super::{Reverifier, pacing};
use crate::domain::check::CheckName;
use crate::domain::document_version::prove_documents;
use crate::domain::drift;
use crate::domain::evidence::KeptVersions;
use crate::domain::ids::VerificationId;
use crate::domain::reverification::{DueReverification, KeptCiphertext, Outcome, Standing};
use crate::domain::verification::Verdict;
use crate::service::{Context, put_lease};
use crate::store::{self, active_configs, probe_objects, reverifications, storage_configs, verifications};
use crate::verifier::{self, PutLease, RunReport, VerificationSubject};

/// What a re-verification found out.
pub(super) struct Examined {
    pub outcome: Outcome,
    /// Of a full one with a result.
    pub verdict: Option<Verdict>,
    /// A full one showed that the issued documents are applied.
    pub proves_documents: bool,
    pub ciphertext: Option<KeptCiphertext>,
    /// Keys of our objects that may still be in the bucket.
    pub leftovers: Vec<String>,
    /// Why the bucket keeps versions, if it does.
    pub kept_versions: Option<KeptVersions>,
}

pub(super) async fn examine(reverifier: &Reverifier, due: &DueReverification) -> store::Result<Examined> {
    let context = &reverifier.context;
    let mode = due.storage.mode();
    let Some(vendor_role) = context.vendor.role(mode).cloned() else {
        error!(tenant = %due.tenant, %mode, "the vendor role of this mode is not configured; the tenant cannot be verified again");
        return Ok(Examined {
            outcome: Outcome::Unanswered,
            verdict: None,
            proves_documents: false,
            ciphertext: None,
            leftovers: due.leftovers.clone(),
            kept_versions: None,
        });
    };
    let Some(probe_key) = &due.probe_key else {
        let evidence = verifier::light(reverifier.cloud.as_ref(), &vendor_role, due).await;
        pacing::report_throttling(context, mode, evidence.calls()).await;
        return Ok(Examined {
            outcome: evidence.outcome(),
            verdict: None,
            proves_documents: false,
            ciphertext: None,
            leftovers: due.leftovers.clone(),
            kept_versions: None,
        });
    };
    let subject = VerificationSubject {
        verification: VerificationId::from(context.clock.uuid()),
        tenant: due.tenant,
        storage: due.storage.clone(),
        vendor_role,
        other_role: context.vendor.other_role(mode).cloned(),
        external_id: due.external_id.clone(),
        accepted_ids: due.accepted_ids.clone(),
        retired_id: None,
        probe_key: probe_key.clone(),
        put_until: due.leased_until - put_lease::margin(context.lease),
        leftovers: due.leftovers.clone(),
        known_versions: known_versions(context, due).await?,
    };
    full(reverifier, due, &subject).await
}

/// Nothing is written again to a bucket that is known to keep versions.
async fn known_versions(context: &Context, due: &DueReverification) -> store::Result<Option<KeptVersions>> {
    if due.timing.standing == Standing::Verified {
        return Ok(None);
    }
    let mut db = store::acquire(&context.pool).await?;
    probe_objects::kept_versions(&mut db, due.config).await
}

async fn full(reverifier: &Reverifier, due: &DueReverification, subject: &VerificationSubject) -> store::Result<Examined> {
    let context = &reverifier.context;
    let (found, mut findings) = unbounded_channel();
    let lease = ClaimLease { context, due };
    let run = verifier::run(
        reverifier.cloud.as_ref(),
        &context.clock,
        &context.vendor,
        subject,
        &lease,
        found,
        &reverifier.stop,
    );
    // Nothing is recorded while it runs.
    let (report, ()) = join(run, async { while findings.recv().await.is_some() {} }).await;
    pacing::report_throttling(context, due.storage.mode(), report.calls()).await;
    let (outcome, verdict) = compare(context, due, &report).await?;
    Ok(Examined {
        outcome,
        verdict,
        proves_documents: verdict == Some(Verdict::Verified) && prove_documents(&report.findings),
        ciphertext: report.ciphertext,
        leftovers: report.leftovers,
        kept_versions: report.kept_versions,
    })
}

/// Compares a full one with the last recorded result.
async fn compare(context: &Context, due: &DueReverification, report: &RunReport) -> store::Result<(Outcome, Option<Verdict>)> {
    let mut verdict = Verdict::of(&report.findings);
    if report.stopped || verdict == Verdict::Inconclusive {
        return Ok((Outcome::Unanswered, None));
    }
    let mut db = store::begin(&context.pool).await?;
    let Some(known) = verifications::newest_result(&mut db, due.config).await? else {
        return Ok((Outcome::Changed, Some(verdict)));
    };
    // The last check is made in the database, when a version becomes active.
    if verdict == Verdict::Verified
        && known.failing().any(|check| check == CheckName::BucketNotClaimed)
        && let Some(config) = storage_configs::find(&mut db, due.config).await?
        && active_configs::is_claimed(&mut db, &config).await?
    {
        verdict = Verdict::Rejected;
    }
    let is_same = known.verdict == Some(verdict) && drift::between(&known.findings, &report.findings).is_empty();
    // A rejection counts only if it is recorded.
    let is_known = is_same && (verdict == Verdict::Verified || due.timing.standing == Standing::Rejected);
    Ok((if is_known { Outcome::Unchanged } else { Outcome::Changed }, Some(verdict)))
}

/// The lease of a claimed config.
struct ClaimLease<'a> {
    context: &'a Context,
    due: &'a DueReverification,
}

#[async_trait]
impl PutLease for ClaimLease<'_> {
    async fn remaining(&self) -> Option<Duration> {
        put_lease::remaining(self.context, async {
            let mut db = store::begin(&self.context.pool).await?;
            reverifications::remaining(&mut db, self.due, self.context.clock.now()).await
        })
        .await
        .unwrap_or_else(|error| {
            warn!(config = %self.due.config, %error, "cannot confirm the lease; the probe object is not written");
            None
        })
    }
}

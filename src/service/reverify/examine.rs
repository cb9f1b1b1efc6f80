//! One re-verification: makes the calls of its depth, and compares what they show with what is known.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join;
use tokio::sync::mpsc::unbounded_channel;
use tracing::{error, warn};

use super::Reverifier;
use crate::domain::drift;
use crate::domain::ids::VerificationId;
use crate::domain::reverification::budget::AwsService;
use crate::domain::reverification::{DueReverification, KeptCiphertext, Outcome};
use crate::domain::storage_config::Mode;
use crate::domain::verification::Verdict;
use crate::service::Context;
use crate::service::run_verification::put_lease;
use crate::store::{self, reverifications, verifications};
use crate::verifier::{self, PutLease, RunReport, VerificationSubject};

/// What a re-verification found out.
pub(super) struct Examined {
    pub outcome: Outcome,
    pub ciphertext: Option<KeptCiphertext>,
    /// Keys of our objects that may still be in the bucket.
    pub leftovers: Vec<String>,
    pub throttled: BTreeSet<AwsService>,
}

pub(super) async fn examine(reverifier: &Reverifier, due: &DueReverification) -> store::Result<Examined> {
    let context = &reverifier.context;
    let mode = due.storage.mode();
    let Some(vendor_role) = context.vendor.role(mode).cloned() else {
        error!(tenant = %due.tenant, %mode, "the vendor role of this mode is not configured; the tenant cannot be verified again");
        return Ok(Examined {
            outcome: Outcome::Unanswered,
            ciphertext: None,
            leftovers: due.leftovers.clone(),
            throttled: BTreeSet::new(),
        });
    };
    let Some(probe_key) = &due.probe_key else {
        let evidence = verifier::light(reverifier.cloud.as_ref(), &vendor_role, due).await;
        return Ok(Examined {
            outcome: evidence.outcome(),
            ciphertext: None,
            leftovers: due.leftovers.clone(),
            throttled: evidence.calls().filter_map(AwsService::throttled_by).collect(),
        });
    };
    let subject = VerificationSubject {
        verification: VerificationId::from(context.clock.uuid()),
        storage: due.storage.clone(),
        vendor_role,
        other_role: context.vendor.direct_role.clone().filter(|_| mode == Mode::AssumeRole),
        external_id: due.external_id.clone(),
        accepted_ids: due.accepted_ids.clone(),
        retired_id: None,
        probe_key: probe_key.clone(),
        put_until: due.leased_until - put_lease::margin(context.lease),
        leftovers: due.leftovers.clone(),
    };
    full(reverifier, due, &subject).await
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
    let exchanges = report.findings.iter().filter_map(|finding| finding.exchange.as_ref());
    Ok(Examined {
        outcome: compare(context, due, &report).await?,
        throttled: exchanges.filter_map(AwsService::throttled_by).collect(),
        ciphertext: report.ciphertext,
        leftovers: report.leftovers,
    })
}

async fn compare(context: &Context, due: &DueReverification, report: &RunReport) -> store::Result<Outcome> {
    let verdict = Verdict::of(&report.findings);
    if report.stopped || verdict == Verdict::Inconclusive {
        return Ok(Outcome::Unanswered);
    }
    let mut db = store::begin(&context.pool).await?;
    let known = verifications::newest_result(&mut db, due.config).await?;
    Ok(match known {
        Some(known) if known.verdict == Some(verdict) && drift::between(&known.findings, &report.findings).is_empty() => Outcome::Unchanged,
        _ => Outcome::Changed,
    })
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

//! Running a queued verification: starts it under a lease, records findings as they arrive, and finishes it with a verdict.

mod activation;
mod drifts;
mod rotation;

use std::sync::LazyLock;

use chrono::TimeDelta;
use futures::future::join;
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tracing::{Span, error, info, warn};

use self::activation::Activation;
use super::mail::notify;
use super::put_lease::{self, DatabaseLease};
use super::reverification_schedule::{self, Recorded};
use super::reverify::pacing;
use super::webhooks::announce;
use super::{Caller, Context, document_versions};
use crate::cloud::Cloud;
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::check::{CheckName, FaultSide};
use crate::domain::document_version::{GrantKind, prove_documents};
use crate::domain::finding::Finding;
use crate::domain::ids::{TenantRef, VerificationId};
use crate::domain::message::findings;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::Rotation;
use crate::domain::verification::{PROBE_PREFIX, Trigger, Verdict, VerificationState};
use crate::rate_limiter::Limiter;
use crate::store::jobs::JobOrigin;
use crate::store::lease::Lease;
use crate::store::probe_objects::LeftInBucket;
use crate::store::verifications::{ClaimedRun, LeaseStatus, StartedRun};
use crate::store::{self, Constraint, active_configs, incidents, jobs, reverifications, storage_configs, tenants, verifications};
use crate::telemetry::metric;
use crate::verifier::{self, RunReport, VerificationSubject};

/// How soon a queued verification is tried again, should the running one of its tenant not start it.
const WAITING_LOOK: TimeDelta = TimeDelta::minutes(1);

/// Runs a verification to its end. Does nothing if it is already finished, so the job may run twice.
///
/// # Errors
/// Database errors. By then the run has cleaned up as far as it could, and can be started again.
pub async fn run_verification(context: &Context, cloud: &dyn Cloud, id: VerificationId, cause: &JobOrigin) -> store::Result<()> {
    let Some((started, config, subject)) = start_run(context, id, cause).await? else {
        return Ok(());
    };
    Span::current().record("tenant", tracing::field::display(started.tenant_id));
    let lease = &started.lease;
    let Some(subject) = subject else {
        error!(verification = %id, "the vendor role of this mode is not configured; the verification cannot run");
        let unanswered = Finding::inconclusive(
            CheckName::VendorRoleAssumable,
            FaultSide::Vendor,
            findings::vendor_role_gone(),
            None,
        );
        let report = RunReport {
            findings: vec![unanswered.clone()],
            leftovers: started.leftovers.clone(),
            stopped: false,
            ciphertext: None,
            key: None,
            kept_versions: started.known_versions,
        };
        record_batch(context, lease, &[unanswered]).await?;
        return finish(context, &started, &config, None, &report, cause).await;
    };

    let stop = CancellationToken::new();
    let (found, findings) = unbounded_channel();
    let put_lease = DatabaseLease { context, lease };
    let (report, written) = join(
        Box::pin(verifier::run(
            cloud,
            &context.clock,
            &context.vendor,
            &subject,
            &put_lease,
            found,
            &stop,
        )),
        record_findings(context, lease, findings, &stop),
    )
    .await;
    written?;
    pacing::report_throttling(context, config.storage.mode(), report.calls()).await;
    finish(context, &started, &config, Some(&subject), &report, cause).await
}

/// Starts the verification. There is no subject if its mode is no longer offered. While another worker's lease is still good,
/// the verification is queued for the time when it has ended.
async fn start_run(
    context: &Context,
    id: VerificationId,
    cause: &JobOrigin,
) -> store::Result<Option<(StartedRun, StorageConfig, Option<VerificationSubject>)>> {
    let mut db = store::begin(&context.pool).await?;
    let random: [u8; 8] = context.clock.random();
    let probe_name = format!("{PROBE_PREFIX}{id}-{:016x}", u64::from_be_bytes(random));
    let claimed = match verifications::start(&mut db, id, &probe_name, context.lease, context.clock.now()).await {
        Err(store::StoreError::Constraint(Constraint::VerificationsOneRunning)) => {
            drop(db);
            keep_waiting(context, id, cause).await?;
            return Ok(None);
        }
        claimed => claimed?,
    };
    let started = match claimed {
        ClaimedRun::Started(started) => started,
        ClaimedRun::Leased { until } => {
            jobs::enqueue_attempt(&mut db, id, Some(until), cause).await?;
            store::commit(db).await?;
            info!(verification = %id, %until, "the lost worker's lease has not expired; taking over when it does");
            return Ok(None);
        }
        ClaimedRun::Finished => return Ok(None),
    };
    let missing = |what| store::StoreError::inconsistent("verifications", id, what);
    let tenant = tenants::find(&mut db, &TenantRef::Id(started.tenant_id))
        .await?
        .ok_or_else(|| missing("its tenant is missing"))?;
    let config = storage_configs::find(&mut db, started.config_id)
        .await?
        .ok_or_else(|| missing("its config is missing"))?;
    store::commit(db).await?;
    let accepted_ids = tenant.accepted_ids();
    let (external_id, retired_id) = match tenant.rotation {
        Some(Rotation::Issued { next }) if started.trigger == Trigger::Rotation => (next, None),
        Some(Rotation::Ending { previous }) if started.trigger == Trigger::Rotation => (tenant.external_id, Some(previous)),
        _ => (tenant.external_id, None),
    };
    let subject = context.vendor.role(config.storage.mode()).map(|role| VerificationSubject {
        verification: id,
        tenant: started.tenant_id,
        storage: config.storage.clone(),
        vendor_role: role.clone(),
        other_role: context.vendor.other_role(config.storage.mode()).cloned(),
        external_id,
        accepted_ids,
        retired_id,
        probe_key: started.probe_key.clone(),
        put_until: started.lease.until - put_lease::margin(context.lease),
        leftovers: started.leftovers.clone(),
        known_versions: started.known_versions,
    });
    Ok(Some((started, config, subject)))
}

/// Leaves the verification queued while another one of its tenant is running.
async fn keep_waiting(context: &Context, id: VerificationId, cause: &JobOrigin) -> store::Result<()> {
    let mut db = store::begin(&context.pool).await?;
    jobs::keep_waiting(&mut db, id, context.clock.now() + WAITING_LOOK, cause).await?;
    store::commit(db).await
}

/// Records findings as they arrive. Stops the run if it is superseded, its lease is lost, or a write fails.
async fn record_findings(
    context: &Context,
    lease: &Lease,
    mut findings: UnboundedReceiver<Finding>,
    stop: &CancellationToken,
) -> store::Result<()> {
    let mut outcome = Ok(());
    let mut batch = Vec::new();
    while findings.recv_many(&mut batch, 32).await > 0 {
        if outcome.is_ok() {
            match record_batch(context, lease, &batch).await {
                Ok(LeaseStatus::Held) => {}
                Ok(LeaseStatus::Superseded | LeaseStatus::Lost) => stop.cancel(),
                Err(error) => {
                    stop.cancel();
                    outcome = Err(error);
                }
            }
        }
        batch.clear();
    }
    outcome
}

async fn record_batch(context: &Context, lease: &Lease, findings: &[Finding]) -> store::Result<LeaseStatus> {
    let mut db = store::begin(&context.pool).await?;
    let status = verifications::lease_status(&mut db, lease).await?;
    if status != LeaseStatus::Lost {
        verifications::record(&mut db, lease, findings).await?;
        store::commit(db).await?;
    }
    Ok(status)
}

/// One fault of the vendor's affects many verifications, so it is logged once a minute.
static ALARMS: LazyLock<Limiter<(CheckName, String)>> = LazyLock::new(|| Limiter::per_minute(1, 1));

/// Logs problems that only the vendor can fix as errors, for alerting.
fn alert(lease: &Lease, findings: &[Finding]) {
    let faults = findings
        .iter()
        .filter(|finding| finding.side == Some(FaultSide::Vendor) && finding.skipped_because.is_none());
    for finding in faults {
        let exchange = finding.exchange.as_ref();
        let code = exchange.and_then(|exchange| exchange.code.as_deref()).unwrap_or("none");
        let operation = exchange.map_or("none", |exchange| exchange.operation.as_str());
        let check: &str = finding.check.into();
        metrics::counter!(metric::VENDOR_FAULTS.name, "check" => check, "code" => code.to_owned()).increment(1);
        if ALARMS.check(&(finding.check, code.to_owned())).is_err() {
            continue;
        }
        error!(
            verification = %lease.verification, check = %finding.check, operation, code,
            "the vendor's own setup blocks a verification; run `latchkey check-config --aws` for details"
        );
    }
}

/// Counts the verification and its findings.
fn measure(verdict: Verdict, findings: &[Finding], seconds: f64) {
    let verdict: &str = verdict.into();
    metrics::counter!(metric::VERIFICATIONS.name, "verdict" => verdict).increment(1);
    metrics::histogram!(metric::VERIFICATION_DURATION.name, "verdict" => verdict).record(seconds);
    for finding in findings {
        let labels: [(&str, &str); 2] = [("check", finding.check.into()), ("status", finding.status.into())];
        metrics::counter!(metric::CHECKS.name, &labels).increment(1);
        if let Some(exchange) = &finding.exchange {
            metrics::histogram!(metric::CHECK_DURATION.name, &labels[..1]).record(exchange.duration);
        }
    }
}

/// While many tenants fail together, no scheduled verification rejects one.
async fn held_back(db: &mut PgConnection, trigger: Trigger, verdict: Verdict) -> store::Result<Verdict> {
    let is_rejected = trigger == Trigger::Scheduled && verdict == Verdict::Rejected;
    Ok(if is_rejected && incidents::open(db).await?.is_some() {
        Verdict::Inconclusive
    } else {
        verdict
    })
}

/// Decides when the version is verified again.
async fn schedule_next(
    context: &Context,
    db: &mut PgConnection,
    started: &StartedRun,
    config: &StorageConfig,
    verdict: Verdict,
    is_breach: bool,
    report: &RunReport,
) -> store::Result<()> {
    if started.trigger == Trigger::Rotation {
        // Its result is about the other external ID. Whether the one in use still works is for another verification to say.
        if verdict == Verdict::Rejected {
            reverifications::make_due(db, config.tenant_id, context.clock.now()).await?;
        }
        return Ok(());
    }
    let tenant = tenants::find(db, &TenantRef::Id(config.tenant_id)).await?;
    let recorded = Recorded {
        verdict,
        is_breach,
        ciphertext: report.ciphertext.as_ref(),
        needs_another_look: tenant
            .and_then(|tenant| tenant.facts.active)
            .is_some_and(|active| active.version == config.version && active.needs_another_look()),
    };
    reverification_schedule::after_verification(context, db, config, recorded).await
}

async fn finish(
    context: &Context,
    started: &StartedRun,
    config: &StorageConfig,
    subject: Option<&VerificationSubject>,
    report: &RunReport,
    cause: &JobOrigin,
) -> store::Result<()> {
    alert(&started.lease, &report.findings);
    let lease = &started.lease;
    let documents = document_versions::current(context).await?;
    let now = context.clock.now();
    let mut db = store::begin(&context.pool).await?;
    // Lock the tenant first: the steps below depend on its rotation and its active version.
    tenants::find_locked(&mut db, &TenantRef::Id(config.tenant_id)).await?;
    let was_active = active_configs::find(&mut db, config.tenant_id).await?;
    let active = was_active.as_ref().map(|active| &active.config);
    let verdict = match verifications::lease_status(&mut db, lease).await? {
        LeaseStatus::Lost => {
            warn!(verification = %lease.verification, "another worker took over this verification");
            return Ok(());
        }
        LeaseStatus::Superseded => Verdict::Superseded,
        // Another version was activated since this verification was requested.
        LeaseStatus::Held if active.is_some_and(|active| config.version < active.version) => Verdict::Superseded,
        LeaseStatus::Held if started.trigger == Trigger::Rotation && !rotation::is_wanted(&mut db, config.tenant_id, subject).await? => {
            Verdict::Superseded
        }
        LeaseStatus::Held => held_back(&mut db, started.trigger, Verdict::of(&report.findings)).await?,
    };
    let attempts = usize::try_from(lease.attempt).unwrap_or(usize::MAX);
    let elapsed = (now - started.started_at).to_std().unwrap_or_default();
    let left = LeftInBucket {
        objects: &report.leftovers,
        versions: report.kept_versions,
    };
    if let Some(gap) = context.retry_policy.next(verdict, &report.findings, attempts, elapsed) {
        let until = now + gap;
        verifications::wait(&mut db, lease, left, until).await?;
        jobs::enqueue_attempt(&mut db, lease.verification, Some(until), cause).await?;
        store::commit(db).await?;
        metrics::counter!(metric::ATTEMPTS_REPEATED.name).increment(1);
        info!(verification = %lease.verification, %verdict, attempt = lease.attempt, ?gap, "the attempt will be retried");
        return Ok(());
    }
    let activation = match verdict {
        Verdict::Verified => activation::activate(context, &mut db, lease, config, active).await?,
        _ => Activation::Unchanged,
    };
    let verdict = match activation {
        Activation::Claimed => Verdict::Rejected,
        _ => verdict,
    };
    activation::close(context, &mut db, lease, config, verdict).await?;
    let is_breach = verdict == Verdict::Rejected && report.findings.iter().any(Finding::is_breach);
    let has_result = matches!(verdict, Verdict::Verified | Verdict::Rejected) && started.trigger != Trigger::Rotation;
    let was_known = if has_result {
        verifications::newest_result(&mut db, config.id).await?
    } else {
        None
    };
    verifications::finish(&mut db, lease, verdict, is_breach, left, now).await?;
    if let Some(queued) = verifications::queued(&mut db, config.tenant_id).await? {
        jobs::start_waiting(&mut db, queued).await?;
    }

    let is_active = active.is_some_and(|active| active.id == config.id);
    let caller = Caller::system();
    activation.audit(context, &mut db, config, active).await?;
    if let (Verdict::Verified, Trigger::Rotation, Some(subject)) = (verdict, started.trigger, subject) {
        rotation::advance(context, &mut db, config.tenant_id, subject).await?;
    }
    let drifts = match was_known {
        Some(known) if is_active => drifts::record(context, &mut db, &known, config, lease.verification, &report.findings).await?,
        _ => Vec::new(),
    };
    schedule_next(context, &mut db, started, config, verdict, is_breach, report).await?;
    let shows_documents = verdict == Verdict::Verified
        && prove_documents(&report.findings)
        && match started.trigger {
            Trigger::Submission | Trigger::Manual => true,
            Trigger::Scheduled => document_versions::are_shown(&mut db, config.id, GrantKind::of(&config.storage), &documents).await?,
            Trigger::Rotation => false,
        };
    if shows_documents {
        document_versions::set_verified(context, &mut db, config.tenant_id, config.id, &documents).await?;
    }
    let after = json!({"state": VerificationState::Finished, "verdict": verdict});
    let mut detail = json!({"verification_id": lease.verification, "version": config.version, "trigger": started.trigger});
    if !report.leftovers.is_empty() {
        detail["leftovers"] = json!(report.leftovers);
    }
    let finished = AuditChange::made(&after).with(detail);
    context
        .audit(
            &mut db,
            &caller,
            AuditAction::VerificationFinished,
            Some(config.tenant_id),
            finished,
        )
        .await?;
    announce::verification_finished(context, &mut db, lease.verification).await?;
    activation.announce(context, &mut db, config, active).await?;
    announce::drifted(context, &mut db, config, &drifts).await?;
    if let Some(key) = report.key.as_ref().filter(|key| key.is_pending_deletion())
        && drifts.iter().any(|drift| drift.difference.check == CheckName::KeySuitable)
    {
        notify::key_pending_deletion(context, &mut db, config, key.deletion_at).await?;
    }
    announce::refresh(context, &mut db, config.tenant_id).await?;
    notify::finished(context, &mut db, config, lease.verification, verdict).await?;
    store::commit(db).await?;
    measure(verdict, &report.findings, elapsed.as_secs_f64());
    Span::current().record("verdict", tracing::field::display(verdict));
    info!(verification = %lease.verification, tenant = %config.tenant_id, version = config.version, %verdict, "verification finished");
    if !report.leftovers.is_empty() {
        metrics::counter!(metric::LEFTOVERS.name).increment(1);
        warn!(verification = %lease.verification, keys = ?report.leftovers, "probe objects could not be deleted");
    }
    Ok(())
}

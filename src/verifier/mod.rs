//! Runs one verification: makes AWS calls through [`crate::cloud`] and evaluates their results with
//! [`crate::domain::evaluator`].
//!
//! Every [`steps::Step`] starts as soon as its inputs are available. So a run takes as many round trips as its longest chain
//! of dependencies (its *waves*), however many calls it makes.

mod calls;
mod extra;
mod light;
mod limited;
mod outside;
mod production;
mod run_state;
mod sessions;
mod steps;
#[cfg(test)]
mod tests;
mod unauthorized;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::cloud::{AwsSession, BucketCall, Cloud, KeyCall, SessionName};
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::ApiCall;
use crate::domain::arn::RoleArn;
use crate::domain::check::CheckName;
use crate::domain::evaluator::Evaluator;
use crate::domain::evidence::{KeptVersions, KeyFacts, RoundTrip};
use crate::domain::external_id::ExternalId;
use crate::domain::extra_action::ExtraActions;
use crate::domain::finding::Finding;
use crate::domain::ids::{TenantId, VerificationId};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::reverification::KeptCiphertext;
use crate::domain::storage_config::Storage;
use crate::domain::templates::TemplateParams;
use crate::domain::templates::sid::SidSuffix;
use crate::domain::unauthorized::UnauthorizedCaller;
use crate::domain::vendor::Vendor;
use crate::domain::vendor_network::VendorNetwork;

pub use light::light;
use run_state::RunState;
use steps::Step;

/// What to verify.
#[derive(Debug, Clone)]
pub struct VerificationSubject {
    pub verification: VerificationId,
    pub tenant: TenantId,
    pub storage: Storage,
    pub vendor_role: RoleArn,
    /// `assume_role`: the vendor's customer-facing role, which bucket and key must deny.
    pub other_role: Option<RoleArn>,
    pub external_id: ExternalId,
    /// The external IDs that the statements of a fix accept: the tenant's, and during a rotation also the other one.
    pub accepted_ids: Vec<ExternalId>,
    /// The external ID that must be denied after a rotation.
    pub retired_id: Option<ExternalId>,
    /// The key of this run's probe object, recorded before the run so that a crash cannot hide it.
    pub probe_key: String,
    /// The time from which AWS denies writing it, by the run's session policy.
    pub put_until: DateTime<Utc>,
    /// Keys of objects that earlier runs may have left in the bucket. If the probe object's is among them, it is written again.
    pub leftovers: Vec<String>,
    /// Why the bucket keeps versions, as an earlier attempt found out. Then this one writes nothing.
    pub known_versions: Option<KeptVersions>,
}

/// The right of a run to write its probe object.
#[async_trait]
pub trait PutLease: Send + Sync {
    /// How long a put may still take. None when no put may be sent anymore.
    async fn remaining(&self) -> Option<Duration>;
}

/// The result of a run. Its findings were already sent.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    pub findings: Vec<Finding>,
    /// Keys of our objects that may still be in the bucket.
    pub leftovers: Vec<String>,
    /// The run was stopped before every call was made.
    pub stopped: bool,
    /// What the run encrypted with the key, if it could also decrypt it.
    pub ciphertext: Option<KeptCiphertext>,
    /// What AWS said of the key.
    pub key: Option<KeyFacts>,
    /// Why the bucket keeps versions, if it does.
    pub kept_versions: Option<KeptVersions>,
}

impl RunReport {
    /// The calls that decided the findings.
    pub fn calls(&self) -> impl Iterator<Item = &ApiCall> {
        self.findings.iter().filter_map(|finding| finding.exchange.as_ref())
    }
}

/// The immutable side of a run.
struct VerificationRun<'a> {
    cloud: &'a dyn Cloud,
    subject: &'a VerificationSubject,
    stop: &'a CancellationToken,
    put_lease: &'a dyn PutLease,
    session_name: SessionName,
    probe_prefix: String,
    /// What is listed: the probe objects, or with `read` all objects, of which one is read.
    list_prefix: String,
    /// What the vendor's services may do beyond what Latchkey needs.
    extra: &'a ExtraActions,
    /// Where the vendor's calls come from, if customers deny them from elsewhere.
    network: Option<&'a VendorNetwork>,
    /// An external ID in the issued format that was issued to no tenant.
    random_id: ExternalId,
    plaintext: [u8; 32],
    body: [u8; 64],
}

impl VerificationRun<'_> {
    /// The bucket, with that session or without credentials.
    fn bucket(&self, session: Option<&AwsSession>) -> BucketCall {
        let storage = &self.subject.storage;
        BucketCall {
            session: session.cloned(),
            bucket: storage.bucket.name().clone(),
            region: storage.region.clone(),
            owner: Some(storage.bucket_account.clone()),
            pays: false,
        }
    }

    fn key(&self, session: &AwsSession) -> KeyCall {
        KeyCall {
            session: session.clone(),
            key: self.subject.storage.key.clone(),
        }
    }
}

/// Runs every check of the subject's mode once. Findings go to `found` as they are made. After `stop` is cancelled, no call
/// is made except those that clean up.
pub async fn run(
    cloud: &dyn Cloud,
    clock: &SharedClock,
    vendor: &Vendor,
    subject: &VerificationSubject,
    put_lease: &dyn PutLease,
    found: UnboundedSender<Finding>,
    stop: &CancellationToken,
) -> RunReport {
    let run = VerificationRun {
        cloud,
        subject,
        stop,
        put_lease,
        session_name: SessionName::of_verification(subject.verification),
        probe_prefix: subject.storage.probe_prefix(),
        list_prefix: match subject.storage.level {
            AccessLevel::ReadWrite => subject.storage.probe_prefix(),
            AccessLevel::Read => subject.storage.prefix.as_ref().map_or_else(String::new, StoragePrefix::to_string),
        },
        extra: &vendor.extra,
        network: vendor.network.as_ref(),
        random_id: ExternalId::from_random(clock.random()),
        plaintext: clock.random(),
        body: clock.random(),
    };
    let params = TemplateParams {
        posture: vendor.posture,
        extra: vendor.extra.clone(),
        network: vendor.network.clone(),
        sid_suffix: Some(SidSuffix::of(subject.tenant)),
        ..TemplateParams::of_storage(&subject.storage, subject.vendor_role.clone(), subject.accepted_ids.clone())
    };
    let retires = subject.retired_id.is_some();
    let mut evaluator = Evaluator::new(vendor, &subject.storage, &params);
    let mode = subject.storage.mode();
    let callers: Vec<_> = UnauthorizedCaller::of_run(mode, retires, subject.other_role.is_some()).collect();
    let mut state = RunState::new(
        &subject.storage,
        &subject.probe_key,
        subject.leftovers.clone(),
        retires,
        subject.known_versions.filter(|_| vendor.requires(CheckName::VersioningDisabled)),
        &callers,
    );
    let mut waiting = Step::of_run(vendor, mode, subject.storage.level, retires, &callers);
    if vendor.probes_network() {
        waiting.extend(Step::from_outside(subject.storage.level));
    }
    let mut in_flight = FuturesUnordered::new();
    let mut object_calls = 0_usize;

    loop {
        // A step may be waiting for a cleanup.
        for _ in 0..2 {
            waiting.retain(|step| {
                if stop.is_cancelled() && !step.cleans_up() {
                    return true;
                }
                let Some(call) = step.start(&run, &state) else {
                    return true;
                };
                object_calls += usize::from(step.needs_object());
                in_flight.push(call);
                false
            });
            while let Some((clean_up, session)) = state.next_clean_up(object_calls == 0, in_flight.is_empty(), &subject.probe_key) {
                in_flight.push(steps::delete(&run, &session, clean_up));
            }
        }
        let Some(completed) = in_flight.next().await else {
            break;
        };
        object_calls -= usize::from(completed.used_object);
        (completed.record)(&mut state);
        for finding in evaluator.settle(&state.evidence) {
            // There may be no receiver. The report contains every finding.
            let _ = found.send(finding);
        }
    }
    for finding in evaluator.close(&state.evidence) {
        let _ = found.send(finding);
    }
    let decrypts = matches!(&state.evidence.decrypt, Some(decrypt) if decrypt.granted() == Some(&RoundTrip::Same));
    let ciphertext = state.ciphertext.take().filter(|_| decrypts).map(|ciphertext| KeptCiphertext {
        ciphertext,
        plaintext_sha256: Sha256::digest(run.plaintext).to_vec(),
    });
    let key = state.evidence.describe_key.as_ref().and_then(|key| key.granted()).cloned();
    let kept_versions = state.evidence.kept_versions();
    RunReport {
        findings: evaluator.findings().cloned().collect(),
        leftovers: state.leftovers(&subject.probe_key),
        stopped: stop.is_cancelled(),
        ciphertext,
        key,
        kept_versions,
    }
}

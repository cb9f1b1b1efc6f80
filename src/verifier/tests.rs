//! Runs against a scripted AWS: how many round trips they take, and that faults never turn a verdict into its opposite.

mod extra;
mod fixes;
mod scripted;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rstest::rstest;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use self::extra::every_extra_action;
use self::scripted::Scripted;
use super::{PutLease, RunReport, VerificationSubject, light, run};
use crate::clock::{SharedClock, SystemClock};
use crate::cloud::{AwsSession, BucketCall, CallMode, Cloud, DocumentCall, KeyCall, SessionName};
use crate::domain::access_level::AccessLevel;
use crate::domain::account::AccountId;
use crate::domain::api_result::{AccessDenied, ApiCall, ApiResult, DenialReason, DeniedBy, Outcome, PolicyKind};
use crate::domain::arn::{BucketArn, KeyArn, RoleArn};
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::evidence::{DeletedObject, KeptVersions, KeyFacts, ReadObject, StoredObject};
use crate::domain::external_id::ExternalId;
use crate::domain::extra_action::{BucketExtra, ExtraAction, ExtraActions, ExtraCall, KeyExtra, ObjectExtra};
use crate::domain::finding::Finding;
use crate::domain::region::Region;
use crate::domain::reverification::budget::Calls;
use crate::domain::reverification::schedule::Schedule;
use crate::domain::reverification::{self, DueReverification, KeptCiphertext};
use crate::domain::storage_config::{Access, Mode, Storage};
use crate::domain::vendor::Vendor;
use crate::domain::vendor_network::{VendorNetwork, VpcEndpoints};
use crate::domain::verification::Verdict;

const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const LATENCY: Duration = Duration::from_millis(50);
const GOOD: &str = "good";
const UNAUTHORIZED: &str = "unauthorized";

fn issued() -> ExternalId {
    ExternalId::parse("lk-0123456789abcdef0123456789abcdef01234567").unwrap()
}

fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

fn network() -> VendorNetwork {
    VendorNetwork {
        source_ips: vec!["52.57.10.20/32".parse().unwrap()],
        endpoints: VpcEndpoints::These(Vec::new()),
        is_probed: true,
    }
}

fn subject(mode: Mode) -> VerificationSubject {
    VerificationSubject {
        verification: uuid::Uuid::nil().into(),
        tenant: uuid::Uuid::nil().into(),
        storage: Storage {
            access: match mode {
                Mode::Direct => Access::Direct,
                Mode::AssumeRole => Access::AssumeRole {
                    role: RoleArn::parse("arn:aws:iam::222222222222:role/documents").unwrap(),
                },
            },
            bucket: BucketArn::parse("arn:aws:s3:::acme-documents").unwrap(),
            region: region(),
            key: KeyArn::parse(KEY).unwrap(),
            bucket_account: AccountId::parse("222222222222").unwrap(),
            prefix: None,
            level: AccessLevel::ReadWrite,
            sample_object: None,
        },
        vendor_role: RoleArn::parse("arn:aws:iam::111111111111:role/vendor").unwrap(),
        other_role: (mode == Mode::AssumeRole).then(|| RoleArn::parse("arn:aws:iam::111111111111:role/direct").unwrap()),
        external_id: issued(),
        accepted_ids: vec![issued()],
        retired_id: None,
        probe_key: "latchkey-probe/this".into(),
        put_until: DateTime::UNIX_EPOCH,
        leftovers: Vec::new(),
        known_versions: None,
    }
}

/// A lease that has this left.
struct Left(Option<Duration>);

#[async_trait]
impl PutLease for Left {
    async fn remaining(&self) -> Option<Duration> {
        self.0
    }
}

async fn verify(cloud: &Scripted, subject: &VerificationSubject, stop: &CancellationToken) -> RunReport {
    verify_with(cloud, subject, &Left(Some(Duration::from_mins(1))), stop).await
}

async fn verify_with(cloud: &Scripted, subject: &VerificationSubject, lease: &Left, stop: &CancellationToken) -> RunReport {
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let (found, _findings) = unbounded_channel();
    run(cloud, &clock, &Vendor::unnamed(), subject, lease, found, stop).await
}

#[expect(clippy::disallowed_methods, reason = "time is paused: it counts sequential round trips")]
fn paused_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The verdict, apart from the check that no other tenant uses the bucket.
fn verdict(report: &RunReport) -> Verdict {
    Verdict::of(&report.findings)
}

/// How many calls each service got.
fn calls(cloud: &Scripted) -> Calls {
    let outside = cloud.outside.as_deref();
    let count = |by| {
        let each = std::iter::once(cloud).chain(outside);
        each.map(|cloud| cloud.services.lock().unwrap().get(&by).copied().unwrap_or_default())
            .sum()
    };
    Calls {
        sts: count(DeniedBy::Sts),
        kms: count(DeniedBy::Kms),
        s3: count(DeniedBy::S3),
    }
}

/// What a verification takes from the budget is what it calls at most, with the vendor's sessions that are usually shared and with the
/// optional checks of the bucket's settings, but without the attempts of a rotation.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_run_calls_what_it_takes_from_the_budget(#[values(Mode::AssumeRole, Mode::Direct)] mode: Mode) {
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let lease = Left(Some(Duration::from_mins(1)));
    for extra in [ExtraActions::default(), every_extra_action()] {
        let cloud = Scripted::probed();
        let vendor = Vendor {
            posture: true,
            network: Some(network()),
            extra: extra.clone(),
            ..Vendor::unnamed()
        };
        let (found, _findings) = unbounded_channel();
        run(&cloud, &clock, &vendor, &subject(mode), &lease, found, &CancellationToken::new()).await;
        assert_eq!(calls(&cloud), Calls::of_full(mode, &extra));
    }
}

/// What is known to keep versions is not written to again, unless the vendor accepts it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_bucket_that_keeps_versions_is_written_to_only_if_the_vendor_accepts_it(#[values(false, true)] accepts: bool) {
    let cloud = Scripted::new();
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let advisory = accepts.then_some(CheckName::VersioningDisabled);
    let vendor = Vendor {
        advisory_checks: advisory.into_iter().collect(),
        ..Vendor::unnamed()
    };
    let subject = VerificationSubject {
        known_versions: Some(KeptVersions::Versioning),
        ..subject(Mode::AssumeRole)
    };
    let (found, _findings) = unbounded_channel();
    let lease = Left(Some(Duration::from_mins(1)));
    let report = run(&cloud, &clock, &vendor, &subject, &lease, found, &CancellationToken::new()).await;
    let writable = report.findings.iter().find(|finding| finding.check == CheckName::ObjectWritable);
    let expected = if accepts { CheckStatus::Passed } else { CheckStatus::Skipped };
    assert_eq!(writable.map(|finding| finding.status), Some(expected), "{:#?}", report.findings);
}

fn due(subject: VerificationSubject, ciphertext: Option<KeptCiphertext>) -> DueReverification {
    DueReverification {
        config: uuid::Uuid::nil().into(),
        tenant: uuid::Uuid::nil().into(),
        storage: subject.storage,
        external_id: subject.external_id,
        accepted_ids: subject.accepted_ids,
        timing: Schedule::OFF.first(uuid::Uuid::nil().into(), DateTime::UNIX_EPOCH),
        leased_until: DateTime::UNIX_EPOCH,
        lease: 1,
        ciphertext,
        probe_key: None,
        leftovers: Vec::new(),
    }
}

/// With read access there is no ciphertext, so a read of the named object shows whether access works.
#[rstest]
#[case::as_before(None, reverification::Outcome::Unchanged)]
#[case::denied(Some("s3:GetObject"), reverification::Outcome::Changed)]
#[tokio::test(start_paused = true)]
async fn a_light_one_reads_the_sample_object(#[case] refused: Option<&'static str>, #[case] outcome: reverification::Outcome) {
    let cloud = Scripted {
        refused,
        ..Scripted::new()
    };
    let mut subject = subject(Mode::Direct);
    let vendor_role = subject.vendor_role.clone();
    subject.storage.level = AccessLevel::Read;
    subject.storage.sample_object = Some("documents/1".to_owned());
    let evidence = light(&cloud, &vendor_role, &due(subject, None)).await;
    assert_eq!(evidence.outcome(), outcome);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_light_one_makes_at_most_five_calls(#[values(Mode::AssumeRole, Mode::Direct)] mode: Mode) {
    let cloud = Scripted::new();
    let subject = subject(mode);
    let vendor_role = subject.vendor_role.clone();
    let kept = KeptCiphertext {
        ciphertext: vec![1],
        plaintext_sha256: Vec::new(),
    };
    let evidence = light(&cloud, &vendor_role, &due(subject, Some(kept))).await;
    assert!(evidence.calls().count() <= 5);
    let (made, taken) = (calls(&cloud), Calls::LIGHT);
    // The storage role's session is shared by many.
    let shared = u32::from(mode == Mode::AssumeRole);
    assert_eq!((made.sts - shared, made.kms, made.s3), (taken.sts, taken.kms, taken.s3));
}

#[rstest]
#[case(Mode::AssumeRole, 52)]
#[case(Mode::Direct, 49)]
#[tokio::test(start_paused = true)]
async fn a_run_takes_as_many_round_trips_as_it_has_waves(#[case] mode: Mode, #[case] at_most: usize) {
    let cloud = Scripted::new();
    let begun = paused_now();
    let report = verify(&cloud, &subject(mode), &CancellationToken::new()).await;
    assert_eq!(verdict(&report), Verdict::Verified, "{:#?}", report.findings);
    let waves = begun.elapsed().as_millis() / LATENCY.as_millis();
    assert_eq!(waves, 5);
    let calls = cloud.calls.load(Ordering::Relaxed);
    assert!(calls <= at_most, "{calls} calls");
    assert!(cloud.objects.lock().unwrap().is_empty() && report.leftovers.is_empty());
}

/// Calls from outside of the vendor's network are made together with those from within.
#[rstest]
#[tokio::test(start_paused = true)]
async fn calls_from_outside_take_no_more_round_trips(
    #[values(Mode::AssumeRole, Mode::Direct)] mode: Mode,
    #[values(AccessLevel::ReadWrite, AccessLevel::Read)] level: AccessLevel,
) {
    let mut subject = subject(mode);
    subject.storage.level = level;
    let mut waves = Vec::new();
    for network in [None, Some(network())] {
        let (cloud, clock): (_, SharedClock) = (Scripted::probed(), std::sync::Arc::new(SystemClock));
        let vendor = Vendor {
            network,
            ..Vendor::unnamed()
        };
        let (found, _findings) = unbounded_channel();
        let begun = paused_now();
        let lease = Left(Some(Duration::from_mins(1)));
        let report = run(&cloud, &clock, &vendor, &subject, &lease, found, &CancellationToken::new()).await;
        assert_eq!(verdict(&report), Verdict::Verified, "{:#?}", report.findings);
        let restricted = report.findings.iter().find(|finding| finding.check == CheckName::NetworkRestricted);
        assert_eq!(
            restricted.map(|finding| finding.status),
            vendor.probes_network().then_some(CheckStatus::Passed)
        );
        waves.push(begun.elapsed().as_millis() / LATENCY.as_millis());
    }
    assert_eq!(waves[0], waves[1]);
}

/// 2,400 runs in which calls get no answer, or take effect and lose the answer.
#[rstest]
#[case(Mode::AssumeRole)]
#[case(Mode::Direct)]
#[tokio::test(start_paused = true)]
async fn faults_never_turn_a_verdict_into_its_opposite(#[case] mode: Mode) {
    let mut seen = HashSet::new();
    for seed in 0..400 {
        for (refused, open) in [(None, false), (Some("s3:GetObject"), false), (None, true)] {
            let percent = [2, 10, 40][usize::try_from(seed % 3).unwrap()];
            let cloud = Scripted {
                refused,
                open,
                ..Scripted::new()
            }
            .with_faults(percent, seed);
            let report = verify(&cloud, &subject(mode), &CancellationToken::new()).await;
            let verdict = verdict(&report);
            let right = refused.is_none() && !open;
            if right {
                assert_ne!(verdict, Verdict::Rejected, "seed {seed}: {:#?}", report.findings);
            } else {
                assert_ne!(verdict, Verdict::Verified, "seed {seed}: {:#?}", report.findings);
            }
            seen.insert((right, verdict));
            let left = cloud.objects.lock().unwrap();
            let said: Vec<&str> = report.leftovers.iter().map(String::as_str).collect();
            for object in left.iter() {
                let key = object.split(' ').next().unwrap();
                assert!(said.contains(&key), "seed {seed}: {key} is left over but not reported");
            }
        }
    }
    for expected in [
        (true, Verdict::Verified),
        (true, Verdict::Inconclusive),
        (false, Verdict::Rejected),
        (false, Verdict::Inconclusive),
    ] {
        assert!(seen.contains(&expected), "{expected:?} never occurred, so the faults prove nothing");
    }
}

#[rstest]
#[case(Mode::AssumeRole)]
#[case(Mode::Direct)]
#[tokio::test(start_paused = true)]
async fn nothing_is_written_to_a_bucket_that_unauthorized_callers_can_use(#[case] mode: Mode) {
    let cloud = Scripted {
        open: true,
        ..Scripted::new()
    };
    let report = verify(&cloud, &subject(mode), &CancellationToken::new()).await;
    assert_eq!(verdict(&report), Verdict::Rejected);
    assert!(cloud.objects.lock().unwrap().is_empty());
    let written = report.findings.iter().find(|finding| finding.check == CheckName::ObjectWritable);
    assert_eq!(written.unwrap().status, CheckStatus::Skipped);
}

/// A customer who names somebody else's open role or bucket must not learn anything from calls with it.
#[rstest]
#[case(Mode::AssumeRole, CheckName::RoleRequiresExternalId)]
#[case(Mode::Direct, CheckName::BucketNotPublic)]
#[tokio::test(start_paused = true)]
async fn where_unauthorized_callers_get_in_nothing_else_is_called(#[case] mode: Mode, #[case] open: CheckName) {
    let cloud = Scripted {
        open: true,
        ..Scripted::new()
    };
    let report = verify(&cloud, &subject(mode), &CancellationToken::new()).await;
    let sts = HashSet::from([DeniedBy::Sts]);
    assert_eq!(*cloud.own_services.lock().unwrap(), sts);
    if mode == Mode::AssumeRole {
        let called: HashSet<DeniedBy> = cloud.services.lock().unwrap().keys().copied().collect();
        assert_eq!(called, sts);
    }
    let failed: Vec<CheckName> = report
        .findings
        .iter()
        .filter(|finding| finding.status == CheckStatus::Failed)
        .map(|f| f.check)
        .collect();
    let told: Vec<&Finding> = report.findings.iter().filter(|finding| finding.exchange.is_some()).collect();
    assert!(failed.contains(&open), "{failed:?}");
    let about_sessions = [CheckName::VendorRoleAssumable, CheckName::ClientRoleAssumable];
    for finding in told {
        assert!(
            failed.contains(&finding.check) || about_sessions.contains(&finding.check),
            "{finding:#?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn leftovers_of_earlier_runs_are_deleted_even_if_the_run_is_stopped() {
    let cloud = Scripted::new();
    cloud.objects.lock().unwrap().insert("latchkey-probe/earlier 00".into());
    let subject = VerificationSubject {
        leftovers: vec!["latchkey-probe/earlier".into()],
        ..subject(Mode::AssumeRole)
    };
    let report = verify(&cloud, &subject, &CancellationToken::new()).await;
    assert!(cloud.objects.lock().unwrap().is_empty() && report.leftovers.is_empty());

    let stopped = CancellationToken::new();
    stopped.cancel();
    let report = verify(&cloud, &subject, &stopped).await;
    assert!(report.stopped);
    assert_eq!(
        report.leftovers,
        ["latchkey-probe/earlier"],
        "without a session nothing can be deleted, and the report says so"
    );
    assert_ne!(verdict(&report), Verdict::Verified);
}

/// A run that is stopped makes no further call, except those that clean up.
#[rstest]
#[tokio::test(start_paused = true)]
async fn an_upload_that_was_started_is_aborted_even_if_the_run_is_stopped(
    #[values(Mode::AssumeRole, Mode::Direct)] mode: Mode,
    #[values("s3:CreateMultipartUpload", "s3:ListMultipartUploadParts")] at: &'static str,
) {
    let stop = CancellationToken::new();
    let cloud = Scripted {
        stops_at: Some((at, stop.clone())),
        ..Scripted::new()
    };
    let report = verify(&cloud, &subject(mode), &stop).await;
    assert!(report.stopped);
    assert!(cloud.uploads.lock().unwrap().is_empty());
    assert!(cloud.objects.lock().unwrap().is_empty() && report.leftovers.is_empty());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_object_of_an_earlier_run_is_deleted_after_the_last_call(#[values(Mode::AssumeRole, Mode::Direct)] mode: Mode) {
    let subject = VerificationSubject {
        leftovers: vec!["latchkey-probe/this".into()],
        ..subject(mode)
    };
    for refused in [None, Some("s3:PutObject")] {
        let cloud = Scripted {
            refused,
            ..Scripted::new()
        };
        cloud.objects.lock().unwrap().insert("latchkey-probe/this 00".into());
        let report = verify(&cloud, &subject, &CancellationToken::new()).await;
        assert!(cloud.objects.lock().unwrap().is_empty(), "{refused:?}");
        assert_eq!(report.leftovers, [""; 0]);
    }
    let cloud = Scripted {
        refused: Some("s3:DeleteObject"),
        ..Scripted::new()
    };
    let report = verify(&cloud, &subject, &CancellationToken::new()).await;
    assert_eq!(report.leftovers, ["latchkey-probe/this"]);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_is_written_where_versions_are_known_to_be_kept(#[values(Mode::AssumeRole, Mode::Direct)] mode: Mode) {
    let cloud = Scripted::new();
    let subject = VerificationSubject {
        known_versions: Some(KeptVersions::ObjectLock),
        ..subject(mode)
    };
    let report = verify(&cloud, &subject, &CancellationToken::new()).await;
    assert_eq!(
        (verdict(&report), report.kept_versions),
        (Verdict::Rejected, Some(KeptVersions::ObjectLock))
    );
    let open = report
        .findings
        .iter()
        .filter(|finding| finding.status == CheckStatus::Inconclusive && finding.required);
    assert_eq!(open.map(|finding| finding.check).collect::<Vec<_>>(), []);
    assert!(cloud.objects.lock().unwrap().is_empty() && cloud.uploads.lock().unwrap().is_empty());
    assert!(cloud.services.lock().unwrap().contains_key(&DeniedBy::S3));
}

#[rstest]
#[case(Mode::AssumeRole)]
#[case(Mode::Direct)]
#[tokio::test(start_paused = true)]
async fn nothing_is_written_without_a_lease(#[case] mode: Mode) {
    let cloud = Scripted::new();
    let report = verify_with(&cloud, &subject(mode), &Left(None), &CancellationToken::new()).await;
    assert_eq!(verdict(&report), Verdict::Inconclusive);
    assert!(cloud.objects.lock().unwrap().is_empty());
    assert_eq!(report.leftovers, [""; 0], "what was never sent leaves nothing");
}

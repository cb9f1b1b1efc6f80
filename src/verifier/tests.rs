//! Runs against a scripted AWS: how many round trips they take, and that faults never turn a verdict into its opposite.

mod fixes;

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

/// An AWS that grants everything to the tenant and nothing to unauthorized callers, unless scripted otherwise.
struct Scripted {
    issued: ExternalId,
    /// The operation that is denied to the tenant's own session.
    refused: Option<&'static str>,
    /// Why.
    reason: DenialReason,
    /// Denies the tenant's own session everything.
    is_outside: bool,
    /// Allows every call of unauthorized callers.
    open: bool,
    /// Allows them this operation.
    allowed_to_others: Option<&'static str>,
    /// How many of a hundred calls get no answer.
    faults: u32,
    random: Mutex<StdRng>,
    calls: AtomicUsize,
    /// How many calls each service got, and the services of those with the tenant's own session.
    services: Mutex<HashMap<DeniedBy, u32>>,
    own_services: Mutex<HashSet<DeniedBy>>,
    /// The same AWS from outside of the vendor's network.
    outside: Option<Box<Scripted>>,
    objects: Mutex<HashSet<String>>,
    /// Multipart uploads that were neither completed nor aborted.
    uploads: Mutex<HashSet<String>>,
    /// Cancelled when a call of this operation is made.
    stops_at: Option<(&'static str, CancellationToken)>,
}

impl Scripted {
    fn new() -> Self {
        Self {
            issued: issued(),
            refused: None,
            reason: DenialReason::Unsaid,
            is_outside: false,
            open: false,
            allowed_to_others: None,
            faults: 0,
            random: Mutex::new(StdRng::seed_from_u64(0)),
            calls: AtomicUsize::new(0),
            services: Mutex::default(),
            own_services: Mutex::default(),
            outside: None,
            objects: Mutex::default(),
            uploads: Mutex::default(),
            stops_at: None,
        }
    }

    /// With an outside that is denied everything.
    fn probed() -> Self {
        Self {
            outside: Some(Box::new(Self {
                is_outside: true,
                ..Self::new()
            })),
            ..Self::new()
        }
    }

    fn with_faults(self, percent: u32, seed: u64) -> Self {
        Self {
            faults: percent,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            ..self
        }
    }

    /// One call with this session. `effect` is what it does if it is allowed; its result may be lost anyway.
    async fn answer<T>(&self, operation: &'static str, session: &str, by: DeniedBy, effect: impl FnOnce() -> T) -> ApiResult<T> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some((at, stop)) = &self.stops_at
            && *at == operation
        {
            stop.cancel();
        }
        *self.services.lock().unwrap().entry(by).or_default() += 1;
        if session == GOOD {
            self.own_services.lock().unwrap().insert(by);
        }
        #[expect(clippy::disallowed_methods, reason = "time is paused: this simulates a round trip")]
        tokio::time::sleep(LATENCY).await;
        let (lost_before, lost_after) = {
            let mut random = self.random.lock().unwrap();
            (random.random_range(0..100) < self.faults, random.random_range(0..100) < self.faults)
        };
        let allowed = if session == GOOD {
            !self.is_outside && self.refused != Some(operation)
        } else {
            self.open || self.allowed_to_others == Some(operation)
        };
        let outcome = if lost_before {
            Outcome::Unanswered
        } else if !allowed {
            Outcome::Refused(AccessDenied {
                by,
                reason: if session == GOOD { self.reason } else { DenialReason::Unsaid },
                key: None,
                action: None,
                policy: None,
            })
        } else {
            let value = effect();
            if lost_after { Outcome::Unanswered } else { Outcome::Granted(value) }
        };
        let exchange = ApiCall {
            operation: operation.into(),
            bucket_region: Some(region()),
            ..ApiCall::default()
        };
        ApiResult { outcome, exchange }
    }

    async fn session(&self, label: &'static str) -> ApiResult<AwsSession> {
        self.answer("sts:AssumeRole", GOOD, DeniedBy::Sts, || AwsSession::labelled(label))
            .await
    }

    async fn s3<T>(&self, operation: &'static str, call: &BucketCall, effect: impl FnOnce() -> T) -> ApiResult<T> {
        let session = call.session.as_ref().map_or(UNAUTHORIZED, AwsSession::label);
        self.answer(operation, session, DeniedBy::S3, effect).await
    }

    async fn kms<T>(&self, operation: &'static str, call: &KeyCall, effect: impl FnOnce() -> T) -> ApiResult<T> {
        self.answer(operation, call.session.label(), DeniedBy::Kms, effect).await
    }
}

#[async_trait]
impl Cloud for Scripted {
    fn outside(&self) -> Option<&dyn Cloud> {
        self.outside.as_deref().map(|outside| outside as &dyn Cloud)
    }
    async fn storage_session(&self, _: &RoleArn) -> ApiResult<AwsSession> {
        self.session(UNAUTHORIZED).await
    }
    async fn untagged_session(&self, _: &RoleArn) -> ApiResult<AwsSession> {
        self.session(UNAUTHORIZED).await
    }
    async fn tagged_session(&self, _: &RoleArn, id: &ExternalId, _: &SessionName, _: Option<&str>) -> ApiResult<AwsSession> {
        self.session(if *id == self.issued { GOOD } else { UNAUTHORIZED }).await
    }
    async fn client_session(
        &self,
        _: &AwsSession,
        _: &RoleArn,
        id: Option<&ExternalId>,
        _: &SessionName,
        _: Option<&str>,
    ) -> ApiResult<AwsSession> {
        let who = if id == Some(&self.issued) { GOOD } else { UNAUTHORIZED };
        self.answer("client-role", who, DeniedBy::Sts, || AwsSession::labelled(GOOD)).await
    }
    async fn document_session(&self, _: &DocumentCall) -> ApiResult<AwsSession> {
        self.session(UNAUTHORIZED).await
    }
    async fn simulate_assuming(&self, _: &RoleArn, _: &RoleArn) -> ApiResult<bool> {
        self.answer("iam:SimulatePrincipalPolicy", GOOD, DeniedBy::Iam, || true).await
    }
    async fn head_bucket(&self, call: &BucketCall) -> ApiResult {
        self.s3("s3:ListBucket", call, || ()).await
    }
    async fn list_objects(&self, call: &BucketCall, _: &str) -> ApiResult {
        self.s3("s3:ListBucket", call, || ()).await
    }
    async fn find_object(&self, call: &BucketCall, _: &str) -> ApiResult<Option<String>> {
        self.s3("s3:ListBucket", call, || Some("documents/1".to_owned())).await
    }
    async fn put_object(&self, call: &BucketCall, key: &str, body: Vec<u8>, _: Option<&KeyArn>, _: Duration) -> ApiResult<StoredObject> {
        let stored = || {
            let mut objects = self.objects.lock().unwrap();
            objects.retain(|object| !object.starts_with(&format!("{key} ")));
            objects.insert(format!("{key} {}", hex::encode(body)));
            StoredObject {
                encryption: Some("aws:kms".into()),
                key: Some(KEY.into()),
                version: None,
            }
        };
        self.s3("s3:PutObject", call, stored).await
    }
    async fn try_put(&self, call: &BucketCall, _: &str) -> ApiResult {
        self.s3("s3:PutObject", call, || ()).await
    }
    async fn get_object(&self, call: &BucketCall, key: &str) -> ApiResult<ReadObject> {
        let read = || {
            let objects = self.objects.lock().unwrap();
            let object = objects.iter().find_map(|object| object.strip_prefix(&format!("{key} ")));
            ReadObject {
                body: hex::decode(object.expect("the object is read while it is there")).unwrap(),
                shows: None,
            }
        };
        self.s3("s3:GetObject", call, read).await
    }
    async fn restore_object(&self, call: &BucketCall, _: &str) -> ApiResult {
        self.s3("s3:RestoreObject", call, || ()).await
    }
    async fn delete_object(&self, call: &BucketCall, key: &str) -> ApiResult<DeletedObject> {
        let removed = || {
            self.objects.lock().unwrap().retain(|object| !object.starts_with(key));
            DeletedObject {
                marker: false,
                version: None,
            }
        };
        self.s3("s3:DeleteObject", call, removed).await
    }
    async fn delete_version(&self, call: &BucketCall, _: &str, _: &str) -> ApiResult {
        self.s3("s3:DeleteObjectVersion", call, || ()).await
    }
    async fn read_sample(&self, call: &BucketCall, _: &str) -> ApiResult<StoredObject> {
        let stored = || StoredObject {
            encryption: Some("aws:kms".into()),
            key: Some(KEY.into()),
            version: None,
        };
        self.s3("s3:GetObject", call, stored).await
    }
    async fn start_multipart_upload(&self, call: &BucketCall, _: &str) -> ApiResult<String> {
        let started = || {
            self.uploads.lock().unwrap().insert("upload".to_owned());
            "upload".to_owned()
        };
        self.s3("s3:CreateMultipartUpload", call, started).await
    }
    async fn list_parts(&self, call: &BucketCall, _: &str, _: &str) -> ApiResult {
        self.s3("s3:ListMultipartUploadParts", call, || ()).await
    }
    async fn abort_multipart_upload(&self, call: &BucketCall, _: &str, upload: &str) -> ApiResult {
        let aborted = || {
            self.uploads.lock().unwrap().remove(upload);
        };
        self.s3("s3:AbortMultipartUpload", call, aborted).await
    }
    async fn public_access_block(&self, call: &BucketCall) -> ApiResult<bool> {
        self.s3("s3:GetBucketPublicAccessBlock", call, || true).await
    }
    async fn acls_disabled(&self, call: &BucketCall) -> ApiResult<bool> {
        self.s3("s3:GetBucketOwnershipControls", call, || true).await
    }
    async fn access_logging(&self, call: &BucketCall) -> ApiResult<bool> {
        self.s3("s3:GetBucketLogging", call, || true).await
    }
    async fn call_extra_on_bucket(&self, call: &BucketCall, extra: BucketExtra, _: &str) -> ApiResult {
        self.s3(ExtraCall::Bucket(extra).action(), call, || ()).await
    }
    async fn call_extra_on_object(&self, call: &BucketCall, extra: ObjectExtra, key: &str) -> ApiResult {
        let exists = || {
            let objects = self.objects.lock().unwrap();
            let is_sample = key == "documents/1";
            assert!(
                is_sample || objects.iter().any(|object| object.starts_with(key)),
                "the object is there"
            );
        };
        self.s3(ExtraCall::Object(extra).action(), call, exists).await
    }
    async fn call_extra_on_key(&self, call: &KeyCall, extra: KeyExtra) -> ApiResult {
        self.kms(ExtraCall::Key(extra).action(), call, || ()).await
    }
    async fn describe_key(&self, call: &KeyCall) -> ApiResult<KeyFacts> {
        let facts = || KeyFacts {
            customer_managed: true,
            spec: "SYMMETRIC_DEFAULT".into(),
            usage: "ENCRYPT_DECRYPT".into(),
            state: "Enabled".into(),
            deletion_at: None,
            in_custom_store: false,
        };
        self.kms("kms:DescribeKey", call, facts).await
    }
    async fn encrypt(&self, call: &KeyCall, plaintext: &[u8], _: CallMode) -> ApiResult<Vec<u8>> {
        self.kms("kms:Encrypt", call, || plaintext.to_vec()).await
    }
    async fn decrypt(&self, call: &KeyCall, ciphertext: &[u8], _: CallMode) -> ApiResult<Vec<u8>> {
        self.kms("kms:Decrypt", call, || ciphertext.to_vec()).await
    }
    async fn reencrypt(&self, call: &KeyCall, _: &[u8]) -> ApiResult {
        self.kms("kms:ReEncrypt", call, || ()).await
    }
    async fn generate_data_key(&self, call: &KeyCall) -> ApiResult {
        self.kms("kms:GenerateDataKey", call, || ()).await
    }
    async fn generate_data_key_without_plaintext(&self, call: &KeyCall) -> ApiResult {
        self.kms("kms:GenerateDataKey", call, || ()).await
    }
}

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

fn every_extra_action() -> ExtraActions {
    ExtraActions::new(&ExtraAction::all().collect::<Vec<_>>())
}

/// What the vendor asks for is proven in the same waves as everything else.
#[rstest]
#[tokio::test(start_paused = true)]
async fn extra_actions_take_no_round_trip_of_their_own(#[values(Mode::AssumeRole, Mode::Direct)] mode: Mode) {
    let mut took = Vec::new();
    for extra in [ExtraActions::default(), every_extra_action()] {
        let cloud = Scripted::new();
        let begun = paused_now();
        let report = verify_asking(&cloud, extra, &subject(mode)).await;
        took.push(begun.elapsed());
        assert_eq!(verdict(&report), Verdict::Verified, "{:#?}", report.findings);
    }
    assert_eq!(took[0], took[1]);
}

/// Each action that is denied to the tenant's own session fails the check, and the fix allows it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn each_extra_action_is_proven(
    #[values(Mode::AssumeRole, Mode::Direct)] mode: Mode,
    #[values(AccessLevel::ReadWrite, AccessLevel::Read)] level: AccessLevel,
) {
    let extra = every_extra_action();
    for call in extra.calls(level) {
        let cloud = Scripted {
            refused: Some(call.action()),
            ..Scripted::new()
        };
        let mut subject = subject(mode);
        subject.storage.level = level;
        let report = verify_asking(&cloud, extra.clone(), &subject).await;
        let failed: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Failed)
            .collect();
        assert_eq!(failed.len(), 1, "{}: {failed:#?}", call.action());
        assert_eq!(failed[0].check, CheckName::ExtraActionsAllowed);
        let fix = failed[0].fix.as_ref().unwrap();
        let actions = &fix.statement.as_ref().unwrap()["Action"];
        assert!(actions.as_array().unwrap().iter().any(|action| action == call.action()), "{fix:?}");
    }
}

/// A caller without the tenant's external ID who is allowed one of these calls is found out.
#[rstest]
#[tokio::test(start_paused = true)]
async fn each_extra_action_must_be_denied_to_others(
    #[values(Mode::AssumeRole, Mode::Direct)] mode: Mode,
    #[values(AccessLevel::ReadWrite, AccessLevel::Read)] level: AccessLevel,
) {
    let extra = every_extra_action();
    for call in extra.calls(level) {
        let cloud = Scripted {
            allowed_to_others: Some(call.action()),
            ..Scripted::new()
        };
        let mut subject = subject(mode);
        subject.storage.level = level;
        let report = verify_asking(&cloud, extra.clone(), &subject).await;
        let failed: Vec<CheckName> = report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Failed)
            .map(|finding| finding.check)
            .collect();
        let expected: &[CheckName] = match (call, level) {
            (ExtraCall::Key(_), AccessLevel::ReadWrite) => &[CheckName::KeyRequiresExternalId],
            (ExtraCall::Key(_), AccessLevel::Read) => &[CheckName::KeyDescriptionRequiresExternalId],
            // Access is granted without credentials as well, which is the cause of the other.
            _ => &[CheckName::BucketNotPublic],
        };
        assert_eq!(failed, expected, "{}", call.action());
    }
}

async fn verify_asking(cloud: &Scripted, extra: ExtraActions, subject: &VerificationSubject) -> RunReport {
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let vendor = Vendor {
        extra,
        ..Vendor::unnamed()
    };
    let (found, _findings) = unbounded_channel();
    let lease = Left(Some(Duration::from_mins(1)));
    run(cloud, &clock, &vendor, subject, &lease, found, &CancellationToken::new()).await
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

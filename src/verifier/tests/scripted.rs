//! A scripted AWS.

use super::*;

/// An AWS that grants everything to the tenant and nothing to unauthorized callers, unless scripted otherwise.
pub(super) struct Scripted {
    pub(super) issued: ExternalId,
    /// The operation that is denied to the tenant's own session.
    pub(super) refused: Option<&'static str>,
    /// Why.
    pub(super) reason: DenialReason,
    /// Denies the tenant's own session everything.
    pub(super) is_outside: bool,
    /// Allows every call of unauthorized callers.
    pub(super) open: bool,
    /// Allows them this operation.
    pub(super) allowed_to_others: Option<&'static str>,
    /// How many of a hundred calls get no answer.
    pub(super) faults: u32,
    pub(super) random: Mutex<StdRng>,
    pub(super) calls: AtomicUsize,
    /// How many calls each service got, and the services of those with the tenant's own session.
    pub(super) services: Mutex<HashMap<DeniedBy, u32>>,
    pub(super) own_services: Mutex<HashSet<DeniedBy>>,
    /// The same AWS from outside of the vendor's network.
    pub(super) outside: Option<Box<Scripted>>,
    pub(super) objects: Mutex<HashSet<String>>,
    /// Multipart uploads that were neither completed nor aborted.
    pub(super) uploads: Mutex<HashSet<String>>,
    /// Cancelled when a call of this operation is made.
    pub(super) stops_at: Option<(&'static str, CancellationToken)>,
}

impl Scripted {
    pub(super) fn new() -> Self {
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
    pub(super) fn probed() -> Self {
        Self {
            outside: Some(Box::new(Self {
                is_outside: true,
                ..Self::new()
            })),
            ..Self::new()
        }
    }

    pub(super) fn with_faults(self, percent: u32, seed: u64) -> Self {
        Self {
            faults: percent,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            ..self
        }
    }

    /// One call with this session. `effect` is what it does if it is allowed; its result may be lost anyway.
    pub(super) async fn answer<T>(&self, operation: &'static str, session: &str, by: DeniedBy, effect: impl FnOnce() -> T) -> ApiResult<T> {
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

    pub(super) async fn session(&self, label: &'static str) -> ApiResult<AwsSession> {
        self.answer("sts:AssumeRole", GOOD, DeniedBy::Sts, || AwsSession::labelled(label))
            .await
    }

    pub(super) async fn s3<T>(&self, operation: &'static str, call: &BucketCall, effect: impl FnOnce() -> T) -> ApiResult<T> {
        let session = call.session.as_ref().map_or(UNAUTHORIZED, AwsSession::label);
        self.answer(operation, session, DeniedBy::S3, effect).await
    }

    pub(super) async fn kms<T>(&self, operation: &'static str, call: &KeyCall, effect: impl FnOnce() -> T) -> ApiResult<T> {
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

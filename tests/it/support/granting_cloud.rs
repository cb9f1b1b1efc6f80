//! An AWS in which one tenant's setup is correct: it grants everything to the session with the tenant's external ID, and
//! nothing to any other.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use latchkey::cloud::{AwsSession, BucketCall, CallMode, Cloud, DocumentCall, KeyCall, SessionName};
use latchkey::domain::api_result::{AccessDenied, ApiCall, ApiResult, DenialReason, DeniedBy, Outcome};
use latchkey::domain::arn::{KeyArn, RoleArn};
use latchkey::domain::evidence::{DeletedObject, KeyFacts, ReadObject, StoredObject};
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::extra_action::{BucketExtra, KeyExtra, ObjectExtra};
use parking_lot::Mutex;

use super::clock::clock;

const TENANT: &str = "tenant";
const ANYBODY: &str = "anybody";
/// A session with a session policy.
const LIMITED: &str = "limited";

pub struct GrantingCloud {
    external_id: ExternalId,
    key: KeyArn,
    objects: Mutex<HashMap<String, Vec<u8>>>,
    silent: Option<&'static str>,
    sts: Option<StsQuota>,
}

/// Throttles calls to STS like AWS: a bucket of tokens, which is full after a second.
struct StsQuota {
    per_second: f64,
    state: Mutex<QuotaState>,
}

struct QuotaState {
    tokens: f64,
    refilled: Instant,
    calls: StsCalls,
}

/// How many calls to STS were made.
#[derive(Debug, Clone, Copy, Default)]
pub struct StsCalls {
    pub answered: u32,
    pub throttled: u32,
}

impl StsQuota {
    fn allows(&self) -> bool {
        let mut state = self.state.lock();
        let now = clock().instant();
        state.tokens = (state.tokens + (now - state.refilled).as_secs_f64() * self.per_second).min(self.per_second);
        state.refilled = now;
        if state.tokens < 1.0 {
            state.calls.throttled += 1;
            return false;
        }
        state.tokens -= 1.0;
        state.calls.answered += 1;
        true
    }
}

impl GrantingCloud {
    pub fn new(external_id: ExternalId, key: KeyArn) -> Self {
        Self {
            external_id,
            key,
            objects: Mutex::default(),
            silent: None,
            sts: None,
        }
    }

    /// Throttles calls to STS beyond this rate.
    pub fn sts_quota(mut self, per_second: u32) -> Self {
        self.sts = Some(StsQuota {
            per_second: per_second.into(),
            state: Mutex::new(QuotaState {
                tokens: per_second.into(),
                refilled: clock().instant(),
                calls: StsCalls::default(),
            }),
        });
        self
    }

    /// Calls that the quota counted.
    pub fn sts_calls(&self) -> StsCalls {
        self.sts.as_ref().map(|quota| quota.state.lock().calls).unwrap_or_default()
    }

    fn sts<T>(&self, result: ApiResult<T>) -> ApiResult<T> {
        if self.sts.as_ref().is_none_or(StsQuota::allows) {
            return result;
        }
        let exchange = ApiCall {
            operation: "sts:AssumeRole".into(),
            code: Some("Throttling".into()),
            ..ApiCall::default()
        };
        ApiResult {
            outcome: Outcome::Unanswered,
            exchange,
        }
    }

    /// Buckets whose names begin with this do not respond.
    pub fn silent_for(mut self, prefix: &'static str) -> Self {
        self.silent = Some(prefix);
        self
    }

    async fn respond(&self, call: &BucketCall) {
        if self.silent.is_some_and(|prefix| call.bucket.as_str().starts_with(prefix)) {
            std::future::pending::<()>().await;
        }
    }

    fn session_of(&self, external_id: Option<&ExternalId>) -> AwsSession {
        session(if external_id == Some(&self.external_id) { TENANT } else { ANYBODY })
    }
}

fn session(name: &str) -> AwsSession {
    AwsSession::from(Credentials::new(name, "secret", None, None, "test"))
}

fn granted<T>(value: T) -> ApiResult<T> {
    ApiResult {
        outcome: Outcome::Granted(value),
        exchange: ApiCall::default(),
    }
}

fn answer<T>(caller: &AwsSession, by: DeniedBy, effect: impl FnOnce() -> T) -> ApiResult<T> {
    if caller.keys().id == TENANT {
        return granted(effect());
    }
    let denied = AccessDenied {
        by,
        reason: DenialReason::Unsaid,
        key: None,
        action: None,
        policy: None,
    };
    ApiResult {
        outcome: Outcome::Refused(denied),
        exchange: ApiCall::default(),
    }
}

fn s3<T>(call: &BucketCall, effect: impl FnOnce() -> T) -> ApiResult<T> {
    let anybody = session(ANYBODY);
    let mut result = answer(call.session.as_ref().unwrap_or(&anybody), DeniedBy::S3, effect);
    result.exchange.bucket_region = Some(call.region.clone());
    result
}

fn kms<T>(call: &KeyCall, effect: impl FnOnce() -> T) -> ApiResult<T> {
    answer(&call.session, DeniedBy::Kms, effect)
}

#[async_trait]
impl Cloud for GrantingCloud {
    fn outside(&self) -> Option<&dyn Cloud> {
        None
    }

    async fn storage_session(&self, _: &RoleArn) -> ApiResult<AwsSession> {
        self.sts(granted(session(ANYBODY)))
    }

    async fn untagged_session(&self, _: &RoleArn) -> ApiResult<AwsSession> {
        self.sts(granted(session(ANYBODY)))
    }

    async fn tagged_session(&self, _: &RoleArn, external_id: &ExternalId, _: &SessionName, _: Option<&str>) -> ApiResult<AwsSession> {
        self.sts(granted(self.session_of(Some(external_id))))
    }

    async fn client_session(
        &self,
        _: &AwsSession,
        _: &RoleArn,
        external_id: Option<&ExternalId>,
        _: &SessionName,
        _: Option<&str>,
    ) -> ApiResult<AwsSession> {
        let session = self.session_of(external_id);
        self.sts(answer(&session, DeniedBy::Sts, || session.clone()))
    }

    async fn document_session(&self, _: &DocumentCall) -> ApiResult<AwsSession> {
        let expiry = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 100);
        self.sts(granted(AwsSession::from(Credentials::new(
            LIMITED,
            "secret",
            None,
            Some(expiry),
            "test",
        ))))
    }

    async fn simulate_assuming(&self, _: &RoleArn, _: &RoleArn) -> ApiResult<bool> {
        granted(true)
    }

    async fn head_bucket(&self, call: &BucketCall) -> ApiResult {
        self.respond(call).await;
        s3(call, || ())
    }

    async fn list_objects(&self, call: &BucketCall, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn find_object(&self, call: &BucketCall, _: &str) -> ApiResult<Option<String>> {
        s3(call, || Some("documents/1".to_owned()))
    }

    async fn put_object(&self, call: &BucketCall, name: &str, body: Vec<u8>, _: Option<&KeyArn>, _: Duration) -> ApiResult<StoredObject> {
        s3(call, || {
            self.objects.lock().insert(name.to_owned(), body);
            StoredObject {
                encryption: Some("aws:kms".into()),
                key: Some(self.key.to_string()),
                version: None,
            }
        })
    }

    async fn try_put(&self, call: &BucketCall, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn get_object(&self, call: &BucketCall, name: &str) -> ApiResult<ReadObject> {
        s3(call, || ReadObject {
            body: self.objects.lock().get(name).cloned().unwrap_or_default(),
            shows: None,
        })
    }

    async fn read_sample(&self, call: &BucketCall, _: &str) -> ApiResult<StoredObject> {
        s3(call, || StoredObject {
            encryption: Some("aws:kms".into()),
            key: Some(self.key.to_string()),
            version: None,
        })
    }

    async fn start_multipart_upload(&self, call: &BucketCall, _: &str) -> ApiResult<String> {
        s3(call, || "upload".to_owned())
    }

    async fn list_parts(&self, call: &BucketCall, _: &str, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn abort_multipart_upload(&self, call: &BucketCall, _: &str, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn restore_object(&self, call: &BucketCall, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn delete_object(&self, call: &BucketCall, name: &str) -> ApiResult<DeletedObject> {
        s3(call, || {
            self.objects.lock().remove(name);
            DeletedObject {
                marker: false,
                version: None,
            }
        })
    }

    async fn delete_version(&self, call: &BucketCall, _: &str, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn public_access_block(&self, call: &BucketCall) -> ApiResult<bool> {
        s3(call, || true)
    }

    async fn acls_disabled(&self, call: &BucketCall) -> ApiResult<bool> {
        s3(call, || true)
    }

    async fn access_logging(&self, call: &BucketCall) -> ApiResult<bool> {
        s3(call, || true)
    }

    async fn call_extra_on_bucket(&self, call: &BucketCall, _: BucketExtra, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn call_extra_on_object(&self, call: &BucketCall, _: ObjectExtra, _: &str) -> ApiResult {
        s3(call, || ())
    }

    async fn call_extra_on_key(&self, call: &KeyCall, _: KeyExtra) -> ApiResult {
        kms(call, || ())
    }

    async fn describe_key(&self, call: &KeyCall) -> ApiResult<KeyFacts> {
        kms(call, || KeyFacts {
            customer_managed: true,
            spec: "SYMMETRIC_DEFAULT".into(),
            usage: "ENCRYPT_DECRYPT".into(),
            state: "Enabled".into(),
            deletion_at: None,
            in_custom_store: false,
        })
    }

    async fn encrypt(&self, call: &KeyCall, plaintext: &[u8], _: CallMode) -> ApiResult<Vec<u8>> {
        kms(call, || plaintext.to_vec())
    }

    async fn decrypt(&self, call: &KeyCall, ciphertext: &[u8], _: CallMode) -> ApiResult<Vec<u8>> {
        kms(call, || ciphertext.to_vec())
    }

    async fn reencrypt(&self, call: &KeyCall, _: &[u8]) -> ApiResult {
        kms(call, || ())
    }

    async fn generate_data_key(&self, call: &KeyCall) -> ApiResult {
        kms(call, || ())
    }

    async fn generate_data_key_without_plaintext(&self, call: &KeyCall) -> ApiResult {
        kms(call, || ())
    }
}

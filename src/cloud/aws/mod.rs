//! [`Cloud`] implemented with the AWS SDKs.

mod assume;
mod bucket;
mod call;
mod config;
mod extra;
mod key;
mod session_cache;
mod setup;
mod simulate;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::config::IdentityCache;
use aws_smithy_http_client::proxy::ProxyError;

use self::assume::AssumeRole;
pub use self::config::{through, with_defaults};
use self::session_cache::SessionCache;
use super::{AwsSession, BucketCall, CallMode, Cloud, DocumentCall, KeyCall, OutsideProxy, SessionName};
use crate::clock::SharedClock;
use crate::domain::api_result::ApiResult;
use crate::domain::arn::{KeyArn, RoleArn};
use crate::domain::evidence::{DeletedObject, KeyFacts, ReadObject, StoredObject};
use crate::domain::external_id::ExternalId;
use crate::domain::extra_action::{BucketExtra, KeyExtra, ObjectExtra};

/// Settings for which the SDK has no environment variable.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsOptions {
    /// Use path-style bucket URLs. Most AWS stand-ins need them; AWS does not.
    pub s3_path_style: bool,
}

/// The process needs a region, for the STS endpoint.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no AWS region is configured; set AWS_REGION or a region in the AWS profile")]
    NoRegion,
    #[error("LATCHKEY_NETWORK_OUTSIDE_PROXY: {0}")]
    Proxy(#[from] ProxyError),
}

/// AWS, called with the process's own identity and the sessions derived from it.
#[derive(Clone)]
pub struct AwsCloud {
    clock: SharedClock,
    /// An STS client with the process's own credentials.
    own_sts: aws_sdk_sts::Client,
    /// Configurations for clients that use a session: complete except for credentials and, for S3 and KMS, the region.
    sts: aws_sdk_sts::Config,
    s3: aws_sdk_s3::Config,
    /// For requests without credentials.
    unsigned_s3: aws_sdk_s3::Config,
    kms: aws_sdk_kms::Config,
    /// With the process's own credentials.
    iam: aws_sdk_iam::Config,
    session_cache: SessionCache,
    /// The same from outside of the vendor's network.
    outside: Option<Box<AwsCloud>>,
}

impl AwsCloud {
    /// Reads the environment like any AWS SDK (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `HTTPS_PROXY`…), without
    /// calling AWS.
    ///
    /// # Errors
    /// When no region is configured.
    pub async fn connect(settings: AwsOptions, outside: Option<&OutsideProxy>, clock: SharedClock) -> Result<Self, ConnectError> {
        let config = config::from_environment().await;
        if config.region().is_none() {
            return Err(ConnectError::NoRegion);
        }
        let inside = Self::from_config(&config, settings, clock.clone());
        Ok(match outside {
            Some(proxy) => inside.with_outside(Self::from_config(&config::through(&config, proxy)?, settings, clock)),
            None => inside,
        })
    }

    /// Uses an SDK configuration that was loaded before.
    pub fn from_config(config: &SdkConfig, settings: AwsOptions, clock: SharedClock) -> Self {
        // A session's credentials are known and never refreshed: an identity cache would only retain them.
        let sts = aws_sdk_sts::config::Builder::from(config);
        let s3 = |config: &SdkConfig| {
            let s3 = aws_sdk_s3::config::Builder::from(config).identity_cache(IdentityCache::no_cache());
            s3.force_path_style(settings.s3_path_style)
        };
        let mut without_credentials = config.to_builder();
        without_credentials.set_credentials_provider(None);
        let kms = aws_sdk_kms::config::Builder::from(config);
        Self {
            session_cache: SessionCache::new(clock.clone()),
            clock,
            own_sts: aws_sdk_sts::Client::new(config),
            sts: sts.identity_cache(IdentityCache::no_cache()).build(),
            s3: s3(config).build(),
            unsigned_s3: s3(&without_credentials.build()).allow_no_auth().build(),
            kms: kms.identity_cache(IdentityCache::no_cache()).build(),
            iam: aws_sdk_iam::Config::new(config),
            outside: None,
        }
    }

    /// With another way to AWS, from outside of the vendor's network.
    #[must_use]
    pub fn with_outside(self, outside: Self) -> Self {
        Self {
            outside: Some(Box::new(outside)),
            ..self
        }
    }

    fn sts_of(&self, session: &AwsSession) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::from_conf(self.sts.to_builder().credentials_provider(session.0.clone()).build())
    }

    fn bucket<'a>(&'a self, call: &'a BucketCall) -> bucket::Bucket<'a> {
        let config = match &call.session {
            Some(session) => self.s3.to_builder().credentials_provider(session.0.clone()),
            None => self.unsigned_s3.to_builder(),
        };
        bucket::Bucket::new(config, self.clock.as_ref(), call)
    }

    fn key<'a>(&'a self, call: &'a KeyCall) -> key::KmsKey<'a> {
        key::KmsKey::new(&self.kms, self.clock.as_ref(), call)
    }

    async fn shared_session(&self, role: &RoleArn) -> ApiResult<AwsSession> {
        let (sts, clock, assumed) = (self.own_sts.clone(), self.clock.clone(), role.clone());
        let make = async move {
            let name = SessionName::shared();
            AssumeRole::role(&assumed, &name).for_sharing().send(&sts, clock.as_ref()).await
        };
        self.session_cache.get(role, make).await
    }
}

#[async_trait]
impl Cloud for AwsCloud {
    fn outside(&self) -> Option<&dyn Cloud> {
        self.outside.as_deref().map(|outside| outside as &dyn Cloud)
    }

    async fn storage_session(&self, role: &RoleArn) -> ApiResult<AwsSession> {
        self.shared_session(role).await
    }

    async fn untagged_session(&self, role: &RoleArn) -> ApiResult<AwsSession> {
        self.shared_session(role).await
    }

    async fn tagged_session(
        &self,
        role: &RoleArn,
        external_id: &ExternalId,
        name: &SessionName,
        policy: Option<&str>,
    ) -> ApiResult<AwsSession> {
        AssumeRole::role(role, name)
            .with_tag(external_id)
            .with_session_policy(policy)
            .send(&self.own_sts, self.clock.as_ref())
            .await
    }

    async fn client_session(
        &self,
        by: &AwsSession,
        role: &RoleArn,
        external_id: Option<&ExternalId>,
        name: &SessionName,
        policy: Option<&str>,
    ) -> ApiResult<AwsSession> {
        AssumeRole::role(role, name)
            .with_external_id(external_id)
            .with_session_policy(policy)
            .send(&self.sts_of(by), self.clock.as_ref())
            .await
    }

    async fn document_session(&self, call: &DocumentCall) -> ApiResult<AwsSession> {
        let assume = AssumeRole::role(&call.role, &call.name)
            .lasting(call.duration)
            .with_session_policy(Some(&call.policy));
        match &call.by {
            None => {
                let tagged = assume.with_tag(&call.external_id);
                tagged.send(&self.own_sts, self.clock.as_ref()).await
            }
            Some(by) => {
                let chained = assume.with_external_id(Some(&call.external_id));
                chained.send(&self.sts_of(by), self.clock.as_ref()).await
            }
        }
    }

    async fn simulate_assuming(&self, role: &RoleArn, target: &RoleArn) -> ApiResult<bool> {
        simulate::assuming(&self.iam, self.clock.as_ref(), role, target).await
    }

    async fn head_bucket(&self, call: &BucketCall) -> ApiResult {
        self.bucket(call).head().await
    }

    async fn list_objects(&self, call: &BucketCall, prefix: &str) -> ApiResult {
        self.bucket(call).list(prefix, 1).await.map(drop)
    }

    async fn find_object(&self, call: &BucketCall, prefix: &str) -> ApiResult<Option<String>> {
        self.bucket(call).list(prefix, bucket::Bucket::MOST_KEYS).await
    }

    async fn put_object(
        &self,
        call: &BucketCall,
        key: &str,
        body: Vec<u8>,
        header: Option<&KeyArn>,
        within: Duration,
    ) -> ApiResult<StoredObject> {
        self.bucket(call).put(key, body, header, within).await
    }

    async fn try_put(&self, call: &BucketCall, key: &str) -> ApiResult {
        self.bucket(call).try_put(key).await
    }

    async fn get_object(&self, call: &BucketCall, key: &str) -> ApiResult<ReadObject> {
        self.bucket(call).get(key).await
    }

    async fn restore_object(&self, call: &BucketCall, key: &str) -> ApiResult {
        self.bucket(call).restore(key).await
    }

    async fn delete_object(&self, call: &BucketCall, key: &str) -> ApiResult<DeletedObject> {
        self.bucket(call).delete(key).await
    }

    async fn delete_version(&self, call: &BucketCall, key: &str, version: &str) -> ApiResult {
        self.bucket(call).delete_version(key, version).await
    }

    async fn read_sample(&self, call: &BucketCall, key: &str) -> ApiResult<StoredObject> {
        self.bucket(call).read_sample(key).await
    }

    async fn start_multipart_upload(&self, call: &BucketCall, key: &str) -> ApiResult<String> {
        self.bucket(call).start_multipart_upload(key).await
    }

    async fn list_parts(&self, call: &BucketCall, key: &str, upload: &str) -> ApiResult {
        self.bucket(call).list_parts(key, upload).await
    }

    async fn abort_multipart_upload(&self, call: &BucketCall, key: &str, upload: &str) -> ApiResult {
        self.bucket(call).abort_multipart_upload(key, upload).await
    }

    async fn public_access_block(&self, call: &BucketCall) -> ApiResult<bool> {
        self.bucket(call).public_access_block().await
    }

    async fn acls_disabled(&self, call: &BucketCall) -> ApiResult<bool> {
        self.bucket(call).acls_disabled().await
    }

    async fn access_logging(&self, call: &BucketCall) -> ApiResult<bool> {
        self.bucket(call).access_logging().await
    }

    async fn call_extra_on_bucket(&self, call: &BucketCall, extra: BucketExtra, prefix: &str) -> ApiResult {
        self.bucket(call).call_extra(extra, prefix).await
    }

    async fn call_extra_on_object(&self, call: &BucketCall, extra: ObjectExtra, key: &str) -> ApiResult {
        self.bucket(call).call_extra_on_object(extra, key).await
    }

    async fn call_extra_on_key(&self, call: &KeyCall, extra: KeyExtra) -> ApiResult {
        self.key(call).call_extra(extra).await
    }

    async fn describe_key(&self, call: &KeyCall) -> ApiResult<KeyFacts> {
        self.key(call).describe().await
    }

    async fn encrypt(&self, call: &KeyCall, plaintext: &[u8], run: CallMode) -> ApiResult<Vec<u8>> {
        self.key(call).encrypt(plaintext, run).await
    }

    async fn decrypt(&self, call: &KeyCall, ciphertext: &[u8], run: CallMode) -> ApiResult<Vec<u8>> {
        self.key(call).decrypt(ciphertext, run).await
    }

    async fn reencrypt(&self, call: &KeyCall, ciphertext: &[u8]) -> ApiResult {
        self.key(call).reencrypt(ciphertext).await
    }

    async fn generate_data_key(&self, call: &KeyCall) -> ApiResult {
        self.key(call).generate_data_key().await
    }

    async fn generate_data_key_without_plaintext(&self, call: &KeyCall) -> ApiResult {
        self.key(call).generate_data_key_without_plaintext().await
    }
}

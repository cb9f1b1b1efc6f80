//! The port to AWS: the calls that Latchkey makes, as a trait. Only [`aws`] knows the SDKs.

pub mod aws;
mod classify;
mod denial;
mod outside_proxy;
mod session;
mod setup;

use std::time::Duration;

use async_trait::async_trait;

pub use outside_proxy::OutsideProxy;
pub use session::{APP_NAME, AwsSession, SessionKeys, SessionName};
pub use setup::{AssumedRole, SetupCloud};

use crate::domain::account::AccountId;
use crate::domain::api_result::ApiResult;
use crate::domain::arn::{BucketName, KeyArn, RoleArn};
use crate::domain::evidence::{DeletedObject, KeyFacts, ReadObject, StoredObject};
use crate::domain::external_id::ExternalId;
use crate::domain::extra_action::{BucketExtra, KeyExtra, ObjectExtra};
use crate::domain::grant::SessionDuration;
use crate::domain::region::Region;

/// A bucket, and the session and region to call it with.
#[derive(Debug, Clone)]
pub struct BucketCall {
    /// None makes requests without credentials.
    pub session: Option<AwsSession>,
    pub bucket: BucketName,
    pub region: Region,
    /// Sent as `x-amz-expected-bucket-owner`. None accepts any owner.
    pub owner: Option<AccountId>,
    /// Whether the caller agrees to pay, as a bucket with Requester Pays demands.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>
    pub pays: bool,
}

/// A key, and the session to call it with.
#[derive(Debug, Clone)]
pub struct KeyCall {
    pub session: AwsSession,
    /// Its region is the region of the call.
    pub key: KeyArn,
}

/// A request for a session for a tenant's documents, which is handed to the vendor's services.
#[derive(Debug, Clone)]
pub struct DocumentCall {
    /// The session that assumes the role with `sts:ExternalId`. If None, the process itself assumes it, with the external ID
    /// as a session tag.
    pub by: Option<AwsSession>,
    pub role: RoleArn,
    pub external_id: ExternalId,
    /// The session policy, which limits what the session may do.
    pub policy: String,
    pub duration: SessionDuration,
    pub name: SessionName,
}

/// Whether AWS executes a call, or only evaluates its permissions.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMode {
    Real,
    /// Granted when AWS says that the call would have succeeded.
    Dry,
}

/// The calls. They never return an error; if a call fails, its outcome is
/// [`Outcome::Unanswered`](crate::domain::api_result::Outcome::Unanswered).
#[async_trait]
pub trait Cloud: Send + Sync {
    /// The same AWS, called from outside of the vendor's network. None if there is no way.
    fn outside(&self) -> Option<&dyn Cloud>;

    /// The vendor's session on its storage role, cached and shared until shortly before it expires.
    async fn storage_session(&self, role: &RoleArn) -> ApiResult<AwsSession>;

    /// The vendor's session on its direct role without a session tag, shared in the same way.
    async fn untagged_session(&self, role: &RoleArn) -> ApiResult<AwsSession>;

    /// A new session on the vendor's direct role, with the external ID as its session tag. `policy` limits what it may do.
    async fn tagged_session(
        &self,
        role: &RoleArn,
        external_id: &ExternalId,
        name: &SessionName,
        policy: Option<&str>,
    ) -> ApiResult<AwsSession>;

    /// A new session on a customer's role, assumed by `by`. `policy` limits what it may do.
    async fn client_session(
        &self,
        by: &AwsSession,
        role: &RoleArn,
        external_id: Option<&ExternalId>,
        name: &SessionName,
        policy: Option<&str>,
    ) -> ApiResult<AwsSession>;

    /// A new session, limited by a session policy.
    async fn document_session(&self, call: &DocumentCall) -> ApiResult<AwsSession>;

    /// Returns whether the policies of the vendor's `role` let it assume `target`, according to IAM's policy simulator.
    async fn simulate_assuming(&self, role: &RoleArn, target: &RoleArn) -> ApiResult<bool>;

    async fn head_bucket(&self, call: &BucketCall) -> ApiResult;
    /// Lists at most one key with this prefix.
    async fn list_objects(&self, call: &BucketCall, prefix: &str) -> ApiResult;
    /// Lists the first keys with this prefix. Returns the first of an object that has content and is not archived.
    async fn find_object(&self, call: &BucketCall, prefix: &str) -> ApiResult<Option<String>>;
    /// Puts an object without encryption headers, so that the bucket's default encrypts it, or with headers that name a key.
    /// It is given up after `within`.
    async fn put_object(
        &self,
        call: &BucketCall,
        key: &str,
        body: Vec<u8>,
        header: Option<&KeyArn>,
        within: Duration,
    ) -> ApiResult<StoredObject>;
    /// A put that can never be carried out, whatever is in the bucket. Granted when S3 says so, which proves that the call was
    /// allowed.
    async fn try_put(&self, call: &BucketCall, key: &str) -> ApiResult;
    async fn get_object(&self, call: &BucketCall, key: &str) -> ApiResult<ReadObject>;
    /// Granted when S3 says that the object is not archived, which proves that the call was allowed.
    async fn restore_object(&self, call: &BucketCall, key: &str) -> ApiResult;
    async fn delete_object(&self, call: &BucketCall, key: &str) -> ApiResult<DeletedObject>;
    async fn delete_version(&self, call: &BucketCall, key: &str, version: &str) -> ApiResult;
    /// Reads the first byte of an object, and returns how the object is encrypted.
    async fn read_sample(&self, call: &BucketCall, key: &str) -> ApiResult<StoredObject>;

    /// Returns the ID of the upload.
    async fn start_multipart_upload(&self, call: &BucketCall, key: &str) -> ApiResult<String>;
    async fn list_parts(&self, call: &BucketCall, key: &str, upload: &str) -> ApiResult;
    async fn abort_multipart_upload(&self, call: &BucketCall, key: &str, upload: &str) -> ApiResult;

    /// Returns whether all four settings of the bucket's public access block are on.
    async fn public_access_block(&self, call: &BucketCall) -> ApiResult<bool>;
    /// Returns whether object ownership is `BucketOwnerEnforced`, which disables ACLs.
    async fn acls_disabled(&self, call: &BucketCall) -> ApiResult<bool>;
    /// Returns whether server access logging is enabled.
    async fn access_logging(&self, call: &BucketCall) -> ApiResult<bool>;

    /// Makes the call on the bucket that proves an action which the vendor asks for. `prefix` is that of the keys to list.
    async fn call_extra_on_bucket(&self, call: &BucketCall, extra: BucketExtra, prefix: &str) -> ApiResult;
    async fn call_extra_on_object(&self, call: &BucketCall, extra: ObjectExtra, key: &str) -> ApiResult;
    async fn call_extra_on_key(&self, call: &KeyCall, extra: KeyExtra) -> ApiResult;

    async fn describe_key(&self, call: &KeyCall) -> ApiResult<KeyFacts>;
    /// Returns the ciphertext, empty for a dry run.
    async fn encrypt(&self, call: &KeyCall, plaintext: &[u8], mode: CallMode) -> ApiResult<Vec<u8>>;
    /// Returns the plaintext, empty for a dry run.
    async fn decrypt(&self, call: &KeyCall, ciphertext: &[u8], mode: CallMode) -> ApiResult<Vec<u8>>;
    /// A dry run, from the key to itself.
    async fn reencrypt(&self, call: &KeyCall, ciphertext: &[u8]) -> ApiResult;
    /// A dry run.
    async fn generate_data_key(&self, call: &KeyCall) -> ApiResult;
    /// A dry run.
    async fn generate_data_key_without_plaintext(&self, call: &KeyCall) -> ApiResult;
}

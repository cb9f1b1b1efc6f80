//! What is asked of AWS, in our words. The verifier knows this and nothing of any SDK.

pub mod aws;
mod classify;
mod denial;
mod session;

use async_trait::async_trait;

pub use session::{APP_NAME, AwsSession, SessionKeys, SessionName};

use crate::domain::account::AccountId;
use crate::domain::api_result::ApiResult;
use crate::domain::arn::{BucketName, KeyArn, RoleArn};
use crate::domain::evidence::{DeletedObject, KeyFacts, StoredObject};
use crate::domain::external_id::ExternalId;
use crate::domain::region::Region;

/// A bucket as somebody calls it: with whose session, where, and whose it has to be.
#[derive(Debug, Clone)]
pub struct BucketCall {
    pub session: AwsSession,
    pub bucket: BucketName,
    pub region: Region,
    /// Sent as `x-amz-expected-bucket-owner`; none asks whoever owns it.
    pub owner: Option<AccountId>,
}

/// A key as somebody calls it.
#[derive(Debug, Clone)]
pub struct KeyCall {
    pub session: AwsSession,
    /// Its region is where the call goes.
    pub key: KeyArn,
}

/// A session for a tenant's documents, as the vendor's services are given it.
#[derive(Debug, Clone)]
pub struct DocumentCall {
    /// Who assumes the role, with the external ID as such; none is the process itself, with the external ID as a session tag.
    pub by: Option<AwsSession>,
    pub role: RoleArn,
    pub external_id: ExternalId,
    /// The session policy, which the session may do no more than.
    pub policy: String,
    pub name: SessionName,
}

/// Whether a call is to be carried out, or only weighed by AWS.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMode {
    Real,
    /// Granted when AWS says that it would have worked.
    Dry,
}

/// Every call answers; none fails. What went wrong on the way is `Outcome::Unanswered`.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Gives the ARN that the process itself goes by.
    async fn own_identity(&self) -> ApiResult<String>;
    /// Gives whether tags of the process's own session travel along when it assumes this role of the vendor's.
    async fn hands_tags_down(&self, role: &RoleArn) -> ApiResult<bool>;

    /// The vendor's own session on its storage role: made once, and shared until shortly before it expires.
    async fn storage_session(&self, role: &RoleArn) -> ApiResult<AwsSession>;

    /// The vendor's own session on its direct role without any tag: shared likewise.
    async fn untagged_session(&self, role: &RoleArn) -> ApiResult<AwsSession>;

    /// A new session on the vendor's direct role, with the external ID as its session tag.
    async fn tagged_session(&self, role: &RoleArn, external_id: &ExternalId, name: &SessionName) -> ApiResult<AwsSession>;

    /// A new session on a customer's role, assumed by `by`.
    async fn client_session(
        &self,
        by: &AwsSession,
        role: &RoleArn,
        external_id: Option<&ExternalId>,
        name: &SessionName,
    ) -> ApiResult<AwsSession>;

    /// A new session for an hour, which is the most that a chained one lasts.
    async fn document_session(&self, call: &DocumentCall) -> ApiResult<AwsSession>;

    async fn head_bucket(&self, call: &BucketCall) -> ApiResult;
    /// Lists one key at most under the prefix.
    async fn list_objects(&self, call: &BucketCall, prefix: &str) -> ApiResult;
    /// Without any encryption header, so that the bucket's default is what encrypts; or with the headers that ask for a key.
    async fn put_object(&self, call: &BucketCall, key: &str, body: Vec<u8>, header: Option<&KeyArn>) -> ApiResult<StoredObject>;
    async fn get_object(&self, call: &BucketCall, key: &str) -> ApiResult<Vec<u8>>;
    /// Granted when S3 says that the object is not archived: then the call was allowed.
    async fn restore_object(&self, call: &BucketCall, key: &str) -> ApiResult;
    async fn delete_object(&self, call: &BucketCall, key: &str) -> ApiResult<DeletedObject>;

    /// Gives whether all four settings of the bucket's own block are on.
    async fn public_access_block(&self, call: &BucketCall) -> ApiResult<bool>;
    /// Gives whether the bucket's owner owns every object, which is when ACLs are disabled.
    async fn acls_disabled(&self, call: &BucketCall) -> ApiResult<bool>;
    /// Gives whether server access logs go anywhere.
    async fn access_logging(&self, call: &BucketCall) -> ApiResult<bool>;

    async fn describe_key(&self, call: &KeyCall) -> ApiResult<KeyFacts>;
    /// Gives the ciphertext; a dry run gives none.
    async fn encrypt(&self, call: &KeyCall, plaintext: &[u8], run: CallMode) -> ApiResult<Vec<u8>>;
    /// Gives the plaintext; a dry run gives none.
    async fn decrypt(&self, call: &KeyCall, ciphertext: &[u8], run: CallMode) -> ApiResult<Vec<u8>>;
    /// Always a dry run, from the key to itself.
    async fn reencrypt(&self, call: &KeyCall, ciphertext: &[u8]) -> ApiResult;
    /// Always a dry run.
    async fn generate_data_key(&self, call: &KeyCall) -> ApiResult;
    /// Always a dry run.
    async fn generate_data_key_without_plaintext(&self, call: &KeyCall) -> ApiResult;
}

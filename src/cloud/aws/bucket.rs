//! S3 calls. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, Region};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    GlacierJobParameters, Object, ObjectOwnership, ObjectStorageClass, OwnershipControlsRule, RequestPayer, RestoreRequest,
    ServerSideEncryption, Tier,
};

use super::call::Call;
use super::config;
use crate::clock::Clock;
use crate::cloud::BucketCall;
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::arn::KeyArn;
use crate::domain::evidence::{DeletedObject, KeptVersions, ReadObject, StoredObject};

/// The probe object has 64 bytes; a longer object is a different one, and its first bytes show it.
const MAX_READ: usize = 4096;

/// The MD5 digest of an empty body, which ours is not.
const WRONG_MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";

/// A bucket, called with one session.
pub(crate) struct Bucket<'a> {
    pub(super) client: Client,
    clock: &'a dyn Clock,
    call: &'a BucketCall,
}

impl<'a> Bucket<'a> {
    /// How many keys S3 lists at once.
    pub(crate) const MOST_KEYS: i32 = 1000;

    /// `config` has the credentials of the call, if there are any.
    pub(crate) fn new(config: Builder, clock: &'a dyn Clock, call: &'a BucketCall) -> Self {
        let config = config.region(Region::new(call.region.as_str().to_owned()));
        Self {
            client: Client::from_conf(config.build()),
            clock,
            call,
        }
    }

    pub(crate) async fn head(&self) -> ApiResult {
        let call = self.call("s3:HeadBucket").bodyless();
        let request = self
            .client
            .head_bucket()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner());
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), None)
    }

    /// Returns the key of the first object among these that has content and is not archived.
    pub(crate) async fn list(&self, prefix: &str, keys: i32) -> ApiResult<Option<String>> {
        let call = self.call("s3:ListObjectsV2");
        let request = self
            .client
            .list_objects_v2()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .prefix(prefix)
            .max_keys(keys)
            .set_request_payer(self.call.pays.then_some(RequestPayer::Requester));
        let result = request.customize().interceptor(call.capture()).send().await;
        let readable = |object: &Object| {
            let archived = matches!(
                object.storage_class,
                Some(ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive)
            );
            object.size.unwrap_or_default() > 0 && !archived
        };
        let read = |output: aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output| {
            let found = output.contents.unwrap_or_default().into_iter().find(readable);
            Some(found.and_then(|object| object.key))
        };
        call.finish(result, read, None)
    }

    /// Puts an object, encrypted by the bucket's default, or with this key by an explicit header.
    pub(crate) async fn put(&self, key: &str, body: Vec<u8>, header: Option<&KeyArn>, within: Duration) -> ApiResult<StoredObject> {
        let call = self.call("s3:PutObject");
        let request = self
            .client
            .put_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .body(body.into())
            .set_server_side_encryption(header.map(|_| ServerSideEncryption::AwsKms))
            .set_ssekms_key_id(header.map(KeyArn::to_string));
        let sent = tokio::time::timeout(within, request.customize().interceptor(call.capture()).send());
        let result = match sent.await {
            Ok(result) => result,
            Err(elapsed) => Err(SdkError::timeout_error(elapsed)),
        };
        let read = |output: aws_sdk_s3::operation::put_object::PutObjectOutput| {
            Some(StoredObject {
                encryption: output.server_side_encryption.map(|algorithm| algorithm.as_str().to_owned()),
                key: output.ssekms_key_id,
                version: output.version_id,
            })
        };
        call.finish(result, read, None)
    }

    /// Attempts a put over an object that exists, only if it does not, and with a digest that its body does not have. S3
    /// authorizes the request before it looks at either.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    pub(crate) async fn try_put(&self, key: &str) -> ApiResult {
        let call = self.call("s3:PutObject");
        let request = self
            .client
            .put_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .if_none_match("*")
            .content_md5(WRONG_MD5)
            .body(ByteStream::from_static(b"-"));
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), Some(()))
    }

    pub(crate) async fn get(&self, key: &str) -> ApiResult<ReadObject> {
        let call = self.call("s3:GetObject");
        let request = self
            .client
            .get_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key);
        let result = match request.customize().interceptor(call.capture()).send().await {
            // S3 shows the retention only to callers who may read it, which the templates do not grant.
            Ok(output) => {
                let retained = output.object_lock_mode.is_some().then_some(KeptVersions::ObjectLock);
                let shows = retained.or(output.replication_status.is_some().then_some(KeptVersions::Replication));
                Ok(read(output.body).await.map(|body| ReadObject { body, shows }))
            }
            Err(error) => Err(error),
        };
        call.finish(result, |object| object, None)
    }

    pub(crate) async fn restore(&self, key: &str) -> ApiResult {
        let call = self.call("s3:RestoreObject");
        let tier = GlacierJobParameters::builder().tier(Tier::Standard).build();
        let order = RestoreRequest::builder()
            .days(1)
            .glacier_job_parameters(tier.expect("the job has its tier"));
        let request = self
            .client
            .restore_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .restore_request(order.build());
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), Some(()))
    }

    pub(crate) async fn delete(&self, key: &str) -> ApiResult<DeletedObject> {
        let call = self.call("s3:DeleteObject");
        let request = self
            .client
            .delete_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key);
        let result = request.customize().interceptor(call.capture()).send().await;
        let read = |output: aws_sdk_s3::operation::delete_object::DeleteObjectOutput| {
            Some(DeletedObject {
                marker: output.delete_marker == Some(true),
                version: output.version_id,
            })
        };
        call.finish(result, read, None)
    }

    pub(crate) async fn delete_version(&self, key: &str, version: &str) -> ApiResult {
        let call = self.call("s3:DeleteObject");
        let request = self
            .client
            .delete_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .version_id(version);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), None)
    }

    pub(crate) async fn read_sample(&self, key: &str) -> ApiResult<StoredObject> {
        let call = self.call("s3:GetObject");
        let request = self
            .client
            .get_object()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .range("bytes=0-0");
        let result = request.customize().interceptor(call.capture()).send().await;
        let read = |output: aws_sdk_s3::operation::get_object::GetObjectOutput| {
            Some(StoredObject {
                encryption: output.server_side_encryption.map(|algorithm| algorithm.as_str().to_owned()),
                key: output.ssekms_key_id,
                version: output.version_id,
            })
        };
        call.finish(result, read, None)
    }

    pub(crate) async fn start_multipart_upload(&self, key: &str) -> ApiResult<String> {
        let call = self.call("s3:CreateMultipartUpload");
        let request = self
            .client
            .create_multipart_upload()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |output| output.upload_id, None)
    }

    pub(crate) async fn list_parts(&self, key: &str, upload: &str) -> ApiResult {
        let call = self.call("s3:ListParts");
        let request = self
            .client
            .list_parts()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .upload_id(upload);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), None)
    }

    pub(crate) async fn abort_multipart_upload(&self, key: &str, upload: &str) -> ApiResult {
        let call = self.call("s3:AbortMultipartUpload");
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .upload_id(upload);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), None)
    }

    pub(crate) async fn public_access_block(&self) -> ApiResult<bool> {
        let call = self.call("s3:GetBucketPublicAccessBlock");
        let request = self
            .client
            .get_public_access_block()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner());
        let result = request.customize().interceptor(call.capture()).send().await;
        let read = |output: aws_sdk_s3::operation::get_public_access_block::GetPublicAccessBlockOutput| {
            let block = output.public_access_block_configuration?;
            let settings = [
                block.block_public_acls,
                block.ignore_public_acls,
                block.block_public_policy,
                block.restrict_public_buckets,
            ];
            Some(settings.iter().all(|on| *on == Some(true)))
        };
        call.finish(result, read, None)
    }

    pub(crate) async fn acls_disabled(&self) -> ApiResult<bool> {
        let call = self.call("s3:GetBucketOwnershipControls");
        let request = self
            .client
            .get_bucket_ownership_controls()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner());
        let result = request.customize().interceptor(call.capture()).send().await;
        let read = |output: aws_sdk_s3::operation::get_bucket_ownership_controls::GetBucketOwnershipControlsOutput| {
            let controls = output.ownership_controls?;
            let enforced = |rule: &OwnershipControlsRule| rule.object_ownership == ObjectOwnership::BucketOwnerEnforced;
            Some(controls.rules.iter().any(enforced))
        };
        call.finish(result, read, None)
    }

    pub(crate) async fn access_logging(&self) -> ApiResult<bool> {
        let call = self.call("s3:GetBucketLogging");
        let request = self
            .client
            .get_bucket_logging()
            .bucket(self.name())
            .set_expected_bucket_owner(self.owner());
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |output| Some(output.logging_enabled.is_some()), None)
    }

    pub(super) fn call(&self, operation: &'static str) -> Call<'_> {
        Call::start(DeniedBy::S3, operation, self.clock).to(&self.call.region)
    }

    pub(super) fn name(&self) -> &str {
        self.call.bucket.as_str()
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.call.owner.as_ref().map(|account| account.as_str().to_owned())
    }
}

/// The beginning of the body, or None when it breaks off. The SDK's timeouts cover only the headers, so this has its own.
async fn read(mut body: ByteStream) -> Option<Vec<u8>> {
    let read = async {
        let mut bytes = Vec::new();
        while bytes.len() < MAX_READ {
            match body.next().await {
                Some(chunk) => bytes.extend_from_slice(&chunk.ok()?),
                None => break,
            }
        }
        bytes.truncate(MAX_READ);
        Some(bytes)
    };
    tokio::time::timeout(config::OPERATION_TIMEOUT, read).await.ok()?
}

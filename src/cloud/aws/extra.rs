//! Calls that prove actions which the vendor asks for. None changes anything of the customer's: tags are set on the probe object only.

use aws_sdk_s3::types::{ObjectAttributes, Tag, Tagging};

use super::bucket::Bucket;
use super::key::KmsKey;
use crate::domain::api_result::ApiResult;
use crate::domain::extra_action::{BucketExtra, KeyExtra, ObjectExtra};

/// Sends a request about the bucket. An error that says that there is no such setting proves that the call was allowed.
macro_rules! send {
    ($bucket:ident, $operation:literal, $request:expr) => {{
        let call = $bucket.call($operation);
        let request = $request.bucket($bucket.name()).set_expected_bucket_owner($bucket.owner());
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), Some(()))
    }};
}

impl Bucket<'_> {
    pub(crate) async fn call_extra(&self, extra: BucketExtra, prefix: &str) -> ApiResult {
        let s3 = &self.client;
        match extra {
            BucketExtra::ListVersions => {
                send!(self, "s3:ListObjectVersions", s3.list_object_versions().prefix(prefix).max_keys(1))
            }
            BucketExtra::ListMultipartUploads => {
                send!(
                    self,
                    "s3:ListMultipartUploads",
                    s3.list_multipart_uploads().prefix(prefix).max_uploads(1)
                )
            }
            BucketExtra::GetLocation => send!(self, "s3:GetBucketLocation", s3.get_bucket_location()),
            BucketExtra::GetVersioning => send!(self, "s3:GetBucketVersioning", s3.get_bucket_versioning()),
            BucketExtra::GetEncryption => send!(self, "s3:GetBucketEncryption", s3.get_bucket_encryption()),
            BucketExtra::GetTagging => send!(self, "s3:GetBucketTagging", s3.get_bucket_tagging()),
            BucketExtra::GetLifecycle => send!(self, "s3:GetBucketLifecycleConfiguration", s3.get_bucket_lifecycle_configuration()),
            BucketExtra::GetNotification => {
                send!(
                    self,
                    "s3:GetBucketNotificationConfiguration",
                    s3.get_bucket_notification_configuration()
                )
            }
            BucketExtra::GetCors => send!(self, "s3:GetBucketCors", s3.get_bucket_cors()),
            BucketExtra::GetReplication => send!(self, "s3:GetBucketReplication", s3.get_bucket_replication()),
            BucketExtra::GetObjectLock => send!(self, "s3:GetObjectLockConfiguration", s3.get_object_lock_configuration()),
            BucketExtra::GetAcl => send!(self, "s3:GetBucketAcl", s3.get_bucket_acl()),
            BucketExtra::GetRequestPayment => send!(self, "s3:GetBucketRequestPayment", s3.get_bucket_request_payment()),
        }
    }

    pub(crate) async fn call_extra_on_object(&self, extra: ObjectExtra, key: &str) -> ApiResult {
        let s3 = &self.client;
        match extra {
            ObjectExtra::GetTagging => send!(self, "s3:GetObjectTagging", s3.get_object_tagging().key(key)),
            ObjectExtra::PutTagging => {
                let tag = Tag::builder()
                    .key("latchkey")
                    .value("probe")
                    .build()
                    .expect("it has a key and a value");
                let tags = Tagging::builder().tag_set(tag).build().expect("it has a tag set");
                send!(self, "s3:PutObjectTagging", s3.put_object_tagging().key(key).tagging(tags))
            }
            ObjectExtra::DeleteTagging => send!(self, "s3:DeleteObjectTagging", s3.delete_object_tagging().key(key)),
            ObjectExtra::GetAttributes => {
                let request = s3.get_object_attributes().key(key).object_attributes(ObjectAttributes::ObjectSize);
                send!(self, "s3:GetObjectAttributes", request)
            }
            ObjectExtra::GetAcl => send!(self, "s3:GetObjectAcl", s3.get_object_acl().key(key)),
        }
    }
}

impl KmsKey<'_> {
    pub(crate) async fn call_extra(&self, extra: KeyExtra) -> ApiResult {
        match extra {
            KeyExtra::GetRotationStatus => {
                let call = self.call("kms:GetKeyRotationStatus");
                let request = self.client.get_key_rotation_status().key_id(self.arn());
                let result = request.customize().interceptor(call.capture()).send().await;
                call.finish(result, |_| Some(()), None)
            }
            KeyExtra::ListGrants => {
                let call = self.call("kms:ListGrants");
                let request = self.client.list_grants().key_id(self.arn()).limit(1);
                let result = request.customize().interceptor(call.capture()).send().await;
                call.finish(result, |_| Some(()), None)
            }
        }
    }
}

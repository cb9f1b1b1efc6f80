//! KMS calls. <https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html>

use aws_sdk_kms::config::Region;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, KeyManagerType, KeyMetadata, OriginType};
use aws_sdk_kms::{Client, Config};
use chrono::DateTime;

use super::call::Call;
use crate::clock::Clock;
use crate::cloud::{CallMode, KeyCall};
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::evidence::KeyFacts;

/// The encryption context of every probe. Customers can find the probes in `CloudTrail` by it.
const PROBE_CONTEXT: (&str, &str) = ("latchkey", "probe");

/// A key, called with one session.
pub(crate) struct KmsKey<'a> {
    pub(super) client: Client,
    clock: &'a dyn Clock,
    call: &'a KeyCall,
}

impl<'a> KmsKey<'a> {
    pub(crate) fn new(config: &Config, clock: &'a dyn Clock, call: &'a KeyCall) -> Self {
        let config = config
            .to_builder()
            .region(Region::new(call.key.region().as_str().to_owned()))
            .credentials_provider(call.session.0.clone());
        Self {
            client: Client::from_conf(config.build()),
            clock,
            call,
        }
    }

    pub(crate) async fn describe(&self) -> ApiResult<KeyFacts> {
        let call = self.call("kms:DescribeKey");
        let request = self.client.describe_key().key_id(self.arn());
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |output| facts(&output.key_metadata?), None)
    }

    pub(crate) async fn encrypt(&self, plaintext: &[u8], run: CallMode) -> ApiResult<Vec<u8>> {
        let call = self.call("kms:Encrypt");
        let request = self
            .client
            .encrypt()
            .key_id(self.arn())
            .plaintext(Blob::new(plaintext))
            .encryption_context(PROBE_CONTEXT.0, PROBE_CONTEXT.1)
            .set_dry_run(flag(run));
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |output| value(output.ciphertext_blob, run), dry_value(run))
    }

    pub(crate) async fn decrypt(&self, ciphertext: &[u8], run: CallMode) -> ApiResult<Vec<u8>> {
        let call = self.call("kms:Decrypt");
        let request = self
            .client
            .decrypt()
            .key_id(self.arn())
            .ciphertext_blob(Blob::new(ciphertext))
            .encryption_context(PROBE_CONTEXT.0, PROBE_CONTEXT.1)
            .set_dry_run(flag(run));
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |output| value(output.plaintext, run), dry_value(run))
    }

    pub(crate) async fn reencrypt(&self, ciphertext: &[u8]) -> ApiResult {
        let call = self.call("kms:ReEncrypt");
        let request = self
            .client
            .re_encrypt()
            .source_key_id(self.arn())
            .destination_key_id(self.arn())
            .ciphertext_blob(Blob::new(ciphertext))
            .source_encryption_context(PROBE_CONTEXT.0, PROBE_CONTEXT.1)
            .destination_encryption_context(PROBE_CONTEXT.0, PROBE_CONTEXT.1)
            .dry_run(true);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), Some(()))
    }

    pub(crate) async fn generate_data_key(&self) -> ApiResult {
        let call = self.call("kms:GenerateDataKey");
        let request = self
            .client
            .generate_data_key()
            .key_id(self.arn())
            .key_spec(DataKeySpec::Aes256)
            .encryption_context(PROBE_CONTEXT.0, PROBE_CONTEXT.1)
            .dry_run(true);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), Some(()))
    }

    pub(crate) async fn generate_data_key_without_plaintext(&self) -> ApiResult {
        let call = self.call("kms:GenerateDataKeyWithoutPlaintext");
        let request = self
            .client
            .generate_data_key_without_plaintext()
            .key_id(self.arn())
            .key_spec(DataKeySpec::Aes256)
            .encryption_context(PROBE_CONTEXT.0, PROBE_CONTEXT.1)
            .dry_run(true);
        let result = request.customize().interceptor(call.capture()).send().await;
        call.finish(result, |_| Some(()), Some(()))
    }

    pub(super) fn call(&self, operation: &'static str) -> Call<'_> {
        Call::start(DeniedBy::Kms, operation, self.clock)
    }

    pub(super) fn arn(&self) -> &str {
        self.call.key.as_str()
    }
}

fn flag(run: CallMode) -> Option<bool> {
    (run == CallMode::Dry).then_some(true)
}

/// The value of a dry run that would have succeeded.
fn dry_value(run: CallMode) -> Option<Vec<u8>> {
    (run == CallMode::Dry).then(Vec::new)
}

fn value(blob: Option<Blob>, run: CallMode) -> Option<Vec<u8>> {
    match run {
        CallMode::Real => blob.map(Blob::into_inner),
        CallMode::Dry => dry_value(run),
    }
}

fn facts(key: &KeyMetadata) -> Option<KeyFacts> {
    Some(KeyFacts {
        customer_managed: *key.key_manager()? == KeyManagerType::Customer,
        spec: key.key_spec()?.as_str().to_owned(),
        usage: key.key_usage()?.as_str().to_owned(),
        state: key.key_state()?.as_str().to_owned(),
        deletion_at: key
            .deletion_date()
            .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos())),
        in_custom_store: matches!(key.origin(), Some(OriginType::AwsCloudhsm | OriginType::ExternalKeyStore)),
    })
}

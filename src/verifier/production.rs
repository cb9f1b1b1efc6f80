//! Steps that use the session which production will use: they must be granted. None is made before unauthorized callers were
//! denied.

use strum::EnumIter;

use super::VerificationRun;
use super::calls::{PendingCall, pending};
use super::run_state::RunState;
use crate::cloud::{BucketCall, CallMode};
use crate::domain::access_level::AccessLevel;
use crate::domain::evidence::{ProductionCalls, RoundTrip};
use crate::domain::storage_config::Mode;

/// A call with the production session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub(super) enum ProductionCall {
    Head,
    /// HEAD again without an expected owner, after the first one was denied. With a prefix, the list.
    HeadOfAnyOwner,
    List,
    /// The list again by a caller who agrees to pay, after S3 denied it.
    ListAsPayer,
    DescribeKey,
    Encrypt,
    Decrypt,
    Reencrypt,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    Put,
    /// The put again with encryption headers: see [`Evidence::puts_with_header`](crate::domain::evidence::Evidence::puts_with_header).
    PutWithHeader,
    Get,
    Restore,
    StartMultipartUpload,
    ListParts,
    AbortMultipartUpload,
    /// Reads the beginning of an object of the customer's.
    ReadSample,
    PublicAccessBlock,
    AclsDisabled,
    AccessLogging,
}

impl ProductionCall {
    /// Whether the templates with this access, with or without `posture`, grant it.
    pub(crate) fn is_granted(self, mode: Mode, level: AccessLevel, posture: bool) -> bool {
        match self {
            Self::Head | Self::HeadOfAnyOwner | Self::List | Self::ListAsPayer | Self::DescribeKey => true,
            Self::PublicAccessBlock | Self::AccessLogging => posture,
            Self::AclsDisabled if mode == Mode::AssumeRole => posture,
            Self::ReadSample => level == AccessLevel::Read,
            _ => level == AccessLevel::ReadWrite,
        }
    }

    fn is_of_key(self) -> bool {
        matches!(
            self,
            Self::DescribeKey
                | Self::Encrypt
                | Self::Decrypt
                | Self::Reencrypt
                | Self::GenerateDataKey
                | Self::GenerateDataKeyWithoutPlaintext
        )
    }

    pub(crate) fn needs_object(self) -> bool {
        matches!(self, Self::Put | Self::PutWithHeader | Self::Get | Self::Restore)
    }

    /// The call, or None while an input is missing.
    pub(crate) fn start<'a>(self, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        let session = state.production.as_ref()?;
        let (evidence, mode) = (&state.evidence, run.subject.storage.mode());
        let calls = if self.is_of_key() {
            evidence.production_calls_to_key(mode)
        } else {
            evidence.production_calls_to_bucket(mode)
        };
        if calls != ProductionCalls::Allowed {
            return None;
        }
        let (cloud, bucket, key) = (run.cloud, run.bucket(Some(session)), run.key(session));
        let object = run.subject.probe_key.as_str();
        let finds_sample = run.subject.storage.level == AccessLevel::Read && state.sample.is_none();
        Some(match self {
            Self::Head => pending(
                self.needs_object(),
                async move { cloud.head_bucket(&bucket).await },
                |state, answer| {
                    state.evidence.head = Some(answer);
                },
            ),
            Self::HeadOfAnyOwner => {
                let has_prefix = run.subject.storage.prefix.is_some();
                if has_prefix {
                    evidence.list.as_ref()?.refusal()?;
                } else {
                    evidence.head.as_ref()?.refusal()?;
                }
                let bucket = BucketCall { owner: None, ..bucket };
                pending(
                    self.needs_object(),
                    async move {
                        // HEAD needs s3:ListBucket without a condition on the prefix.
                        if has_prefix {
                            cloud.list_objects(&bucket, &run.list_prefix).await
                        } else {
                            cloud.head_bucket(&bucket).await
                        }
                    },
                    |state, answer| {
                        state.evidence.head_of_any_owner = Some(answer);
                    },
                )
            }
            Self::List => pending(
                self.needs_object(),
                async move {
                    if finds_sample {
                        cloud.find_object(&bucket, &run.list_prefix).await
                    } else {
                        cloud.list_objects(&bucket, &run.list_prefix).await.map(|()| None)
                    }
                },
                move |state, answer| {
                    if finds_sample {
                        state.sample = answer.granted().cloned().flatten();
                    }
                    state.evidence.list = Some(answer);
                },
            ),
            Self::ListAsPayer => {
                evidence.lists_as_payer(mode).then_some(())?;
                let bucket = BucketCall { pays: true, ..bucket };
                pending(
                    self.needs_object(),
                    async move { cloud.list_objects(&bucket, &run.list_prefix).await },
                    |state, answer| state.evidence.list_as_payer = Some(answer),
                )
            }
            Self::DescribeKey => pending(
                self.needs_object(),
                async move { cloud.describe_key(&key).await },
                |state, answer| {
                    state.evidence.describe_key = Some(answer);
                },
            ),
            Self::Encrypt => pending(
                self.needs_object(),
                async move { cloud.encrypt(&key, &run.plaintext, CallMode::Real).await },
                |state, answer| {
                    state.ciphertext = answer.granted().cloned();
                    state.evidence.encrypt = Some(answer.map(drop));
                },
            ),
            Self::Decrypt => {
                let ciphertext = state.ciphertext.clone()?;
                pending(
                    self.needs_object(),
                    async move {
                        let answer = cloud.decrypt(&key, &ciphertext, CallMode::Real).await;
                        answer.map(|bytes| compare(&bytes, &run.plaintext))
                    },
                    |state, answer| state.evidence.decrypt = Some(answer),
                )
            }
            Self::Reencrypt => {
                let ciphertext = state.ciphertext.clone()?;
                pending(
                    self.needs_object(),
                    async move { cloud.reencrypt(&key, &ciphertext).await },
                    |state, answer| {
                        state.evidence.reencrypt = Some(answer);
                    },
                )
            }
            Self::GenerateDataKey => pending(
                self.needs_object(),
                async move { cloud.generate_data_key(&key).await },
                |state, answer| {
                    state.evidence.generate_data_key = Some(answer);
                },
            ),
            Self::GenerateDataKeyWithoutPlaintext => pending(
                self.needs_object(),
                async move { cloud.generate_data_key_without_plaintext(&key).await },
                |state, answer| state.evidence.generate_data_key_without_plaintext = Some(answer),
            ),
            Self::Put => {
                evidence.may_put(mode).then_some(())?;
                pending(
                    self.needs_object(),
                    async move {
                        let within = run.put_lease.remaining().await?;
                        Some(cloud.put_object(&bucket, object, run.body.to_vec(), None, within).await)
                    },
                    |state, answer| state.evidence.put = answer,
                )
            }
            Self::PutWithHeader => {
                evidence.puts_with_header().then_some(())?;
                pending(
                    self.needs_object(),
                    async move {
                        let within = run.put_lease.remaining().await?;
                        Some(cloud.put_object(&bucket, object, run.body.to_vec(), Some(&key.key), within).await)
                    },
                    |state, answer| state.evidence.put_with_header = answer,
                )
            }
            Self::Get => {
                state.has_written().then_some(())?;
                pending(
                    self.needs_object(),
                    async move {
                        let answer = cloud.get_object(&bucket, object).await;
                        let shows = answer.granted().and_then(|object| object.shows);
                        (answer.map(|object| compare(&object.body, &run.body)), shows)
                    },
                    |state, (answer, shows)| {
                        state.evidence.get = Some(answer);
                        state.evidence.shown_by_get = shows;
                    },
                )
            }
            Self::Restore => {
                state.has_written().then_some(())?;
                pending(
                    self.needs_object(),
                    async move { cloud.restore_object(&bucket, object).await },
                    |state, answer| {
                        state.evidence.restore = Some(answer);
                    },
                )
            }
            // It has no parts, so that nothing is stored even if it cannot be aborted.
            Self::StartMultipartUpload => {
                evidence.may_put(mode).then_some(())?;
                pending(
                    self.needs_object(),
                    async move { cloud.start_multipart_upload(&bucket, object).await },
                    |state, answer| state.evidence.multipart_upload = Some(answer),
                )
            }
            Self::ListParts => {
                let upload = evidence.multipart_upload.as_ref()?.granted()?.clone();
                pending(
                    self.needs_object(),
                    async move { cloud.list_parts(&bucket, object, &upload).await },
                    |state, answer| state.evidence.parts = Some(answer),
                )
            }
            Self::AbortMultipartUpload => {
                (evidence.parts.is_some() || run.stop.is_cancelled()).then_some(())?;
                let upload = evidence.multipart_upload.as_ref()?.granted()?.clone();
                pending(
                    self.needs_object(),
                    async move { cloud.abort_multipart_upload(&bucket, object, &upload).await },
                    |state, answer| state.evidence.abort = Some(answer),
                )
            }
            Self::ReadSample => {
                let sample = state.sample.clone()?;
                pending(
                    self.needs_object(),
                    async move { cloud.read_sample(&bucket, &sample).await },
                    |state, answer| state.evidence.sample = Some(answer),
                )
            }
            Self::PublicAccessBlock => pending(
                self.needs_object(),
                async move { cloud.public_access_block(&bucket).await },
                |state, answer| {
                    state.evidence.public_access_block = Some(answer);
                },
            ),
            Self::AclsDisabled => pending(
                self.needs_object(),
                async move { cloud.acls_disabled(&bucket).await },
                |state, answer| {
                    state.evidence.acls_disabled = Some(answer);
                },
            ),
            Self::AccessLogging => pending(
                self.needs_object(),
                async move { cloud.access_logging(&bucket).await },
                |state, answer| {
                    state.evidence.access_logging = Some(answer);
                },
            ),
        })
    }
}

fn compare(read: &[u8], written: &[u8]) -> RoundTrip {
    if read == written { RoundTrip::Same } else { RoundTrip::Different }
}

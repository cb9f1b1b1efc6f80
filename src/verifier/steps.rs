//! The calls of a run: when each may start, what it asks, and where its answer goes.

use futures::FutureExt;
use futures::future::BoxFuture;
use strum::{EnumIter, IntoEnumIterator};

use super::run_state::{CleanUp, RunState};
use super::{PROBE_PREFIX, Run};
use crate::cloud::{AwsSession, BucketCall, CallMode as Carry, KeyCall};
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::evidence::{RoundTrip, UnauthorizedProbe};
use crate::domain::storage_config::{Access, Mode};

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub enum Step {
    VendorRole,
    ClientRole,
    ClientRoleWithoutId,
    ClientRoleWithRandomId,
    ClientRoleWithRetiredId,
    UntaggedRole,
    MistaggedRole,
    RetiredRole,
    Head,
    HeadOfAnyOwner,
    List,
    DescribeKey,
    Encrypt,
    Decrypt,
    Reencrypt,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    Put,
    PutWithHeader,
    Get,
    Restore,
    PublicAccessBlock,
    AclsDisabled,
    AccessLogging,
    UntaggedCall(UnauthorizedCall),
    MistaggedCall(UnauthorizedCall),
    RetiredCall(UnauthorizedCall),
}

/// A call that has to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumIter)]
pub enum UnauthorizedCall {
    #[default]
    List,
    Get,
    Restore,
    Encrypt,
    GenerateDataKey,
    Decrypt,
    Reencrypt,
}

/// An answer that is in.
pub struct StepResult {
    pub record: Box<dyn FnOnce(&mut RunState) + Send>,
    pub needed_object: bool,
}

type Pending<'a> = BoxFuture<'a, StepResult>;

impl Step {
    pub fn of_run(mode: Mode, posture: bool, retires: bool) -> Vec<Self> {
        Self::iter()
            .flat_map(|step| match step {
                Self::UntaggedCall(_) => UnauthorizedCall::iter().map(Self::UntaggedCall).collect(),
                Self::MistaggedCall(_) => UnauthorizedCall::iter().map(Self::MistaggedCall).collect(),
                Self::RetiredCall(_) => UnauthorizedCall::iter().map(Self::RetiredCall).collect(),
                step => vec![step],
            })
            .filter(|step| match step {
                Self::ClientRole | Self::ClientRoleWithoutId | Self::ClientRoleWithRandomId => mode == Mode::AssumeRole,
                Self::UntaggedRole | Self::MistaggedRole | Self::UntaggedCall(_) | Self::MistaggedCall(_) => mode == Mode::Direct,
                Self::ClientRoleWithRetiredId => retires && mode == Mode::AssumeRole,
                Self::RetiredRole | Self::RetiredCall(_) => retires && mode == Mode::Direct,
                Self::PublicAccessBlock | Self::AclsDisabled | Self::AccessLogging => posture,
                _ => true,
            })
            .collect()
    }

    /// Whether all that the call needs is there.
    pub fn is_ready(self, board: &RunState) -> bool {
        let evidence = &board.evidence;
        let written = || evidence.put.as_ref().is_some_and(|put| put.granted().is_some());
        let may_call = |stranger: Option<&AwsSession>, call| {
            stranger.is_some()
                && match call {
                    UnauthorizedCall::List | UnauthorizedCall::Encrypt | UnauthorizedCall::GenerateDataKey => true,
                    UnauthorizedCall::Get | UnauthorizedCall::Restore => written(),
                    UnauthorizedCall::Decrypt | UnauthorizedCall::Reencrypt => board.ciphertext.is_some(),
                }
        };
        match self {
            Self::VendorRole | Self::UntaggedRole | Self::MistaggedRole | Self::RetiredRole => true,
            Self::ClientRole | Self::ClientRoleWithoutId | Self::ClientRoleWithRandomId | Self::ClientRoleWithRetiredId => {
                board.vendor.is_some()
            }
            Self::Head
            | Self::List
            | Self::DescribeKey
            | Self::Encrypt
            | Self::GenerateDataKey
            | Self::GenerateDataKeyWithoutPlaintext
            | Self::PublicAccessBlock
            | Self::AclsDisabled
            | Self::AccessLogging => board.production.is_some(),
            Self::HeadOfAnyOwner => evidence.head.as_ref().is_some_and(|head| head.refusal().is_some()),
            Self::Decrypt | Self::Reencrypt => board.ciphertext.is_some(),
            // Nothing of the customer's is touched before strangers were seen to be refused.
            Self::Put => board.production.is_some() && (evidence.role_refused_to_strangers() || evidence.list_refused_to_strangers()),
            Self::PutWithHeader => evidence.put.as_ref().is_some_and(|put| put.is_refused_by(DeniedBy::S3)),
            Self::Get | Self::Restore => written(),
            Self::UntaggedCall(call) => may_call(board.untagged.as_ref(), call),
            Self::MistaggedCall(call) => may_call(board.mistagged.as_ref(), call),
            Self::RetiredCall(call) => may_call(board.retired.as_ref(), call),
        }
    }

    /// Whether the probe object must not be deleted while this call is under way.
    pub fn needs_object(self) -> bool {
        use UnauthorizedCall::{Get, Restore};
        matches!(
            self,
            Self::Put
                | Self::PutWithHeader
                | Self::Get
                | Self::Restore
                | Self::UntaggedCall(Get | Restore)
                | Self::MistaggedCall(Get | Restore)
                | Self::RetiredCall(Get | Restore)
        )
    }

    pub fn start<'a>(self, run: &'a Run<'a>, board: &RunState) -> Pending<'a> {
        match self {
            Self::VendorRole => match run.mode() {
                Mode::AssumeRole => answered(
                    self,
                    async { split(run.cloud.storage_session(&run.subject.vendor_role).await) },
                    |board, (answer, session)| {
                        board.evidence.vendor_role = Some(answer);
                        board.vendor = session;
                    },
                ),
                Mode::Direct => answered(
                    self,
                    async {
                        let subject = run.subject;
                        split(
                            run.cloud
                                .tagged_session(&subject.vendor_role, &subject.external_id, &run.session_name)
                                .await,
                        )
                    },
                    |board, (answer, session)| {
                        board.evidence.vendor_role = Some(answer);
                        board.production = session;
                    },
                ),
            },
            Self::UntaggedRole => answered(
                self,
                async { split(run.cloud.untagged_session(&run.subject.vendor_role).await) },
                |board, (answer, session)| {
                    board.evidence.untagged.role = Some(answer);
                    board.untagged = session;
                },
            ),
            Self::MistaggedRole => answered(
                self,
                async {
                    split(
                        run.cloud
                            .tagged_session(&run.subject.vendor_role, &run.random_id, &run.session_name)
                            .await,
                    )
                },
                |board, (answer, session)| {
                    board.evidence.mistagged.role = Some(answer);
                    board.mistagged = session;
                },
            ),
            Self::RetiredRole => answered(
                self,
                async {
                    let retired = run.subject.retired_id.as_ref().unwrap_or(&run.random_id);
                    split(run.cloud.tagged_session(&run.subject.vendor_role, retired, &run.session_name).await)
                },
                |board, (answer, session)| {
                    board.evidence.retired.role = Some(answer);
                    board.retired = session;
                },
            ),
            Self::ClientRole | Self::ClientRoleWithoutId | Self::ClientRoleWithRandomId | Self::ClientRoleWithRetiredId => {
                self.assume_client_role(run, board)
            }
            Self::UntaggedCall(call) => call.start(self, run, board, board.untagged.as_ref(), |board| &mut board.evidence.untagged),
            Self::MistaggedCall(call) => call.start(self, run, board, board.mistagged.as_ref(), |board| &mut board.evidence.mistagged),
            Self::RetiredCall(call) => call.start(self, run, board, board.retired.as_ref(), |board| &mut board.evidence.retired),
            _ => match &board.production {
                Some(session) => self.start_in_production(run, board, session),
                None => unreachable!("a step starts only once it is ready"),
            },
        }
    }

    fn assume_client_role<'a>(self, run: &'a Run<'a>, board: &RunState) -> Pending<'a> {
        let (Some(vendor), Access::AssumeRole { role }) = (board.vendor.clone(), &run.subject.storage.access) else {
            unreachable!("a client role is assumed in its mode alone, by the vendor's session");
        };
        let external_id = match self {
            Self::ClientRole => Some(&run.subject.external_id),
            Self::ClientRoleWithRandomId => Some(&run.random_id),
            Self::ClientRoleWithRetiredId => run.subject.retired_id.as_ref(),
            _ => None,
        };
        answered(
            self,
            async move {
                let answer = run.cloud.client_session(&vendor, role, external_id, &run.session_name).await;
                split(answer)
            },
            move |board, (answer, session)| match self {
                Self::ClientRole => {
                    board.evidence.client_role = Some(answer);
                    board.production = session;
                }
                Self::ClientRoleWithRandomId => board.evidence.client_role_with_random_id = Some(answer),
                Self::ClientRoleWithRetiredId => board.evidence.client_role_with_retired_id = Some(answer),
                _ => board.evidence.client_role_without_id = Some(answer),
            },
        )
    }

    fn start_in_production<'a>(self, run: &'a Run<'a>, board: &RunState, session: &AwsSession) -> Pending<'a> {
        let cloud = run.cloud;
        let bucket = run.bucket(session);
        let key = run.key(session);
        let object = run.subject.probe_key.as_str();
        let ciphertext = board.ciphertext.clone().unwrap_or_default();
        match self {
            Self::Head => answered(self, async move { cloud.head_bucket(&bucket).await }, |board, answer| {
                board.evidence.head = Some(answer);
            }),
            Self::HeadOfAnyOwner => {
                let bucket = BucketCall { owner: None, ..bucket };
                answered(self, async move { cloud.head_bucket(&bucket).await }, |board, answer| {
                    board.evidence.head_of_any_owner = Some(answer);
                })
            }
            Self::List => answered(
                self,
                async move { cloud.list_objects(&bucket, PROBE_PREFIX).await },
                |board, answer| {
                    board.evidence.list = Some(answer);
                },
            ),
            Self::DescribeKey => answered(self, async move { cloud.describe_key(&key).await }, |board, answer| {
                board.evidence.describe_key = Some(answer);
            }),
            Self::Encrypt => answered(
                self,
                async move { cloud.encrypt(&key, &run.plaintext, Carry::Real).await },
                |board, answer| {
                    board.ciphertext = answer.granted().cloned();
                    board.evidence.encrypt = Some(answer.map(drop));
                },
            ),
            Self::Decrypt => answered(
                self,
                async move {
                    cloud
                        .decrypt(&key, &ciphertext, Carry::Real)
                        .await
                        .map(|bytes| echo(&bytes, &run.plaintext))
                },
                |board, answer| board.evidence.decrypt = Some(answer),
            ),
            Self::Reencrypt => answered(self, async move { cloud.reencrypt(&key, &ciphertext).await }, |board, answer| {
                board.evidence.reencrypt = Some(answer);
            }),
            Self::GenerateDataKey => answered(self, async move { cloud.generate_data_key(&key).await }, |board, answer| {
                board.evidence.generate_data_key = Some(answer);
            }),
            Self::GenerateDataKeyWithoutPlaintext => answered(
                self,
                async move { cloud.generate_data_key_without_plaintext(&key).await },
                |board, answer| board.evidence.generate_data_key_without_plaintext = Some(answer),
            ),
            Self::Put => answered(
                self,
                async move { cloud.put_object(&bucket, object, run.body.to_vec(), None).await },
                |board, answer| board.evidence.put = Some(answer),
            ),
            Self::PutWithHeader => answered(
                self,
                async move { cloud.put_object(&bucket, object, run.body.to_vec(), Some(&key.key)).await },
                |board, answer| board.evidence.put_with_header = Some(answer),
            ),
            Self::Get => answered(
                self,
                async move { cloud.get_object(&bucket, object).await.map(|bytes| echo(&bytes, &run.body)) },
                |board, answer| board.evidence.get = Some(answer),
            ),
            Self::Restore => answered(self, async move { cloud.restore_object(&bucket, object).await }, |board, answer| {
                board.evidence.restore = Some(answer);
            }),
            Self::PublicAccessBlock => answered(self, async move { cloud.public_access_block(&bucket).await }, |board, answer| {
                board.evidence.public_access_block = Some(answer);
            }),
            Self::AclsDisabled => answered(self, async move { cloud.acls_disabled(&bucket).await }, |board, answer| {
                board.evidence.acls_disabled = Some(answer);
            }),
            Self::AccessLogging => answered(self, async move { cloud.access_logging(&bucket).await }, |board, answer| {
                board.evidence.access_logging = Some(answer);
            }),
            _ => unreachable!("not a call of the production session"),
        }
    }
}

impl UnauthorizedCall {
    fn start<'a>(
        self,
        step: Step,
        run: &'a Run<'a>,
        board: &RunState,
        session: Option<&AwsSession>,
        of: fn(&mut RunState) -> &mut UnauthorizedProbe,
    ) -> Pending<'a> {
        let Some(session) = session else {
            unreachable!("a step starts only once it is ready");
        };
        let cloud = run.cloud;
        let bucket = run.bucket(session);
        let key = run.key(session);
        let object = run.subject.probe_key.as_str();
        let ciphertext = board.ciphertext.clone().unwrap_or_default();
        answered(
            step,
            async move {
                match self {
                    Self::List => cloud.list_objects(&bucket, PROBE_PREFIX).await,
                    Self::Get => cloud.get_object(&bucket, object).await.map(drop),
                    Self::Restore => cloud.restore_object(&bucket, object).await,
                    Self::Encrypt => cloud.encrypt(&key, &run.plaintext, Carry::Dry).await.map(drop),
                    Self::GenerateDataKey => cloud.generate_data_key(&key).await,
                    Self::Decrypt => cloud.decrypt(&key, &ciphertext, Carry::Dry).await.map(drop),
                    Self::Reencrypt => cloud.reencrypt(&key, &ciphertext).await,
                }
            },
            move |board, answer| {
                let stranger = of(board);
                let place = match self {
                    Self::List => &mut stranger.list,
                    Self::Get => &mut stranger.get,
                    Self::Restore => &mut stranger.restore,
                    Self::Encrypt => &mut stranger.encrypt,
                    Self::GenerateDataKey => &mut stranger.generate_data_key,
                    Self::Decrypt => &mut stranger.decrypt,
                    Self::Reencrypt => &mut stranger.reencrypt,
                };
                *place = Some(answer);
            },
        )
    }
}

impl Run<'_> {
    fn bucket(&self, session: &AwsSession) -> BucketCall {
        let storage = &self.subject.storage;
        BucketCall {
            session: session.clone(),
            bucket: storage.bucket.name().clone(),
            region: storage.region.clone(),
            owner: Some(storage.bucket_account.clone()),
        }
    }

    fn key(&self, session: &AwsSession) -> KeyCall {
        KeyCall {
            session: session.clone(),
            key: self.subject.storage.key.clone(),
        }
    }
}

/// Deletes an object of ours with the session of production.
pub fn delete<'a>(run: &'a Run<'a>, board: &RunState, what: CleanUp) -> Pending<'a> {
    let Some(session) = &board.production else {
        unreachable!("there is nothing to clean up without a session");
    };
    let bucket = run.bucket(session);
    async move {
        let (CleanUp::Probe(key) | CleanUp::Leftover(key)) = &what;
        let answer = run.cloud.delete_object(&bucket, key).await;
        StepResult {
            record: Box::new(move |board| board.record_clean_up(what, answer)),
            needed_object: false,
        }
    }
    .boxed()
}

fn answered<'a, T: Send + 'static>(
    step: Step,
    call: impl Future<Output = T> + Send + 'a,
    record: impl FnOnce(&mut RunState, T) + Send + 'static,
) -> Pending<'a> {
    async move {
        let answer = call.await;
        StepResult {
            record: Box::new(move |board| record(board, answer)),
            needed_object: step.needs_object(),
        }
    }
    .boxed()
}

/// The evidence and the session apart: no judge ever sees a credential.
fn split(answer: ApiResult<AwsSession>) -> (ApiResult, Option<AwsSession>) {
    let session = answer.granted().cloned();
    (answer.map(drop), session)
}

fn echo(bytes: &[u8], written: &[u8]) -> RoundTrip {
    if bytes == written { RoundTrip::Same } else { RoundTrip::Different }
}

//! The STS session for a tenant's documents. In `direct` the process assumes the vendor's role with the external ID as a
//! session tag; in `assume_role` the vendor's storage role assumes the customer's role with `sts:ExternalId`.

use std::sync::Arc;

use tracing::warn;

use crate::cloud::{AwsSession, Cloud, DocumentCall, SessionName};
use crate::domain::active_storage::ActiveStorage;
use crate::domain::api_result::{ApiResult, DenialReason, Outcome, PolicyKind};
use crate::domain::extra_action::ExtraActions;
use crate::domain::grant::{Grant, SessionDuration};
use crate::domain::identity::CallerTag;
use crate::rate_limiter::RetryAfter;
use crate::telemetry::metric;

/// Why there are no credentials, and who can fix it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialsRefused {
    #[error("no AWS region is configured; set AWS_REGION")]
    NoRegion,
    #[error("the vendor role for the tenant's mode is no longer configured")]
    ModeNotOffered,
    #[error("AWS denied access to the vendor's own role ({operation}{}); run latchkey check-config --aws to find out why", suffix(.code.as_deref()))]
    VendorSide { operation: &'static str, code: Option<String> },
    #[error("the customer's role denied access to the vendor ({operation}{}); verify the tenant to see which statement is missing", suffix(.code.as_deref()))]
    CustomerSide { operation: &'static str, code: Option<String> },
    #[error("the prefix is too long for an AWS session policy; shorten it")]
    PolicyTooLong,
    #[error("AWS did not respond ({operation})")]
    Unanswered { operation: &'static str },
    #[error("this token has reached its limit of new sessions")]
    TokenBudget { retry_after: RetryAfter },
    #[error("this process has reached its limit of new sessions")]
    ProcessBudget { retry_after: RetryAfter },
    #[error("the database has been unavailable for too long to issue new credentials")]
    DatabaseAway,
}

fn suffix(code: Option<&str>) -> String {
    code.map(|code| format!(": {code}")).unwrap_or_default()
}

impl CredentialsRefused {
    /// STS did not answer. A session that hangs or panics counts as that too.
    pub(super) const UNANSWERED: Self = Self::Unanswered { operation: ASSUME_ROLE };

    /// Whether it says nothing about permissions, so that cached credentials remain valid.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unanswered { .. } | Self::TokenBudget { .. } | Self::ProcessBudget { .. } | Self::DatabaseAway
        )
    }
}

pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Everything that the session depends on.
pub(super) struct DocumentSession {
    cloud: Arc<dyn Cloud>,
    storage: ActiveStorage,
    policy: String,
    duration: SessionDuration,
    name: SessionName,
}

impl DocumentSession {
    pub(crate) fn new(cloud: Arc<dyn Cloud>, storage: ActiveStorage, caller: CallerTag, grant: &Grant, extra: &ExtraActions) -> Self {
        Self {
            policy: grant.session_policy(&storage, extra).to_string(),
            duration: grant.duration,
            name: SessionName::of_caller(storage.tenant_id, caller),
            cloud,
            storage,
        }
    }

    pub(crate) async fn assume(self) -> Result<AwsSession, CredentialsRefused> {
        let tenant = self.storage.tenant_id;
        let made = self.assume_chain().await;
        let outcome = match &made {
            Ok(_) => "made",
            Err(CredentialsRefused::CustomerSide { .. }) => "customer_side",
            Err(CredentialsRefused::PolicyTooLong) => "policy_too_long",
            Err(CredentialsRefused::Unanswered { .. }) => "unanswered",
            Err(_) => "vendor_side",
        };
        metrics::counter!(metric::CREDENTIALS.name, "outcome" => outcome).increment(1);
        if let Err(refused) = &made {
            warn!(%tenant, %refused, "cannot issue credentials");
        }
        made
    }

    async fn assume_chain(self) -> Result<AwsSession, CredentialsRefused> {
        let vendor_role = self.storage.vendor_role_arn.ok_or(CredentialsRefused::ModeNotOffered)?;
        let call = |by, role| DocumentCall {
            by,
            role,
            external_id: self.storage.external_id,
            policy: self.policy,
            duration: self.duration,
            name: self.name,
        };
        let Some(client_role) = self.storage.role_arn else {
            let answer = self.cloud.document_session(&call(None, vendor_role)).await;
            return granted(answer, |code| CredentialsRefused::VendorSide {
                operation: ASSUME_ROLE,
                code,
            });
        };
        let vendor_side = |code| CredentialsRefused::VendorSide {
            operation: ASSUME_ROLE,
            code,
        };
        let by = granted(self.cloud.storage_session(&vendor_role).await, vendor_side)?;
        let answer = self.cloud.document_session(&call(Some(by), client_role.clone())).await;
        // Across accounts, STS denies with the same words whether the vendor's policies or the customer's role keep it out.
        let own = match answer.refusal() {
            Some(refusal) if refusal.may_be_of_the_caller() => {
                let may_assume = self.cloud.simulate_assuming(&vendor_role, &client_role).await;
                let named = refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Identity);
                may_assume.granted().map_or(named, |may_assume| !may_assume)
            }
            _ => false,
        };
        granted(answer, |code| {
            if own {
                vendor_side(code)
            } else {
                CredentialsRefused::CustomerSide {
                    operation: ASSUME_ROLE,
                    code,
                }
            }
        })
    }
}

fn granted(
    answer: ApiResult<AwsSession>,
    refused: impl FnOnce(Option<String>) -> CredentialsRefused,
) -> Result<AwsSession, CredentialsRefused> {
    match answer.outcome {
        Outcome::Granted(session) => Ok(session),
        // STS compresses policy and tags together; how much of the limit they take is known only to STS.
        // <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors>
        _ if answer.exchange.code.as_deref() == Some("PackedPolicyTooLarge") => Err(CredentialsRefused::PolicyTooLong),
        Outcome::Unanswered => Err(CredentialsRefused::Unanswered { operation: ASSUME_ROLE }),
        _ => Err(refused(answer.exchange.code)),
    }
}

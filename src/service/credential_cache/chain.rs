//! Making a session for a tenant's documents: in `direct` by the process itself, with the external ID as its tag; in
//! `assume_role` by the vendor's storage role, with the external ID as such.

use std::sync::Arc;

use tracing::warn;

use crate::cloud::{AwsSession, Cloud, DocumentCall, SessionName};
use crate::domain::active_storage::ActiveStorage;
use crate::domain::api_result::{ApiResult, DenialReason, Outcome, PolicyKind};
use crate::domain::grant::Grant;
use crate::telemetry::metric;

/// Why there are no credentials, and who can mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsRefused {
    #[error("this process knows no AWS region; set AWS_REGION")]
    NoRegion,
    #[error("the tenant's mode is no longer offered; set its role again")]
    ModeNotOffered,
    #[error("AWS refused the vendor's own role ({operation}{}); latchkey check-config --aws tells more", of(.code.as_deref()))]
    VendorSide { operation: &'static str, code: Option<String> },
    #[error("the customer's role did not let the vendor in ({operation}{}); verify the tenant to see which statement is missing", of(.code.as_deref()))]
    CustomerSide { operation: &'static str, code: Option<String> },
    #[error("AWS did not answer ({operation})")]
    Unanswered { operation: &'static str },
}

fn of(code: Option<&str>) -> String {
    code.map(|code| format!(": {code}")).unwrap_or_default()
}

impl CredentialsRefused {
    /// Nothing follows from it: what is held is as good as before.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }
}

const ASSUME: &str = "sts:AssumeRole";

/// All that a session is made of.
pub struct Chain {
    cloud: Arc<dyn Cloud>,
    storage: ActiveStorage,
    policy: String,
}

impl Chain {
    pub fn new(cloud: Arc<dyn Cloud>, storage: &ActiveStorage, grant: &Grant) -> Self {
        Self {
            cloud,
            storage: storage.clone(),
            policy: grant.session_policy(storage).to_string(),
        }
    }

    pub async fn session(self) -> Result<AwsSession, CredentialsRefused> {
        let tenant = self.storage.tenant_id;
        let made = self.make().await;
        let outcome = match &made {
            Ok(_) => "made",
            Err(CredentialsRefused::CustomerSide { .. }) => "customer_side",
            Err(CredentialsRefused::Unanswered { .. }) => "unanswered",
            Err(_) => "vendor_side",
        };
        metrics::counter!(metric::CREDENTIALS.name, "outcome" => outcome).increment(1);
        if let Err(refused) = &made {
            warn!(%tenant, %refused, "no credentials for this tenant");
        }
        made
    }

    async fn make(self) -> Result<AwsSession, CredentialsRefused> {
        let vendor_role = self.storage.vendor_role_arn.ok_or(CredentialsRefused::ModeNotOffered)?;
        let name = SessionName::of_tenant(self.storage.tenant_id);
        let call = |by, role| DocumentCall {
            by,
            role,
            external_id: self.storage.external_id,
            policy: self.policy,
            name,
        };
        let Some(client_role) = self.storage.role_arn else {
            let answer = self.cloud.document_session(&call(None, vendor_role)).await;
            return granted(answer, |code| CredentialsRefused::VendorSide { operation: ASSUME, code });
        };
        let vendors = |code| CredentialsRefused::VendorSide { operation: ASSUME, code };
        let by = granted(self.cloud.storage_session(&vendor_role).await, vendors)?;
        let answer = self.cloud.document_session(&call(Some(by), client_role)).await;
        // The vendor's own role lacks sts:AssumeRole: the one reason that STS tells across accounts.
        let own = answer
            .refusal()
            .is_some_and(|refusal| refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Identity));
        granted(answer, |code| {
            if own {
                vendors(code)
            } else {
                CredentialsRefused::CustomerSide { operation: ASSUME, code }
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
        Outcome::Unanswered => Err(CredentialsRefused::Unanswered { operation: ASSUME }),
        _ => Err(refused(answer.exchange.code)),
    }
}

//! A submission by a customer, in the form or with an API token. The values of the newest version again make no new version: a second
//! click, another tab and a program that runs twice verify that one.

use super::request_verification::{RequestVerificationError, request_verification};
use super::submit_config::{SubmitConfigError, submit_config};
use super::{Caller, Context, read};
use crate::domain::approval::ApprovalState;
use crate::domain::ids::{TenantRef, VerificationId};
use crate::domain::storage_config::StorageConfig;
use crate::domain::submission::Submission;
use crate::domain::tenant::Tenant;
use crate::domain::verification::VerificationState;
use crate::store;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CustomerSubmissionError {
    #[error(transparent)]
    Submit(#[from] SubmitConfigError),
    #[error(transparent)]
    Verify(#[from] RequestVerificationError),
}

impl From<store::StoreError> for CustomerSubmissionError {
    fn from(error: store::StoreError) -> Self {
        Self::Submit(error.into())
    }
}

/// The version, and its verification.
#[derive(Debug)]
pub(crate) struct CustomerSubmission {
    pub config: StorageConfig,
    /// It was created by this submission.
    pub is_new: bool,
    pub verification: VerificationId,
    pub state: VerificationState,
}

pub(crate) async fn submit_by_customer(
    context: &Context,
    caller: &Caller,
    tenant: &Tenant,
    submission: &Submission,
) -> Result<CustomerSubmission, CustomerSubmissionError> {
    let storage = submission
        .validate(&context.vendor, &tenant.modes, Some(&tenant.accepted_ids()))
        .map_err(SubmitConfigError::Invalid)?;
    let newest = read::storage_configs::newest(context, tenant.id).await?;
    let tenant = TenantRef::Id(tenant.id);
    if let Some(same) = newest.filter(|newest| newest.storage == storage)
        && !is_declined(context, &same).await?
    {
        let verification = request_verification(context, caller, &tenant, Some(same.version)).await?;
        return Ok(CustomerSubmission {
            config: same,
            is_new: false,
            verification: verification.id,
            state: verification.state,
        });
    }
    let (config, verification) = submit_config(context, caller, &tenant, submission).await?;
    Ok(CustomerSubmission {
        config,
        is_new: true,
        verification,
        state: VerificationState::Queued,
    })
}

/// A declined version cannot be activated, so the same values make a new one, which needs an approval of its own.
async fn is_declined(context: &Context, config: &StorageConfig) -> store::Result<bool> {
    let approval = read::approvals::of_version(context, config.id).await?;
    Ok(approval.is_some_and(|approval| approval.state == ApprovalState::Declined))
}

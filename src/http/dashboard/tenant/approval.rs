//! `/tenants/{tenant}/versions/{version}/approve` and `/decline`: the decision about a change of the active version.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::ids::TenantRef;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::{InPath, Version};
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::dashboard::shared::confirm::{Question, ReasonForm, ask, validate};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::service::approve_change::{approve, decline};
use crate::service::read::tenants::TenantDetail;
use crate::service::{Context, read};

/// What differs from the active version: the label, the active value and the new one.
pub(crate) struct Difference {
    pub label: &'static str,
    pub before: String,
    pub after: String,
}

pub(crate) fn differences(active: Option<&StorageConfig>, new: &StorageConfig) -> Vec<Difference> {
    let facts = |config: &StorageConfig| {
        let storage = &config.storage;
        let role = storage.access.client_role();
        [
            ("Mode", storage.mode().to_string()),
            ("Bucket", storage.bucket.to_string()),
            (
                "Prefix",
                storage.prefix.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            ),
            ("Access", storage.level.to_string()),
            ("Bucket account", storage.bucket_account.to_string()),
            ("Region", storage.region.to_string()),
            ("Key", storage.key.to_string()),
            ("Role", role.map_or_else(|| "none".to_owned(), ToString::to_string)),
        ]
    };
    let before = active.map(facts);
    facts(new)
        .into_iter()
        .enumerate()
        .filter_map(|(at, (label, after))| {
            let before = before.as_ref().map_or_else(|| "none".to_owned(), |before| before[at].1.clone());
            (before != after).then_some(Difference { label, before, after })
        })
        .collect()
}

async fn pending(context: &Context, tenant: &TenantRef, version: i32) -> Result<(Tenant, Approval, Option<StorageConfig>), Problem> {
    let detail = read::tenants::detail(context, tenant).await?.ok_or_else(Problem::unknown_tenant)?;
    let TenantDetail {
        tenant,
        active,
        open_approval,
        ..
    } = detail;
    match open_approval.filter(|open| open.config.version == version && open.state == ApprovalState::Pending) {
        Some(approval) => Ok((tenant, approval, active.map(|active| active.config))),
        None => Err(Problem::new(
            ProblemKind::Conflict,
            format!("Version {version} is not waiting for an approval."),
        )),
    }
}

fn approval_question(tenant: &Tenant, approval: &Approval, active: Option<&StorageConfig>) -> Question {
    let version = approval.config.version;
    let changes = differences(active, &approval.config);
    let changes = changes
        .into_iter()
        .map(|one| format!("{}: from {} to {}.", one.label, one.before, one.after));
    let happens = [
        "The version is verified again. If it passes, it replaces the active version, and new documents go to the new storage.".to_owned(),
        "Confirm with your customer, through a channel other than the invite, that they made this change.".to_owned(),
    ];
    Question {
        title: format!("Approve version {version} of {}", tenant.name),
        happens: changes.chain(happens).collect(),
        button: "Approve",
        action: format!("versions/{version}/approve"),
        reason: true,
        is_final: false,
    }
}

fn decline_question(tenant: &Tenant, approval: &Approval) -> Question {
    let version = approval.config.version;
    Question {
        title: format!("Decline version {version} of {}", tenant.name),
        happens: vec![
            "The version is never activated, and the active version stays in use.".into(),
            "The customer sees on the form that the change was declined, and can submit another one.".into(),
            "If somebody else made the change, revoke the tenant’s invites as well.".into(),
        ],
        button: "Decline",
        action: format!("versions/{version}/decline"),
        reason: true,
        is_final: false,
    }
}

pub(crate) async fn approve_page(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
) -> Result<Response, Problem> {
    let (tenant, approval, active) = pending(&state.context, &tenant, version).await?;
    Ok(ask(
        &state,
        &session,
        &tenant,
        approval_question(&tenant, &approval, active.as_ref()),
    ))
}

pub(crate) async fn approve_handle(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
    Posted { session, form, .. }: Posted<Operator, ReasonForm>,
) -> Result<Response, Problem> {
    let (found, approval, active) = pending(&state.context, &tenant, version).await?;
    let question = approval_question(&found, &approval, active.as_ref());
    let reason = match validate(&state, &session, &found, question, &form) {
        Ok(reason) => reason,
        Err(again) => return Ok(*again),
    };
    approve(&state.context, &session.caller, &tenant, version, &reason).await?;
    Ok(Redirect::to(&Notice::ChangeApproved.at(&tenant_path(&found))).into_response())
}

pub(crate) async fn decline_page(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
) -> Result<Response, Problem> {
    let (tenant, approval, _) = pending(&state.context, &tenant, version).await?;
    Ok(ask(&state, &session, &tenant, decline_question(&tenant, &approval)))
}

pub(crate) async fn decline_handle(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
    Posted { session, form, .. }: Posted<Operator, ReasonForm>,
) -> Result<Response, Problem> {
    let (found, approval, _) = pending(&state.context, &tenant, version).await?;
    let reason = match validate(&state, &session, &found, decline_question(&found, &approval), &form) {
        Ok(reason) => reason,
        Err(again) => return Ok(*again),
    };
    decline(&state.context, &session.caller, &tenant, version, &reason).await?;
    Ok(Redirect::to(&Notice::ChangeDeclined.at(&tenant_path(&found))).into_response())
}

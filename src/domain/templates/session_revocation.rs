//! Policies that end AWS sessions before they expire.
//!
//! AWS cannot revoke a session. A role's policy can deny everything to sessions that were issued before a given time, which is what
//! the console's "Revoke active sessions" does, or to sessions with a given tag or name.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html>

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::sid::SidSuffix;
use super::statements::{TAG, policy};
use crate::domain::arn::RoleArn;
use crate::domain::check::FaultSide;
use crate::domain::external_id::ExternalId;
use crate::domain::identity::CallerTag;
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Rotation, Tenant};

/// The Sid, without the end that makes it a tenant's.
const SID: &str = "LatchkeyRevokeSessions";

/// An inline policy for a role, and who can attach it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionRevocation {
    pub(crate) side: FaultSide,
    pub(crate) role: RoleArn,
    pub(crate) policy_name: String,
    pub(crate) policy: Value,
    /// Attaches the policy with the AWS CLI.
    pub(crate) command: String,
}

impl SessionRevocation {
    /// For the vendor's direct role, which all tenants share: denies this tenant's sessions, by their tag. Without a time, those that
    /// are made later, too.
    pub(crate) fn of_direct_role(role: &RoleArn, tenant: &Tenant, issued_before: Option<DateTime<Utc>>) -> Self {
        let name = format!("latchkey-revoke-{}", tenant.id);
        let tag = format!("aws:PrincipalTag/{TAG}");
        let mut condition = Map::from_iter([("StringEquals".to_owned(), json!({tag: external_ids(tenant)}))]);
        condition.extend(issued_before.map(before));
        Self::new(FaultSide::Vendor, role, Some(tenant.id), name, &condition)
    }

    /// For a customer's role, which only the vendor's sessions for this tenant use.
    pub(crate) fn of_client_role(role: &RoleArn, tenant: TenantId, issued_before: DateTime<Utc>) -> Self {
        let condition = Map::from_iter([before(issued_before)]);
        Self::new(
            FaultSide::Customer,
            role,
            Some(tenant),
            "latchkey-revoke-sessions".into(),
            &condition,
        )
    }

    /// Denies the sessions of one caller, by the end of their name. Those of other callers are not affected.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>
    pub(crate) fn of_caller(side: FaultSide, role: &RoleArn, tenant: Option<TenantId>, caller: CallerTag) -> Self {
        let of_tenant = tenant.map_or_else(|| "*".to_owned(), |tenant| tenant.to_string());
        let user = json!({"aws:userid": format!("*:latchkey-{of_tenant}-{caller}")});
        let condition = Map::from_iter([("StringLike".to_owned(), user)]);
        Self::new(side, role, tenant, format!("latchkey-revoke-caller-{caller}"), &condition)
    }

    fn new(side: FaultSide, role: &RoleArn, tenant: Option<TenantId>, policy_name: String, condition: &Map<String, Value>) -> Self {
        let sid = tenant.map_or_else(|| SID.to_owned(), |tenant| SidSuffix::of(tenant).append_to(SID));
        let policy = policy(&[json!({
            "Sid": sid,
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": condition,
        })]);
        Self {
            command: format!(
                "aws iam put-role-policy --role-name {} --policy-name {policy_name} \\\n  --policy-document '{policy}'",
                role.name()
            ),
            side,
            role: role.clone(),
            policy_name,
            policy,
        }
    }
}

/// Issue times are whole seconds, and a session of this very second is to be denied too.
fn before(issued_before: DateTime<Utc>) -> (String, Value) {
    let next_second = issued_before + TimeDelta::seconds(1);
    let time = next_second.to_rfc3339_opts(SecondsFormat::Secs, true);
    ("DateLessThan".to_owned(), json!({"aws:TokenIssueTime": time}))
}

/// Every external ID that a session of this tenant can be tagged with.
fn external_ids(tenant: &Tenant) -> Vec<&ExternalId> {
    let other = match &tenant.rotation {
        None => None,
        Some(Rotation::Issued { next }) => Some(next),
        Some(Rotation::Overlap { previous } | Rotation::Ending { previous }) => Some(previous),
    };
    std::iter::once(&tenant.external_id).chain(other).collect()
}

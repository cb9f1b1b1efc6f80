//! AWS sessions that were handed out.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{TenantView, TokenView};
use crate::domain::check::FaultSide;
use crate::service::revoke_sessions::LiveSessions;

/// A tenant whose credentials have stopped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoppedTenant)]
pub(crate) struct StoppedTenantView {
    #[serde(flatten)]
    pub(crate) tenant: TenantView,
    /// When the last of the AWS sessions that were handed out before expires, at the latest. Null when none is valid.
    pub(crate) sessions_valid_until: Option<DateTime<Utc>>,
}

/// A revoked token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevokedToken)]
pub(crate) struct RevokedTokenView {
    #[serde(flatten)]
    pub(crate) token: TokenView,
    /// When the last of the AWS sessions that were handed out to it expires, at the latest. Null when none is valid.
    pub(crate) sessions_valid_until: Option<DateTime<Utc>>,
}

/// The AWS sessions of a tenant or a token, and how to end them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveSessions)]
pub(crate) struct LiveSessionsView {
    /// When the last of them expires, at the latest. Null when none is valid.
    sessions_valid_until: Option<DateTime<Utc>>,
    /// One for each role that sessions may have been made with.
    revocations: Vec<SessionRevocationView>,
}

/// An inline policy that denies everything to these sessions of a role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionRevocation)]
struct SessionRevocationView {
    /// Who can attach the policy: the vendor to its own role, the customer to theirs.
    side: FaultSide,
    role_arn: String,
    policy_name: String,
    #[schema(value_type = Object)]
    policy: Value,
    /// Attaches the policy with the AWS CLI.
    command: String,
}

impl From<LiveSessions> for LiveSessionsView {
    fn from(live: LiveSessions) -> Self {
        Self {
            sessions_valid_until: live.valid_until,
            revocations: live
                .revocations
                .into_iter()
                .map(|revocation| SessionRevocationView {
                    side: revocation.side,
                    role_arn: revocation.role.to_string(),
                    policy_name: revocation.policy_name,
                    policy: revocation.policy,
                    command: revocation.command,
                })
                .collect(),
        }
    }
}

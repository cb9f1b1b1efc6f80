//! The actions that the audit log records.

use strum::{Display, EnumIter, EnumString, IntoStaticStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
pub enum AuditAction {
    #[strum(serialize = "tenant.created")]
    TenantCreated,
    #[strum(serialize = "tenant.changed")]
    TenantChanged,
    #[strum(serialize = "tenant.suspended")]
    TenantSuspended,
    #[strum(serialize = "tenant.resumed")]
    TenantResumed,
    #[strum(serialize = "tenant.offboarded")]
    TenantOffboarded,
    #[strum(serialize = "tenant.sessions_revoked")]
    TenantSessionsRevoked,
    #[strum(serialize = "tenant.erased")]
    TenantErased,
    #[strum(serialize = "external_id.issued")]
    ExternalIdIssued,
    #[strum(serialize = "external_id.abandoned")]
    ExternalIdAbandoned,
    #[strum(serialize = "external_id.proven")]
    ExternalIdProven,
    #[strum(serialize = "external_id.ended")]
    ExternalIdEnded,
    #[strum(serialize = "external_id.retired")]
    ExternalIdRetired,
    #[strum(serialize = "storage_config.submitted")]
    StorageConfigSubmitted,
    #[strum(serialize = "storage_config.approval_requested")]
    StorageConfigApprovalRequested,
    #[strum(serialize = "storage_config.approved")]
    StorageConfigApproved,
    #[strum(serialize = "storage_config.declined")]
    StorageConfigDeclined,
    #[strum(serialize = "storage_config.approval_withdrawn")]
    StorageConfigApprovalWithdrawn,
    #[strum(serialize = "storage_config.activated")]
    StorageConfigActivated,
    #[strum(serialize = "storage_config.released")]
    StorageConfigReleased,
    #[strum(serialize = "reverification.requested")]
    ReverificationRequested,
    #[strum(serialize = "verification.requested")]
    VerificationRequested,
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
    #[strum(serialize = "verification.superseded")]
    VerificationSuperseded,
    #[strum(serialize = "token.created")]
    TokenCreated,
    #[strum(serialize = "token.revoked")]
    TokenRevoked,
    #[strum(serialize = "token.narrowed")]
    TokenNarrowed,
    #[strum(serialize = "webhook.created")]
    WebhookCreated,
    #[strum(serialize = "webhook.deleted")]
    WebhookDeleted,
    #[strum(serialize = "webhook.secret_rotated")]
    WebhookSecretRotated,
    #[strum(serialize = "webhook.disabled")]
    WebhookDisabled,
    #[strum(serialize = "webhook.enabled")]
    WebhookEnabled,
    #[strum(serialize = "webhook.tested")]
    WebhookTested,
    #[strum(serialize = "webhook.resent")]
    WebhookResent,
    #[strum(serialize = "session.started")]
    SessionStarted,
    #[strum(serialize = "session.ended")]
    SessionEnded,
    #[strum(serialize = "request.refused")]
    RequestRefused,
    #[strum(serialize = "invite.created")]
    InviteCreated,
    #[strum(serialize = "invite.revoked")]
    InviteRevoked,
    #[strum(serialize = "invite.api_token_created")]
    InviteApiTokenCreated,
    #[strum(serialize = "invite.session_ended")]
    InviteSessionEnded,
    #[strum(serialize = "contact.added")]
    ContactAdded,
    #[strum(serialize = "contact.changed")]
    ContactChanged,
    #[strum(serialize = "contact.removed")]
    ContactRemoved,
    #[strum(serialize = "contact.confirmed")]
    ContactConfirmed,
    #[strum(serialize = "contact.stopped")]
    ContactStopped,
    #[strum(serialize = "contact.resumed")]
    ContactResumed,
    #[strum(serialize = "mail.requested")]
    MailRequested,
    #[strum(serialize = "campaign.started")]
    CampaignStarted,
    #[strum(serialize = "campaign.ended")]
    CampaignEnded,
    #[strum(serialize = "credentials.issued")]
    CredentialsIssued,
}

/// An action that was read from the log. A newer version of Latchkey may have written one that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedAction {
    Known(AuditAction),
    Unknown(String),
}

impl RecordedAction {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(action) => action.into(),
            Self::Unknown(name) => name,
        }
    }
}

impl From<String> for RecordedAction {
    fn from(name: String) -> Self {
        name.parse().map_or(Self::Unknown(name), Self::Known)
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_action_can_be_read() {
        for action in AuditAction::iter() {
            assert_eq!(RecordedAction::from(action.to_string()), RecordedAction::Known(action));
        }
        let newer = RecordedAction::from("tenant.moved".to_owned());
        assert_eq!(
            (&newer, newer.as_str()),
            (&RecordedAction::Unknown("tenant.moved".into()), "tenant.moved")
        );
    }
}

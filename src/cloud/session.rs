//! Sessions: temporary credentials that only the AWS adapter can read.

use aws_credential_types::Credentials;
use chrono::{DateTime, Utc};

use crate::domain::identity::CallerTag;
use crate::domain::ids::{TenantId, VerificationId};

/// Temporary credentials. `Debug` does not show them.
#[derive(Clone)]
pub struct AwsSession(pub(super) Credentials);

impl From<Credentials> for AwsSession {
    fn from(credentials: Credentials) -> Self {
        Self(credentials)
    }
}

impl AwsSession {
    /// When the session expires. None if AWS did not say.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expiry().map(DateTime::from)
    }
}

/// The secrets of a session, for the only response that contains them.
pub struct SessionKeys<'a> {
    pub id: &'a str,
    pub secret: &'a str,
    pub token: &'a str,
}

impl AwsSession {
    /// The secrets themselves.
    pub fn keys(&self) -> SessionKeys<'_> {
        SessionKeys {
            id: self.0.access_key_id(),
            secret: self.0.secret_access_key(),
            token: self.0.session_token().unwrap_or_default(),
        }
    }
}

/// For tests of code that only passes sessions on: labels instead of credentials.
#[cfg(test)]
impl AwsSession {
    pub fn labelled(label: &str) -> Self {
        Self(Credentials::new(label, "", None, None, "test"))
    }

    pub fn ending(label: &str, at: DateTime<Utc>) -> Self {
        Self(Credentials::new(
            label,
            "the-secret",
            Some("the-token".into()),
            Some(at.into()),
            "test",
        ))
    }

    pub fn label(&self) -> &str {
        self.0.access_key_id()
    }
}

impl std::fmt::Debug for AwsSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsSession").finish_non_exhaustive()
    }
}

/// The application's name in the user agent, which `CloudTrail` shows as `app/latchkey`.
pub const APP_NAME: &str = "latchkey";

/// The role session name, which `CloudTrail` records with every call: 2 to 64 characters of `[\w+=,.@-]`.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionName(String);

impl SessionName {
    /// `latchkey-<verification id>`
    pub fn of_verification(id: VerificationId) -> Self {
        Self(format!("latchkey-{id}"))
    }

    /// `latchkey-<tenant id>`
    pub fn of_tenant(tenant: TenantId) -> Self {
        Self(format!("latchkey-{tenant}"))
    }

    /// `latchkey-<tenant id>-<caller>`: 58 characters. Customers find in `CloudTrail` which of the vendor's services acted.
    pub fn of_caller(tenant: TenantId, caller: CallerTag) -> Self {
        Self(format!("latchkey-{tenant}-{caller}"))
    }

    /// For the vendor's own sessions, which many verifications share.
    pub fn shared() -> Self {
        Self(APP_NAME.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

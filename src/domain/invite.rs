//! Invites: links to the form that expire and can be revoked. Each browser that opens a link gets a session of its own, and programs get
//! API tokens. Both are valid as long as the invite is.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::ids::{InviteId, InviteSessionId, TenantId};
use super::tenant::Tenant;
use super::text::Malformed;
use super::token::TokenHash;
use super::web_session::encoded;

/// The default lifetime of an invite.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::days(7);
/// The longest lifetime that can be requested.
pub(crate) const LONGEST_LIFETIME: TimeDelta = TimeDelta::days(90);

/// An invite, as stored: without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    pub id: InviteId,
    pub tenant_id: TenantId,
    pub purpose: InvitePurpose,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What an invite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InvitePurpose {
    /// Setting up storage. Once a version is active, the link can verify and show it, but not replace it.
    Onboarding,
    /// Also replacing storage that is in use.
    Change,
}

impl InvitePurpose {
    /// Whether storage may be submitted for this tenant.
    pub fn allows_submission(self, tenant: &Tenant) -> bool {
        self == Self::Change || tenant.facts.active.is_none()
    }
}

/// What uses an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InviteSessionKind {
    /// A browser that opened the link.
    Browser,
    /// A program with an API token.
    ApiToken,
}

/// A browser that opened an invite, or an API token that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedInvite {
    pub id: InviteSessionId,
    pub invite_id: InviteId,
    pub kind: InviteSessionKind,
    /// The address that opened the link, or created the token in the form.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Accurate to the minute.
    pub last_used_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl OpenedInvite {
    /// Whether a visit now has to be written: the first one, and then one a minute.
    pub fn is_visit_due(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at == self.created_at || now - self.last_used_at > TimeDelta::minutes(1)
    }
}

/// The state of an invite at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InviteState {
    Open,
    Expired,
    Revoked,
}

impl Invite {
    pub fn state(&self, now: DateTime<Utc>) -> InviteState {
        if self.revoked_at.is_some() {
            InviteState::Revoked
        } else if self.expires_at <= now {
            InviteState::Expired
        } else {
            InviteState::Open
        }
    }
}

/// A requested lifetime in hours.
///
/// # Errors
/// `lifetime_out_of_range`.
pub(crate) fn lifetime(hours: i64) -> Result<TimeDelta, Malformed> {
    TimeDelta::try_hours(hours)
        .filter(|lifetime| *lifetime >= TimeDelta::hours(1) && *lifetime <= LONGEST_LIFETIME)
        .ok_or_else(|| {
            Malformed::new(
                "lifetime_out_of_range",
                format!(
                    "expires_in_hours must be between 1 and {}; omit it for {}",
                    LONGEST_LIFETIME.num_hours(),
                    LIFETIME.num_hours()
                ),
            )
        })
}

/// A requested purpose.
///
/// # Errors
/// `unknown_purpose`.
pub(crate) fn purpose(text: &str) -> Result<InvitePurpose, Malformed> {
    let expected = || Malformed::new("unknown_purpose", "purpose must be onboarding or change; omit it for the default");
    text.trim().parse().map_err(|_| expected())
}

/// The secret at the end of a link: 32 random bytes.
#[derive(Debug, Clone)]
pub struct InviteToken(SecretString);

impl InviteToken {
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(encoded(&bytes))
    }

    /// A token from a URL. Its hash identifies the invite.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[rstest]
    #[case(None, 9, InviteState::Open)]
    #[case(None, 10, InviteState::Expired)]
    #[case(Some(5), 9, InviteState::Revoked)]
    #[case(Some(5), 11, InviteState::Revoked)]
    fn an_invite_ends_when_it_expires_or_is_revoked(#[case] revoked: Option<i64>, #[case] now: i64, #[case] state: InviteState) {
        let id = uuid::Uuid::nil();
        let invite = Invite {
            id: id.into(),
            tenant_id: id.into(),
            purpose: InvitePurpose::Onboarding,
            created_at: at(0),
            expires_at: at(10),
            last_used_at: None,
            revoked_at: revoked.map(at),
        };
        assert_eq!(invite.state(at(now)), state);
    }

    #[test]
    fn a_lifetime_has_limits() {
        assert_eq!(lifetime(1), Ok(TimeDelta::hours(1)));
        assert_eq!(lifetime(2160), Ok(TimeDelta::days(90)));
        for wrong in [0, -1, 2161, i64::MAX] {
            assert_eq!(lifetime(wrong).unwrap_err().code, "lifetime_out_of_range");
        }
    }
}

//! API tokens and what their roles may do.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::ids::{TenantId, TokenId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Can read `/v1`.
    Viewer,
    /// Can use all of `/v1` except tokens and erasure.
    Ops,
    /// Can only use `/internal/v1`.
    Service,
    /// Can do everything that `ops` can, manage tokens, and erase personal data.
    Admin,
}

/// An action that requires a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    ReadTenants,
    ManageTenants,
    ReadStorage,
    ManageTokens,
}

impl Role {
    pub fn may(self, right: Permission) -> bool {
        match right {
            Permission::ReadTenants => matches!(self, Self::Viewer | Self::Ops | Self::Admin),
            Permission::ManageTenants => matches!(self, Self::Ops | Self::Admin),
            Permission::ReadStorage => self == Self::Service,
            Permission::ManageTokens => self == Self::Admin,
        }
    }
}

/// A token, as stored: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub role: Role,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The tenants that internal services may read with it. None means all.
    pub tenants: Option<Vec<TenantId>>,
}

/// How long before its end a token counts as expiring. For a token with a short lifetime, half of that is enough.
pub const EXPIRES_SOON: TimeDelta = TimeDelta::days(14);

impl Token {
    /// Whether it is valid and has to be replaced soon.
    pub fn is_expiring(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none()
            && self.expires_at.is_some_and(|at| {
                let notice = EXPIRES_SOON.min((at - self.created_at) / 2);
                at > now && at - now <= notice
            })
    }
}

/// How long a new token is to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLifetime {
    Default,
    For(TimeDelta),
    Never,
}

/// The lifetime of a token for which none is given, unless the limit is shorter.
pub const DEFAULT_LIFETIME: TimeDelta = TimeDelta::days(90);

/// SHA-256 of a token. A token has 256 random bits, so a slow hash would not add protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// None if the length is wrong.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The prefix of every token.
pub const PREFIX: &str = "lk_";

/// The text of a new token: `lk_<role>_<64 hexadecimal digits>`.
pub fn text_of(role: Role, secret: [u8; 32]) -> secrecy::SecretString {
    format!("{PREFIX}{role}_{}", hex::encode(secret)).into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::default(90 * 24, 75 * 24, false)]
    #[case::two_weeks_left(90 * 24, 76 * 24, true)]
    #[case::last_hour(90 * 24, 90 * 24 - 1, true)]
    #[case::expired(90 * 24, 90 * 24, false)]
    #[case::new_and_short(24, 11, false)]
    #[case::short(24, 12, true)]
    fn a_token_is_expiring_in_its_last_two_weeks_or_in_half_of_a_short_lifetime(
        #[case] lifetime: i64,
        #[case] age: i64,
        #[case] expected: bool,
    ) {
        let created_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut token = Token {
            id: uuid::Uuid::nil().into(),
            name: "billing".to_owned(),
            role: Role::Service,
            created_at,
            expires_at: Some(created_at + TimeDelta::hours(lifetime)),
            last_used_at: None,
            revoked_at: None,
            tenants: None,
        };
        let now = created_at + TimeDelta::hours(age);
        assert_eq!(token.is_expiring(now), expected);
        token.revoked_at = Some(now);
        assert!(!token.is_expiring(now), "a revoked one does not matter");
        token.revoked_at = None;
        token.expires_at = None;
        assert!(!token.is_expiring(now), "one without an end never expires");
    }

    #[rstest]
    #[case(Role::Viewer, [true, false, false, false])]
    #[case(Role::Ops, [true, true, false, false])]
    #[case(Role::Service, [false, false, true, false])]
    #[case(Role::Admin, [true, true, false, true])]
    fn each_role_has_its_permissions(#[case] role: Role, #[case] may: [bool; 4]) {
        assert_eq!(
            [
                Permission::ReadTenants,
                Permission::ManageTenants,
                Permission::ReadStorage,
                Permission::ManageTokens
            ]
            .map(|right| role.may(right)),
            may
        );
    }
}

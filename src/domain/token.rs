//! API tokens and what their roles may do.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::ids::{TenantId, TokenId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Reads `/v1`.
    Viewer,
    /// All of `/v1` but tokens.
    Ops,
    /// `/internal/v1` alone.
    Service,
    /// What ops may, and tokens.
    Admin,
}

/// What a request needs a role for.
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

/// A token as it is kept: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub role: Role,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// Those that it may ask for; none is all of them. Of use to internal services alone.
    pub tenants: Option<Vec<TenantId>>,
}

/// SHA-256 of a token. A token has 256 random bits, so a slow hash would protect nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// None when it has another length.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How the text of every token begins.
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
    #[case(Role::Viewer, [true, false, false, false])]
    #[case(Role::Ops, [true, true, false, false])]
    #[case(Role::Service, [false, false, true, false])]
    #[case(Role::Admin, [true, true, false, true])]
    fn a_role_may_what_it_is_for(#[case] role: Role, #[case] may: [bool; 4]) {
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

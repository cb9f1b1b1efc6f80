//! The identity of a caller, authenticated by an API token or by the vendor's identity provider.

use sha2::{Digest, Sha256};

use super::audit::Actor;
use super::ids::TenantId;
use super::token::{Permission, Role, Token};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The actor, for the audit log.
    pub actor: Actor,
    pub role: Role,
    /// The tenants that internal services may read with it. None means all.
    pub tenants: Option<Vec<TenantId>>,
}

impl Identity {
    pub fn may(&self, right: Permission) -> bool {
        self.role.may(right)
    }

    /// Who it is, in a form that fits into the name of an AWS session.
    pub fn caller_tag(&self) -> CallerTag {
        CallerTag::of(&self.actor)
    }

    /// Whether it may read this tenant.
    pub fn covers(&self, tenant: TenantId) -> bool {
        self.tenants.as_ref().is_none_or(|tenants| tenants.contains(&tenant))
    }
}

/// Which tenants a JWT of the role `service` may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceTenants {
    /// None: such JWTs are refused.
    None,
    /// Those whose IDs are in this claim.
    Claim(String),
    All,
}

/// A caller, as AWS logs it in the name of a session: twelve hexadecimal digits. For an API token these are the last group
/// of its ID; for everyone else, the beginning of the SHA-256 of how the audit log identifies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallerTag([u8; 6]);

impl CallerTag {
    fn of(actor: &Actor) -> Self {
        Self(match actor {
            Actor::Token { id, .. } => {
                let id = id.as_uuid().into_bytes();
                std::array::from_fn(|at| id[10 + at])
            }
            other => {
                let digest: [u8; 32] = Sha256::digest(other.opaque()).into();
                std::array::from_fn(|at| digest[at])
            }
        })
    }
}

impl std::fmt::Display for CallerTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl From<Token> for Identity {
    fn from(token: Token) -> Self {
        Self {
            actor: Actor::Token {
                id: token.id,
                name: token.name,
            },
            role: token.role,
            tenants: token.tenants,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TokenId;

    #[test]
    fn a_tokens_tag_is_the_last_group_of_its_id() {
        let id = TokenId::parse("01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11").unwrap();
        let token = Actor::Token {
            id,
            name: "billing".into(),
        };
        assert_eq!(CallerTag::of(&token).to_string(), "2f8a1c9f0b11");
    }

    #[test]
    fn a_users_tag_does_not_depend_on_their_name() {
        let user = |subject: &str, name: Option<&str>| {
            CallerTag::of(&Actor::User {
                subject: subject.into(),
                name: name.map(str::to_owned),
            })
        };
        assert_eq!(user("1", None), user("1", Some("Ada")));
        assert_ne!(user("1", None), user("2", None));
    }
}

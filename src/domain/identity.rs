//! The identity of a caller, authenticated by an API token or by the vendor's identity provider.

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

    /// Whether it may read this tenant.
    pub fn covers(&self, tenant: TenantId) -> bool {
        self.tenants.as_ref().is_none_or(|tenants| tenants.contains(&tenant))
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

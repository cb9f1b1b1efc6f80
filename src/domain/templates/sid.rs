//! The Sids of the issued statements. Each tenant has its own, so that the statements of several tenants of one vendor can be in the same
//! policy, such as that of a key that they share. A Sid must be unique in its policy.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::ids::TenantId;

/// What every issued Sid begins with.
const PREFIX: &str = "Latchkey";

/// What the Sids of a tenant end with: eight hexadecimal digits, the same in all documents and versions and after rotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidSuffix([u8; 4]);

impl SidSuffix {
    /// A digest, because the IDs of tenants that were created together begin alike.
    pub fn of(tenant: TenantId) -> Self {
        let digest: [u8; 32] = Sha256::digest(tenant.as_uuid().as_bytes()).into();
        let [a, b, c, d, ..] = digest;
        Self([a, b, c, d])
    }

    /// The tenant's Sid. A Sid that is not one of ours stays the same.
    pub fn append_to(self, sid: &str) -> String {
        if is_issued(sid) { format!("{sid}{self}") } else { sid.to_owned() }
    }
}

impl fmt::Display for SidSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Whether a Sid is one of a statement that Latchkey issues.
pub(super) fn is_issued(sid: &str) -> bool {
    sid.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_keeps_its_own_suffix() {
        let of = |id: u128| SidSuffix::of(uuid::Uuid::from_u128(id).into());
        let sid = of(7).append_to("LatchkeyKey");
        assert_eq!(sid, "LatchkeyKey6bae4268");
        assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()), "IAM accepts nothing else");
        assert_ne!(of(7), of(8));
        assert_eq!(of(7).append_to("EnableRootAccess"), "EnableRootAccess");
    }
}

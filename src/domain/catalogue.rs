//! The catalogue of checks.
//!
//! A check on existing evidence takes one entry here, one function in [`rules`], and one row of the ablation matrix. A
//! check that needs a new AWS call also takes a method of [`Cloud`](crate::cloud::Cloud) with its implementation, a field
//! of [`Evidence`](super::evidence::Evidence), and a step of the verifier (`verifier/production.rs`).

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};
use utoipa::ToSchema;

use super::retry::FailureKind;
use super::rules::{self, CheckContext, RuleOutcome};
use super::storage_config::Mode;

/// What the catalogue knows of a check.
pub struct CatalogueEntry {
    pub name: CheckName,
    pub group: CheckGroup,
    /// What a pass proves, in one sentence.
    pub proves: &'static str,
    pub modes: &'static [Mode],
    /// Beside those that every check of a mode has.
    pub premises: &'static [CheckName],
    pub weight: CheckWeight,
    /// What a failure is about: whether waiting may mend it.
    pub failure: FailureKind,
    judge: fn(&CheckContext) -> RuleOutcome,
}

/// What a check is about: people mend one thing at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckGroup {
    Vendor,
    Role,
    Key,
    Bucket,
    Objects,
}

/// What a failure does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckWeight {
    /// It rejects, whatever the vendor sets.
    AlwaysRequired,
    /// It rejects, unless the vendor set the check to advisory.
    Required,
    /// It only ever warns. Asked where the vendor's templates grant what it reads.
    Advisory,
}

/// One entry for each check, in the order in which people read them: a check's premises stand before it.
macro_rules! catalogue {
    ($($name:ident {
        group: $group:ident,
        proves: $proves:literal,
        modes: $modes:expr,
        premises: $premises:expr,
        weight: $weight:ident,
        failure: $failure:ident,
        judge: $judge:path,
    })*) => {
        /// One positive claim.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString, EnumIter,
            IntoStaticStr, ToSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        #[strum(serialize_all = "kebab-case")]
        pub enum CheckName {
            $($name,)*
        }

        impl CheckName {
            pub fn entry(self) -> CatalogueEntry {
                match self {
                    $(Self::$name => CatalogueEntry {
                        name: self,
                        group: CheckGroup::$group,
                        proves: $proves,
                        modes: $modes,
                        premises: $premises,
                        weight: CheckWeight::$weight,
                        failure: FailureKind::$failure,
                        judge: $judge,
                    },)*
                }
            }
        }
    };
}

use CheckName as C;

const BOTH: &[Mode] = &[Mode::Direct, Mode::AssumeRole];
const DIRECT: &[Mode] = &[Mode::Direct];
const ASSUME_ROLE: &[Mode] = &[Mode::AssumeRole];
const BUCKET: &[CheckName] = &[C::BucketReachable, C::BucketOwnerMatches, C::BucketRegionMatches];

catalogue! {
    VendorRoleAssumable {
        group: Vendor,
        proves: "The role of [vendor] can be assumed.",
        modes: BOTH,
        premises: &[],
        weight: AlwaysRequired,
        failure: Lasting,
        judge: rules::roles::vendor_role_assumable,
    }
    ClientRoleAssumable {
        group: Role,
        proves: "[Your] role grants access to [vendor] with [your] external ID.",
        modes: ASSUME_ROLE,
        premises: &[],
        weight: AlwaysRequired,
        failure: Refused,
        judge: rules::roles::client_role_assumable,
    }
    RoleRequiresExternalId {
        group: Role,
        proves: "[Your] role refuses [vendor] when the external ID is missing or wrong.",
        modes: ASSUME_ROLE,
        premises: &[],
        weight: AlwaysRequired,
        failure: LetIn,
        judge: rules::roles::role_requires_external_id,
    }
    BucketReachable {
        group: Bucket,
        proves: "The bucket exists.",
        modes: BOTH,
        premises: &[],
        weight: Required,
        failure: Lasting,
        judge: rules::bucket::reachable,
    }
    BucketOwnerMatches {
        group: Bucket,
        proves: "The bucket belongs to the submitted account.",
        modes: BOTH,
        premises: &[C::BucketReachable],
        weight: AlwaysRequired,
        failure: Lasting,
        judge: rules::bucket::owner_matches,
    }
    BucketRegionMatches {
        group: Bucket,
        proves: "The bucket is in the submitted region.",
        modes: BOTH,
        premises: &[C::BucketReachable, C::BucketOwnerMatches],
        weight: Required,
        failure: Lasting,
        judge: rules::bucket::region_matches,
    }
    BucketListable {
        group: Bucket,
        proves: "[Vendor] can list the bucket.",
        modes: BOTH,
        premises: BUCKET,
        weight: Required,
        failure: Refused,
        judge: rules::bucket::listable,
    }
    KeyDescribable {
        group: Key,
        proves: "[Vendor] can describe the key.",
        modes: BOTH,
        premises: &[],
        weight: Required,
        failure: Refused,
        judge: rules::key::describable,
    }
    KeySuitable {
        group: Key,
        proves: "The key is enabled, symmetric and customer managed.",
        modes: BOTH,
        premises: &[C::KeyDescribable],
        weight: Required,
        failure: Lasting,
        judge: rules::key::suitable,
    }
    KeyEncryptAllowed {
        group: Key,
        proves: "[Vendor] can encrypt with the key.",
        modes: BOTH,
        premises: &[],
        weight: Required,
        failure: Refused,
        judge: rules::key::encrypt_allowed,
    }
    KeyDecryptAllowed {
        group: Key,
        proves: "[Vendor] can decrypt with the key.",
        modes: BOTH,
        premises: &[C::KeyEncryptAllowed],
        weight: Required,
        failure: Refused,
        judge: rules::key::decrypt_allowed,
    }
    KeyReencryptAllowed {
        group: Key,
        proves: "[Vendor] can re-encrypt with the key.",
        modes: BOTH,
        premises: &[C::KeyEncryptAllowed],
        weight: Required,
        failure: Refused,
        judge: rules::key::reencrypt_allowed,
    }
    KeyGenerateDataKeyAllowed {
        group: Key,
        proves: "[Vendor] can generate data keys with the key.",
        modes: BOTH,
        premises: &[],
        weight: Required,
        failure: Refused,
        judge: rules::key::generate_data_key_allowed,
    }
    KeyRequiresExternalId {
        group: Key,
        proves: "The key refuses [vendor] when the external ID is missing or wrong.",
        modes: DIRECT,
        premises: &[],
        weight: AlwaysRequired,
        failure: LetIn,
        judge: rules::isolation::key_requires_external_id,
    }
    ObjectWritable {
        group: Objects,
        proves: "[Vendor] can write an object.",
        modes: BOTH,
        premises: BUCKET,
        weight: Required,
        failure: Refused,
        judge: rules::object::writable,
    }
    EncryptedWithKey {
        group: Objects,
        proves: "New objects are encrypted with [your] key by default.",
        modes: BOTH,
        premises: BUCKET,
        weight: Required,
        failure: Lasting,
        judge: rules::object::encrypted_with_key,
    }
    VersioningDisabled {
        group: Objects,
        proves: "The bucket keeps no old versions.",
        modes: BOTH,
        premises: &[C::ObjectWritable],
        weight: Required,
        failure: Lasting,
        judge: rules::object::versioning_disabled,
    }
    ObjectReadable {
        group: Objects,
        proves: "[Vendor] can read an object.",
        modes: BOTH,
        premises: &[C::ObjectWritable],
        weight: Required,
        failure: Refused,
        judge: rules::object::readable,
    }
    ObjectRestorable {
        group: Objects,
        proves: "[Vendor] can restore an archived object.",
        modes: BOTH,
        premises: &[C::ObjectWritable],
        weight: Required,
        failure: Refused,
        judge: rules::object::restorable,
    }
    ObjectDeletable {
        group: Objects,
        proves: "[Vendor] can delete an object.",
        modes: BOTH,
        premises: &[C::ObjectWritable],
        weight: AlwaysRequired,
        failure: Refused,
        judge: rules::object::deletable,
    }
    BucketRequiresExternalId {
        group: Bucket,
        proves: "The bucket refuses [vendor] when the external ID is missing or wrong.",
        modes: DIRECT,
        premises: BUCKET,
        weight: AlwaysRequired,
        failure: LetIn,
        judge: rules::isolation::bucket_requires_external_id,
    }
    PublicAccessBlocked {
        group: Bucket,
        proves: "All public access to the bucket is blocked.",
        modes: BOTH,
        premises: BUCKET,
        weight: Advisory,
        failure: Lasting,
        judge: rules::posture::public_access_blocked,
    }
    AclsDisabled {
        group: Bucket,
        proves: "ACLs are disabled on the bucket.",
        modes: BOTH,
        premises: BUCKET,
        weight: Advisory,
        failure: Lasting,
        judge: rules::posture::acls_disabled,
    }
    AccessLoggingEnabled {
        group: Bucket,
        proves: "Access to the bucket is logged.",
        modes: BOTH,
        premises: BUCKET,
        weight: Advisory,
        failure: Lasting,
        judge: rules::posture::access_logging_enabled,
    }
    BucketNotClaimed {
        group: Bucket,
        proves: "This bucket and role are not used by [another customer].",
        modes: BOTH,
        premises: &[],
        weight: AlwaysRequired,
        failure: Lasting,
        judge: rules::not_claimed,
    }
}

impl CheckName {
    /// The checks of a mode, in the catalogue's order.
    pub fn of_mode(mode: Mode) -> impl Iterator<Item = Self> {
        Self::iter().filter(move |check| check.entry().modes.contains(&mode))
    }

    /// The checks that have to pass before this one means anything. The order is that in which they are blamed.
    pub fn premises(self, mode: Mode) -> Vec<Self> {
        let entry = self.entry();
        let mut premises = Vec::new();
        if self != C::VendorRoleAssumable {
            premises.push(C::VendorRoleAssumable);
        }
        if mode == Mode::AssumeRole && !matches!(self, C::VendorRoleAssumable | C::ClientRoleAssumable) {
            premises.push(C::ClientRoleAssumable);
            if self == C::ObjectWritable {
                premises.push(C::RoleRequiresExternalId);
            }
        }
        premises.extend(entry.premises);
        if self == C::BucketNotClaimed {
            premises = Self::of_mode(mode).filter(|check| *check != C::BucketNotClaimed).collect();
        }
        premises
    }

    pub(super) fn judge(self, case: &CheckContext) -> RuleOutcome {
        (self.entry().judge)(case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prerequisites_come_before_the_checks_that_need_them() {
        for mode in [Mode::Direct, Mode::AssumeRole] {
            let order: Vec<CheckName> = CheckName::of_mode(mode).collect();
            for (at, check) in order.iter().enumerate() {
                for premise in check.premises(mode) {
                    let of_premise = order.iter().position(|other| *other == premise);
                    assert!(
                        of_premise.is_some_and(|of_premise| of_premise < at),
                        "{mode}: {premise} before {check}"
                    );
                }
            }
        }
    }

    #[test]
    fn checks_of_isolation_can_never_be_advisory() {
        let required: Vec<String> = CheckName::iter()
            .filter(|check| check.entry().weight == CheckWeight::AlwaysRequired)
            .map(|check| check.to_string())
            .collect();
        assert_eq!(
            required,
            [
                "vendor-role-assumable",
                "client-role-assumable",
                "role-requires-external-id",
                "bucket-owner-matches",
                "key-requires-external-id",
                "object-deletable",
                "bucket-requires-external-id",
                "bucket-not-claimed",
            ]
        );
    }
}

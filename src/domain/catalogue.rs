//! The catalogue of checks.
//!
//! A check that uses existing evidence needs an entry here, a rule in [`rules`] with its sentences in
//! [`message`](super::message), and a test of the ablation matrix (`tests/it/with_aws/ablation`). A check that needs a new AWS call
//! also needs a method of [`Cloud`](crate::cloud::Cloud) with its implementation, a field of
//! [`Evidence`](super::evidence::Evidence), and a step of the verifier (`verifier/production.rs`). If the call needs a new
//! permission, also add a statement in `templates/statements.rs`. `./dev/generate` updates the documents.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

use super::access_level::AccessLevel;
use super::message::Message;
use super::retry::FailureKind;
use super::rules::{self, CheckContext, RuleOutcome};
use super::storage_config::Mode;

/// A check's entry in the catalogue.
pub struct CatalogueEntry {
    pub name: CheckName,
    pub group: CheckGroup,
    /// What a pass proves: the template of a [`Message`] of one sentence.
    pub proves: &'static str,
    pub modes: &'static [Mode],
    pub levels: &'static [AccessLevel],
    pub prerequisites: Prerequisites,
    pub weight: CheckWeight,
    /// Whether a failure of the active version means that its isolation or its ownership is lost: others can read or write the
    /// documents, or they belong to someone else. Serving it would then do harm, so the tenant is quarantined.
    pub breach: bool,
    /// Whether a retry may help after a failure.
    pub failure: FailureKind,
    pub decided_by: DecidedBy,
}

/// The checks that must pass before another one is meaningful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prerequisites {
    /// The prerequisites. If several did not pass, the first one is reported. Checks of another mode do not count.
    These(&'static [&'static [CheckName]]),
    /// All other checks that the vendor requires.
    AllRequired,
}

/// Where a check's result comes from.
#[derive(Debug, Clone, Copy)]
pub enum DecidedBy {
    /// A rule that is applied to the evidence.
    Evidence(fn(&CheckContext) -> RuleOutcome),
    /// A constraint of the database, when the version becomes active.
    Database,
}

/// The part of the setup that a check is about. People fix one part at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckGroup {
    Vendor,
    Role,
    Key,
    Bucket,
    Objects,
}

/// The effect of a failure on the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckWeight {
    /// A failure rejects the config. No setting changes that.
    AlwaysRequired,
    /// A failure rejects the config, unless the vendor made the check advisory.
    Required,
    /// A failure is only a warning. The check runs if the vendor's setup allows it: see [`Vendor::checks`](super::vendor::Vendor::checks).
    Advisory,
}

/// One entry per check, in reading order: prerequisites come before the checks that need them.
macro_rules! catalogue {
    ($($name:ident {
        group: $group:ident,
        proves: $proves:literal,
        modes: $modes:expr,
        levels: $levels:expr,
        prerequisites: $prerequisites:expr,
        weight: $weight:ident,
        breach: $breach:literal,
        failure: $failure:ident,
        decided_by: $decided_by:expr,
    })*) => {
        /// The name of a check.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString, EnumIter,
            IntoStaticStr,
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
                        levels: $levels,
                        prerequisites: $prerequisites,
                        weight: CheckWeight::$weight,
                        breach: $breach,
                        failure: FailureKind::$failure,
                        decided_by: $decided_by,
                    },)*
                }
            }
        }
    };
}

use DecidedBy::{Database, Evidence};
use Prerequisites::{AllRequired, These};

const BOTH: &[Mode] = &[Mode::Direct, Mode::AssumeRole];
const DIRECT: &[Mode] = &[Mode::Direct];
const ASSUME_ROLE: &[Mode] = &[Mode::AssumeRole];
const ANY_LEVEL: &[AccessLevel] = &[AccessLevel::ReadWrite, AccessLevel::Read];
const WRITING: &[AccessLevel] = &[AccessLevel::ReadWrite];
const READING: &[AccessLevel] = &[AccessLevel::Read];
const SESSIONS: &[CheckName] = &[CheckName::VendorRoleAssumable, CheckName::ClientRoleAssumable];
/// What every call on the bucket and the key needs: the sessions, and that the role denies unauthorized callers.
pub(crate) const ISOLATED_SESSIONS: &[CheckName] = &[
    CheckName::VendorRoleAssumable,
    CheckName::ClientRoleAssumable,
    CheckName::RoleRequiresExternalId,
];
pub(crate) const BUCKET: &[CheckName] = &[
    CheckName::BucketReachable,
    CheckName::BucketRegionMatches,
    CheckName::BucketOwnerMatches,
];

catalogue! {
    VendorRoleAssumable {
        group: Vendor,
        proves: "The role of [vendor] can be assumed.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[]),
        weight: AlwaysRequired,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::roles::vendor_role_assumable),
    }
    ClientRoleAssumable {
        group: Role,
        proves: "[Your] role grants access to [vendor] with [your] external ID.",
        modes: ASSUME_ROLE,
        levels: ANY_LEVEL,
        prerequisites: These(&[&[CheckName::VendorRoleAssumable]]),
        weight: AlwaysRequired,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::roles::client_role_assumable),
    }
    RoleRequiresExternalId {
        group: Role,
        proves: "[Your] role denies access to [vendor] when the external ID is missing or wrong.",
        modes: ASSUME_ROLE,
        levels: ANY_LEVEL,
        prerequisites: These(&[SESSIONS]),
        weight: AlwaysRequired,
        breach: true,
        failure: AccessOpen,
        decided_by: Evidence(rules::roles::role_requires_external_id),
    }
    RoleDeniesOtherRoles {
        group: Role,
        proves: "Another role of [vendor] cannot assume [your] role with [your] external ID.",
        modes: ASSUME_ROLE,
        levels: ANY_LEVEL,
        prerequisites: These(&[SESSIONS]),
        weight: Advisory,
        breach: false,
        failure: AccessOpen,
        decided_by: Evidence(rules::roles::role_denies_other_roles),
    }
    BucketReachable {
        group: Bucket,
        proves: "The bucket exists.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: Required,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::bucket::reachable),
    }
    BucketRegionMatches {
        group: Bucket,
        proves: "The bucket is in the submitted region.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::BucketReachable]]),
        weight: Required,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::bucket::region_matches),
    }
    BucketOwnerMatches {
        group: Bucket,
        proves: "The bucket belongs to the expected account.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::BucketReachable, CheckName::BucketRegionMatches]]),
        weight: AlwaysRequired,
        breach: true,
        failure: Permanent,
        decided_by: Evidence(rules::bucket::owner_matches),
    }
    BucketListable {
        group: Bucket,
        proves: "[Vendor] can list the bucket.",
        modes: BOTH,
        levels: ANY_LEVEL,
        // The list is evidence of the owner too, so its rule decides which of the two failed.
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::BucketReachable, CheckName::BucketRegionMatches]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::bucket::listable),
    }
    KeyDescribable {
        group: Key,
        proves: "[Vendor] can describe the key.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::key::describable),
    }
    KeySuitable {
        group: Key,
        proves: "The key is enabled, symmetric and customer managed.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::KeyDescribable]]),
        weight: Required,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::key::suitable),
    }
    KeyEncryptAllowed {
        group: Key,
        proves: "[Vendor] can encrypt with the key.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::key::encrypt_allowed),
    }
    KeyDecryptAllowed {
        group: Key,
        proves: "[Vendor] can decrypt with the key.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::KeyEncryptAllowed]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::key::decrypt_allowed),
    }
    KeyReencryptAllowed {
        group: Key,
        proves: "[Vendor] can re-encrypt with the key.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::KeyEncryptAllowed]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::key::reencrypt_allowed),
    }
    KeyGenerateDataKeyAllowed {
        group: Key,
        proves: "[Vendor] can generate data keys with the key.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::key::generate_data_key_allowed),
    }
    KeyRequiresExternalId {
        group: Key,
        proves: "[Vendor] is denied use of the key without [your] external ID.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: AlwaysRequired,
        breach: true,
        failure: AccessOpen,
        decided_by: Evidence(rules::isolation::key_requires_external_id),
    }
    KeyDescriptionRequiresExternalId {
        group: Key,
        proves: "[Vendor] is denied the description of the key without [your] external ID.",
        modes: BOTH,
        levels: READING,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: AlwaysRequired,
        breach: true,
        failure: AccessOpen,
        decided_by: Evidence(rules::isolation::key_description_requires_external_id),
    }
    ObjectWritable {
        group: Objects,
        proves: "[Vendor] can write an object.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::object::writable),
    }
    EncryptedWithKey {
        group: Objects,
        proves: "New objects are encrypted with [your] key by default.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET]),
        weight: Required,
        breach: true,
        failure: AccessOpen,
        decided_by: Evidence(rules::object::encrypted_with_key),
    }
    VersioningDisabled {
        group: Objects,
        proves: "The bucket keeps no old versions.",
        modes: BOTH,
        levels: WRITING,
        // Its rule waits for the put: it may know the answer without.
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: Required,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::object::versioning_disabled),
    }
    ObjectReadable {
        group: Objects,
        proves: "[Vendor] can read an object.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::ObjectWritable]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::object::readable),
    }
    ObjectRestorable {
        group: Objects,
        proves: "[Vendor] can restore an archived object.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::ObjectWritable]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::object::restorable),
    }
    MultipartUploadAbortable {
        group: Objects,
        proves: "[Vendor] can list the parts of a multipart upload and abort it.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::ObjectWritable]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::object::multipart_upload_abortable),
    }
    ObjectDeletable {
        group: Objects,
        proves: "[Vendor] can delete an object.",
        modes: BOTH,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::ObjectWritable]]),
        weight: AlwaysRequired,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::object::deletable),
    }
    ExtraActionsAllowed {
        group: Objects,
        proves: "[Vendor] can use the additional permissions that it asks for.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET, &[CheckName::ObjectWritable, CheckName::ObjectReadable]]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::extra::extra_actions_allowed),
    }
    BucketRequiresExternalId {
        group: Bucket,
        proves: "[Vendor] is denied access to the bucket without [your] external ID.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: AlwaysRequired,
        breach: true,
        failure: AccessOpen,
        decided_by: Evidence(rules::isolation::bucket_requires_external_id),
    }
    BucketNotPublic {
        group: Bucket,
        proves: "The bucket denies requests without credentials.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS]),
        weight: AlwaysRequired,
        breach: true,
        failure: AccessOpen,
        decided_by: Evidence(rules::isolation::bucket_not_public),
    }
    ReadOnlyEnforced {
        group: Objects,
        proves: "Credentials for reading do not allow writing.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::ObjectWritable]]),
        weight: Required,
        breach: false,
        failure: AccessOpen,
        decided_by: Evidence(rules::limited::read_only_enforced),
    }
    PrefixEnforced {
        group: Objects,
        proves: "Credentials for a prefix do not allow reading outside of it.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, &[CheckName::ObjectWritable]]),
        weight: Required,
        breach: false,
        failure: AccessOpen,
        decided_by: Evidence(rules::limited::prefix_enforced),
    }
    NetworkRestricted {
        group: Role,
        proves: "[Vendor] is denied access from outside of its network.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[
            ISOLATED_SESSIONS,
            BUCKET,
            &[
                CheckName::BucketListable,
                CheckName::KeyDescribable,
                CheckName::ObjectWritable,
                CheckName::ObjectReadable,
                CheckName::BucketNotPublic,
            ],
        ]),
        weight: Required,
        breach: false,
        failure: AccessOpen,
        decided_by: Evidence(rules::network::network_restricted),
    }
    PublicAccessBlocked {
        group: Bucket,
        proves: "All public access to the bucket is blocked.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET]),
        weight: Advisory,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::posture::public_access_blocked),
    }
    ObjectsOwnedByCustomer {
        group: Bucket,
        proves: "Objects that [vendor] writes belong to [you].",
        modes: DIRECT,
        levels: WRITING,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET]),
        weight: Required,
        breach: false,
        failure: Refused,
        decided_by: Evidence(rules::posture::objects_owned_by_customer),
    }
    AclsDisabled {
        group: Bucket,
        proves: "ACLs are disabled on the bucket.",
        modes: ASSUME_ROLE,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET]),
        weight: Advisory,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::posture::acls_disabled),
    }
    AccessLoggingEnabled {
        group: Bucket,
        proves: "Access to the bucket is logged.",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: These(&[ISOLATED_SESSIONS, BUCKET]),
        weight: Advisory,
        breach: false,
        failure: Permanent,
        decided_by: Evidence(rules::posture::access_logging_enabled),
    }
    BucketNotClaimed {
        group: Bucket,
        proves: "The location in the bucket, and the role if there is one, are not used by [another customer].",
        modes: BOTH,
        levels: ANY_LEVEL,
        prerequisites: AllRequired,
        weight: AlwaysRequired,
        breach: false,
        failure: Permanent,
        decided_by: Database,
    }
}

impl CheckName {
    /// The checks of a mode and a level of access, in the catalogue's order.
    pub fn of(mode: Mode, level: AccessLevel) -> impl Iterator<Item = Self> {
        Self::iter().filter(move |check| check.is_of(mode, level))
    }

    pub(crate) fn is_of(self, mode: Mode, level: AccessLevel) -> bool {
        let entry = self.entry();
        entry.modes.contains(&mode) && entry.levels.contains(&level)
    }

    /// What a pass proves.
    pub fn claim(self) -> Message {
        self.entry().proves.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vendor::Vendor;

    #[test]
    fn prerequisites_come_before_the_checks_that_need_them() {
        let vendor = Vendor::unnamed();
        for mode in [Mode::Direct, Mode::AssumeRole] {
            for level in AccessLevel::iter() {
                let order: Vec<CheckName> = CheckName::of(mode, level).collect();
                for (at, check) in order.iter().enumerate() {
                    for prerequisite in vendor.prerequisites(*check, mode, level) {
                        let before = &order[..at];
                        assert!(before.contains(&prerequisite), "{mode}, {level}: {prerequisite} before {check}");
                    }
                }
            }
        }
    }

    #[test]
    fn isolation_checks_can_never_be_advisory() {
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
                "key-description-requires-external-id",
                "object-deletable",
                "bucket-requires-external-id",
                "bucket-not-public",
                "bucket-not-claimed",
            ]
        );
    }
}

//! The catalogue of checks. To add a check: its name in `check`, one entry here, one function in `judge`.

use strum::IntoEnumIterator;

use super::check::CheckName;
use super::judge::{self, Case, Judgement};
use super::storage_config::Mode;

/// What the catalogue knows of a check.
pub struct Entry {
    pub name: CheckName,
    /// What a pass proves, in one sentence.
    pub proves: &'static str,
    modes: &'static [Mode],
    /// Beside those that every check of a mode has.
    premises: &'static [CheckName],
    pub may_be_advisory: bool,
    judge: fn(&Case) -> Judgement,
}

use CheckName as C;

const BOTH: &[Mode] = &[Mode::Direct, Mode::AssumeRole];
const DIRECT: &[Mode] = &[Mode::Direct];
const ASSUME_ROLE: &[Mode] = &[Mode::AssumeRole];
const BUCKET: &[CheckName] = &[C::BucketReachable, C::BucketOwnerMatches, C::BucketRegionMatches];

impl CheckName {
    pub fn entry(self) -> Entry {
        let entry = |proves, modes, premises, judge| Entry {
            name: self,
            proves,
            modes,
            premises,
            may_be_advisory: true,
            judge,
        };
        let always_required = |entry: Entry| Entry {
            may_be_advisory: false,
            ..entry
        };
        match self {
            C::VendorRoleAssumable => always_required(entry(
                "The vendor's own role can be assumed.",
                BOTH,
                &[],
                judge::roles::vendor_role_assumable,
            )),
            C::ClientRoleAssumable => always_required(entry(
                "Your role lets the vendor in with your external ID.",
                ASSUME_ROLE,
                &[],
                judge::roles::client_role_assumable,
            )),
            C::RoleRequiresExternalId => always_required(entry(
                "Your role lets nobody in without your external ID.",
                ASSUME_ROLE,
                &[],
                judge::roles::role_requires_external_id,
            )),
            C::BucketReachable => entry("The bucket exists and answers.", BOTH, &[], judge::bucket::reachable),
            C::BucketOwnerMatches => always_required(entry(
                "The bucket belongs to the account that you named.",
                BOTH,
                &[C::BucketReachable],
                judge::bucket::owner_matches,
            )),
            C::BucketRegionMatches => entry(
                "The bucket is in the region that you named.",
                BOTH,
                &[C::BucketReachable, C::BucketOwnerMatches],
                judge::bucket::region_matches,
            ),
            C::BucketListable => entry("The vendor can list the bucket.", BOTH, BUCKET, judge::bucket::listable),
            C::KeyDescribable => entry("The vendor can look the key up.", BOTH, &[], judge::key::describable),
            C::KeySuitable => entry(
                "The key is enabled, symmetric and managed by you.",
                BOTH,
                &[C::KeyDescribable],
                judge::key::suitable,
            ),
            C::KeyEncryptAllowed => entry("The vendor can encrypt with the key.", BOTH, &[], judge::key::encrypt_allowed),
            C::KeyDecryptAllowed => entry(
                "The vendor can decrypt with the key.",
                BOTH,
                &[C::KeyEncryptAllowed],
                judge::key::decrypt_allowed,
            ),
            C::KeyReencryptAllowed => entry(
                "The vendor can re-encrypt with the key.",
                BOTH,
                &[C::KeyEncryptAllowed],
                judge::key::reencrypt_allowed,
            ),
            C::KeyGenerateDataKeyAllowed => entry(
                "The vendor can make data keys with the key.",
                BOTH,
                &[],
                judge::key::generate_data_key_allowed,
            ),
            C::KeyRequiresExternalId => always_required(entry(
                "The key lets nobody in without your external ID.",
                DIRECT,
                &[],
                judge::isolation::key_requires_external_id,
            )),
            C::ObjectWritable => entry("The vendor can write an object.", BOTH, BUCKET, judge::object::writable),
            C::EncryptedWithKey => entry(
                "The bucket encrypts with your key of its own accord.",
                BOTH,
                BUCKET,
                judge::object::encrypted_with_key,
            ),
            C::VersioningDisabled => entry(
                "The bucket keeps no old versions.",
                BOTH,
                &[C::ObjectWritable],
                judge::object::versioning_disabled,
            ),
            C::ObjectReadable => entry(
                "The vendor can read an object.",
                BOTH,
                &[C::ObjectWritable],
                judge::object::readable,
            ),
            C::ObjectRestorable => entry(
                "The vendor can restore an archived object.",
                BOTH,
                &[C::ObjectWritable],
                judge::object::restorable,
            ),
            C::ObjectDeletable => always_required(entry(
                "The vendor can delete an object.",
                BOTH,
                &[C::ObjectWritable],
                judge::object::deletable,
            )),
            C::BucketRequiresExternalId => always_required(entry(
                "The bucket lets nobody in without your external ID.",
                DIRECT,
                BUCKET,
                judge::isolation::bucket_requires_external_id,
            )),
            C::BucketNotClaimed => always_required(entry(
                "No other tenant uses this bucket or this role.",
                BOTH,
                &[],
                judge::not_claimed,
            )),
        }
    }

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

    pub(super) fn judge(self, case: &Case) -> Judgement {
        (self.entry().judge)(case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premises_stand_before_what_rests_on_them() {
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
    fn what_keeps_strangers_out_may_never_be_advisory() {
        let required: Vec<String> = CheckName::iter()
            .filter(|check| !check.entry().may_be_advisory)
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

//! The names of the checks, and how a check can end.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};
use utoipa::ToSchema;

/// One positive claim, in the order in which people read them: a check's premises stand before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CheckName {
    VendorRoleAssumable,
    ClientRoleAssumable,
    RoleRequiresExternalId,
    BucketReachable,
    BucketOwnerMatches,
    BucketRegionMatches,
    BucketListable,
    KeyDescribable,
    KeySuitable,
    KeyEncryptAllowed,
    KeyDecryptAllowed,
    KeyReencryptAllowed,
    KeyGenerateDataKeyAllowed,
    KeyRequiresExternalId,
    ObjectWritable,
    EncryptedWithKey,
    VersioningDisabled,
    ObjectReadable,
    ObjectRestorable,
    ObjectDeletable,
    BucketRequiresExternalId,
    BucketNotClaimed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    Passed,
    Failed,
    /// An advisory check that did not pass.
    Warning,
    /// Something that it depends on did not pass.
    Skipped,
    /// AWS, the network or the vendor's own set-up did not answer the question.
    Inconclusive,
}

//! Sample parameters in every partition and mode, with any number of known values: for tests, and for the linters of the
//! documents.

use strum::IntoEnumIterator;

use super::creation::{Creation, RolePath, Tags};
use super::sid::SidSuffix;
use super::{Parties, TemplateParams};
use crate::domain::access_level::AccessLevel;
use crate::domain::account::AccountId;
use crate::domain::arn::{BucketName, KeyArn, PolicyArn, RoleArn, RoleName};
use crate::domain::external_id::ExternalId;
use crate::domain::extra_action::{ExtraAction, ExtraActions};
use crate::domain::ids::TenantId;
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::partition::Partition;
use crate::domain::storage_config::Mode;
use crate::domain::vendor_network::{VendorNetwork, VpcEndpointId, VpcEndpoints};

const TENANT: &str = "01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11";
const VALID: &str = "the samples are valid";

/// The names in the samples.
pub const PARTIES: Parties = Parties {
    vendor: "Example Vendor",
    tenant: "Acme Corporation",
};

/// Without any of the customer's values.
pub fn untyped(partition: Partition, mode: Mode) -> TemplateParams {
    let vendor = RoleArn::parse(&format!("arn:{partition}:iam::111111111111:role/vendor/documents")).expect(VALID);
    let id = ExternalId::parse("lk-0123456789abcdef0123456789abcdef01234567").expect(VALID);
    TemplateParams {
        sid_suffix: Some(SidSuffix::of(TenantId::parse(TENANT).expect(VALID))),
        ..TemplateParams::empty(mode, vendor, vec![id])
    }
}

/// With all values except the key.
pub fn with_new_key(partition: Partition, mode: Mode) -> TemplateParams {
    TemplateParams {
        bucket: Some(BucketName::parse("acme-documents").expect(VALID)),
        role_name: Some(RoleName::parse("documents").expect(VALID)),
        account: Some(AccountId::parse("222222222222").expect(VALID)),
        ..untyped(partition, mode)
    }
}

/// With all values.
pub fn typed(partition: Partition, mode: Mode) -> TemplateParams {
    TemplateParams {
        key: Some(
            KeyArn::parse(&format!(
                "arn:{partition}:kms:{}:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                region(partition)
            ))
            .expect(VALID),
        ),
        ..with_new_key(partition, mode)
    }
}

fn region(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws => "eu-central-1",
        Partition::China => "cn-north-1",
        Partition::UsGov => "us-gov-west-1",
        Partition::Iso => "us-iso-east-1",
        Partition::IsoB => "us-isob-east-1",
        Partition::IsoE => "eu-isoe-west-1",
        Partition::IsoF => "us-isof-south-1",
        Partition::EuSovereign => "eusc-de-east-1",
    }
}

/// All combinations of parameters, each with a name.
pub fn every() -> Vec<(String, TemplateParams)> {
    let mut every = Vec::new();
    for partition in Partition::iter() {
        for mode in [Mode::AssumeRole, Mode::Direct] {
            for (state, params) in [
                ("untyped", untyped(partition, mode)),
                ("new-key", with_new_key(partition, mode)),
                ("typed", typed(partition, mode)),
                (
                    "posture",
                    TemplateParams {
                        posture: true,
                        ..asking(typed(partition, mode))
                    },
                ),
                (
                    "prefix",
                    TemplateParams {
                        prefix: Some(StoragePrefix::parse("teams/documents/").expect(VALID)),
                        ..typed(partition, mode)
                    },
                ),
                (
                    "read",
                    TemplateParams {
                        level: AccessLevel::Read,
                        ..asking(typed(partition, mode))
                    },
                ),
                ("rotating", rotating(typed(partition, mode))),
                ("required", required(with_new_key(partition, mode))),
                ("restricted", restricted(with_new_key(partition, mode))),
            ] {
                every.push((format!("{partition}-{mode}-{state}"), params));
            }
        }
    }
    every
}

/// With actions that the vendor's services need beyond those of Latchkey.
pub fn asking(params: TemplateParams) -> TemplateParams {
    let actions = [
        "s3:PutObjectTagging",
        "s3:ListBucketVersions",
        "s3:PutBucketNotification",
        "kms:GetKeyRotationStatus",
    ];
    TemplateParams {
        extra: ExtraActions::new(&actions.map(|action| ExtraAction::parse(action).expect(VALID))),
        ..params
    }
}

/// With all that an organization may require of new resources.
pub fn required(params: TemplateParams) -> TemplateParams {
    let boundary = format!("arn:{}:iam::222222222222:policy/security/boundary", params.partition);
    TemplateParams {
        creation: Creation {
            permissions_boundary: Some(PolicyArn::parse(&boundary).expect(VALID)),
            role_path: RolePath::parse("/vendors/").expect(VALID),
            tags: Tags::parse("Team=Records,Cost center=4711 = EU").expect(VALID),
        },
        ..params
    }
}

/// To the vendor's network.
pub fn restricted(params: TemplateParams) -> TemplateParams {
    TemplateParams {
        network: Some(VendorNetwork {
            source_ips: vec!["52.57.10.20/32".parse().expect(VALID)],
            endpoints: VpcEndpoints::These(vec![VpcEndpointId::parse("vpce-0123456789abcdef0").expect(VALID)]),
            is_probed: false,
        }),
        ..params
    }
}

/// During a rotation of the external ID.
pub fn rotating(mut params: TemplateParams) -> TemplateParams {
    params
        .external_ids
        .push(ExternalId::parse("lk-fedcba9876543210fedcba9876543210fedcba98").expect(VALID));
    params
}

use serde_json::json;

use super::*;
use crate::domain::arn::RoleArn;
use crate::domain::catalogue::CheckName;
use crate::domain::extra_action::{ExtraAction, ExtraActions};
use crate::domain::fix::{Fix, FixAction};
use crate::domain::message::{findings, fixes};
use crate::domain::vendor::Vendor;
use crate::domain::vendor_network::{VendorNetwork, VpcEndpoints};

const DIRECT: GrantKind = GrantKind {
    mode: Mode::Direct,
    level: AccessLevel::ReadWrite,
};
const ASSUME_ROLE: GrantKind = GrantKind {
    mode: Mode::AssumeRole,
    level: AccessLevel::ReadWrite,
};

fn vendor() -> Vendor {
    Vendor {
        storage_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()),
        direct_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/direct").unwrap()),
        ..Vendor::unnamed()
    }
}

fn set(documents: &serde_json::Value) -> DocumentSet {
    serde_json::from_value(documents.clone()).unwrap()
}

fn summaries(before: &serde_json::Value, after: &serde_json::Value) -> Vec<String> {
    let of = |statement: &serde_json::Value| set(&json!({"direct/read_write": {"bucket-policy": [statement]}}));
    let found = changes(&of(before), &of(after), DIRECT, None);
    found.into_iter().map(|change| change.summary).collect()
}

#[test]
fn the_fingerprint_depends_on_the_documents_alone() {
    let fingerprint = |vendor: &Vendor| DocumentSet::of(vendor).fingerprint();
    let before = vendor();
    let renamed = Vendor {
        name: "Another".into(),
        ..vendor()
    };
    assert_eq!(fingerprint(&before), fingerprint(&renamed));
    let with_posture = Vendor { posture: true, ..vendor() };
    assert_ne!(fingerprint(&before), fingerprint(&with_posture));
    let other_role = Vendor {
        direct_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/other").unwrap()),
        ..vendor()
    };
    assert_ne!(fingerprint(&before), fingerprint(&other_role));
    let text = serde_json::to_string(&DocumentSet::of(&before)).unwrap();
    assert!(
        text.contains("<EXTERNAL_ID>") && text.contains("<BUCKET>") && !text.contains("lk-"),
        "{text}"
    );
}

#[test]
fn stored_documents_are_those_that_were_issued() {
    let issued = DocumentSet::of(&vendor());
    let stored = serde_json::to_value(&issued).unwrap();
    assert_eq!(set(&stored), issued);
}

#[test]
fn a_version_that_changes_one_mode_keeps_the_other_modes_number() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let first = DocumentVersion::next(None, DocumentSet::of(&vendor()), now);
    assert_eq!((first.number, first.since), (1, KindNumbers::all(1)));
    let other_role = Vendor {
        direct_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/other").unwrap()),
        ..vendor()
    };
    let second = DocumentVersion::next(Some(&first), DocumentSet::of(&other_role), now);
    assert_eq!((second.number, second.since.assume_role, second.since.direct), (2, 1, 2));
    let verified_against_1 = ConfigDocuments {
        verified: Some(1),
        ..ConfigDocuments::default()
    };
    assert!(!verified_against_1.is_outdated(ASSUME_ROLE, &second));
    assert!(verified_against_1.is_outdated(DIRECT, &second));
    assert!(ConfigDocuments::default().is_outdated(ASSUME_ROLE, &second));
    let third = DocumentVersion::next(Some(&second), DocumentSet::of(&vendor()), now);
    assert_eq!((third.since.assume_role, third.since.direct), (1, 3));
}

/// Calls from the vendor's network succeed with the old statement too, and nothing calls with an action that is not tested.
#[test]
fn calls_do_not_show_everything_that_changed() {
    let set = |vendor: &Vendor| DocumentSet::of(vendor);
    let asking = |action: &str| Vendor {
        extra: ExtraActions::new(&[ExtraAction::parse(action).unwrap()]),
        ..vendor()
    };
    let restricted = |ip: &str| Vendor {
        network: Some(VendorNetwork {
            source_ips: vec![ip.parse().unwrap()],
            endpoints: VpcEndpoints::These(Vec::new()),
            is_probed: true,
        }),
        ..vendor()
    };
    let plain = set(&vendor());
    for kind in [DIRECT, ASSUME_ROLE] {
        assert!(set(&asking("s3:GetObjectTagging")).is_told_from(&plain, kind));
        assert!(!set(&asking("s3:GetObjectVersion")).is_told_from(&plain, kind));
        let (old, new) = (set(&restricted("203.0.113.0/24")), set(&restricted("198.51.100.0/24")));
        assert!(!new.is_told_from(&old, kind) && !plain.is_told_from(&old, kind) && old.is_told_from(&old, kind));
    }
}

/// Who only reads has nothing to do with new permissions to write.
#[test]
fn a_version_that_adds_a_permission_to_write_changes_nothing_for_those_who_only_read() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let first = DocumentVersion::next(None, DocumentSet::of(&vendor()), now);
    let asking = Vendor {
        extra: ExtraActions::new(&[ExtraAction::parse("s3:PutObjectTagging").unwrap()]),
        ..vendor()
    };
    let second = DocumentVersion::next(Some(&first), DocumentSet::of(&asking), now);
    assert_eq!((second.since.direct, second.since.direct_read), (2, 1));
    assert_eq!((second.since.assume_role, second.since.assume_role_read), (2, 1));
    let reading = GrantKind {
        level: AccessLevel::Read,
        ..DIRECT
    };
    assert_eq!(changes(&first.documents, &second.documents, reading, None), []);
    let found = changes(&first.documents, &second.documents, DIRECT, None);
    assert_eq!(found[0].summary, "adds s3:PutObjectTagging to the bucket policy");
}

#[test]
fn posture_adds_a_statement_to_each_policy_of_the_bucket_and_the_role() {
    let with_posture = Vendor { posture: true, ..vendor() };
    let (before, after) = (DocumentSet::of(&vendor()), DocumentSet::of(&with_posture));
    let summaries = |from, to| -> Vec<String> {
        changes(from, to, ASSUME_ROLE, None)
            .into_iter()
            .map(|change| change.summary)
            .collect()
    };
    let allowed = "s3:GetBucketLogging, s3:GetBucketOwnershipControls and s3:GetBucketPublicAccessBlock";
    assert_eq!(
        summaries(&before, &after),
        [
            format!("adds the statement LatchkeyPosture to the bucket policy, which allows {allowed}"),
            format!("adds the statement LatchkeyPosture to the role's permissions, which allows {allowed}"),
        ]
    );
    assert_eq!(
        summaries(&after, &before),
        [
            "removes the statement LatchkeyPosture from the bucket policy",
            "removes the statement LatchkeyPosture from the role's permissions",
        ]
    );
    assert!(summaries(&before, &before).is_empty());
}

#[test]
fn differences_of_a_statement_are_named() {
    let statement = |actions: &[&str], conditions: serde_json::Value| json!({"Sid": "LatchkeyKey", "Effect": "Allow", "Principal": {"AWS": "a"}, "Action": actions, "Resource": "*", "Condition": conditions});
    let id = json!({"StringEquals": {"aws:PrincipalTag/latchkey-external-id": "<EXTERNAL_ID>"}});
    let before = statement(&["kms:Encrypt", "kms:Decrypt"], id.clone());
    assert_eq!(
        summaries(
            &before,
            &statement(&["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"], id.clone())
        ),
        ["adds kms:GenerateDataKeyWithoutPlaintext to the bucket policy"]
    );
    assert_eq!(
        summaries(&before, &statement(&["kms:Decrypt"], id.clone())),
        ["removes kms:Encrypt from the bucket policy"]
    );
    let secure = json!({
        "StringEquals": {"aws:PrincipalTag/latchkey-external-id": "<EXTERNAL_ID>"},
        "Bool": {"aws:SecureTransport": "true"},
    });
    assert_eq!(
        summaries(&before, &statement(&["kms:Encrypt", "kms:Decrypt"], secure)),
        ["adds the condition on aws:SecureTransport to the statement LatchkeyKey of the bucket policy"]
    );
    let none = statement(&["kms:Encrypt", "kms:Decrypt"], json!({}));
    assert_eq!(
        summaries(&before, &none),
        ["removes the condition on aws:PrincipalTag/latchkey-external-id from the statement LatchkeyKey of the bucket policy"]
    );
    let like = json!({"StringLike": {"aws:PrincipalTag/latchkey-external-id": "<EXTERNAL_ID>"}});
    assert_eq!(
        summaries(&before, &statement(&["kms:Encrypt", "kms:Decrypt"], like)),
        ["changes the condition on aws:PrincipalTag/latchkey-external-id in the statement LatchkeyKey of the bucket policy"]
    );
    let mut other = before.clone();
    other["Principal"]["AWS"] = json!("b");
    assert_eq!(
        summaries(&before, &other),
        ["changes the principal of the statement LatchkeyKey of the bucket policy"]
    );
    let mut reordered = before.clone();
    reordered["Action"] = json!(["kms:Decrypt", "kms:Encrypt"]);
    assert_eq!(
        summaries(&before, &reordered),
        ["changes the statement LatchkeyKey of the bucket policy"]
    );
}

#[test]
fn a_denied_check_that_only_warns_proves_nothing_and_a_setting_does_not_matter() {
    let passed = Finding::passed(CheckName::BucketListable, findings::not_permitted(), None);
    assert!(prove_documents(std::slice::from_ref(&passed)));
    let warning = |document| Finding {
        status: CheckStatus::Warning,
        ..Finding::failed(
            CheckName::AclsDisabled,
            findings::acls_enabled(),
            None,
            Fix::new(document, FixAction::Set, fixes::disable_acls(), None),
        )
    };
    assert!(prove_documents(&[passed.clone(), warning(FixDocument::BucketSettings)]));
    assert!(!prove_documents(&[passed.clone(), warning(FixDocument::BucketPolicy)]));
    let denied = Finding {
        status: CheckStatus::Skipped,
        ..passed.clone()
    };
    assert!(!prove_documents(&[passed.clone(), denied.clone()]));
    let not_testable = Finding {
        check: CheckName::RoleDeniesOtherRoles,
        ..denied
    };
    assert!(prove_documents(&[passed, not_testable]), "no document grants what must be denied");
}

/// The statements are in the documents, so a new network is a new version of them.
#[test]
fn the_vendors_network_is_part_of_the_documents() {
    let with = |address: &str| Vendor {
        network: Some(VendorNetwork {
            source_ips: vec![address.parse().unwrap()],
            endpoints: VpcEndpoints::These(Vec::new()),
            is_probed: false,
        }),
        ..vendor()
    };
    let (none, one, other) = (
        DocumentSet::of(&vendor()),
        DocumentSet::of(&with("52.57.10.20/32")),
        DocumentSet::of(&with("52.57.10.21/32")),
    );
    let summaries = |from, to, mode| {
        let changes = changes(from, to, mode, None).into_iter();
        changes.map(|change| change.summary).collect::<Vec<_>>()
    };
    assert_eq!(
        summaries(&none, &one, ASSUME_ROLE),
        ["adds the statement LatchkeyNetwork to the role's permissions, which denies calls from outside of the vendor's network"]
    );
    assert_eq!(
        summaries(&none, &one, DIRECT),
        [
            "adds the statement LatchkeyNetwork to the bucket policy, which denies calls from outside of the vendor's network",
            "adds the statement LatchkeyNetwork to the key policy, which denies calls from outside of the vendor's network",
        ]
    );
    assert_eq!(
        summaries(&one, &other, ASSUME_ROLE),
        ["changes the condition on aws:SourceIp in the statement LatchkeyNetwork of the role's permissions"]
    );
    assert_eq!(
        summaries(&other, &none, ASSUME_ROLE),
        ["removes the statement LatchkeyNetwork from the role's permissions"]
    );
}

//! The probe object: written without any encryption header, read, restored and deleted.

use super::bucket::keeps_out;
use super::{CheckContext, RuleOutcome, permission};
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::check::{CheckName, CheckStatus, FaultSide};
use crate::domain::evidence::{RoundTrip, StoredObject};
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::templates::statements;
use crate::domain::templates::statements::Permission;

const KEY_CHECKS: [CheckName; 6] = [
    CheckName::KeySuitable,
    CheckName::KeyDescribable,
    CheckName::KeyEncryptAllowed,
    CheckName::KeyDecryptAllowed,
    CheckName::KeyReencryptAllowed,
    CheckName::KeyGenerateDataKeyAllowed,
];

/// A put that S3 let in and the key stopped: which check is it about?
enum StoppedByKey {
    Undecided,
    /// A check of the submitted key shows the cause already.
    Shown(CheckName),
    /// The submitted key is fine, so the bucket encrypts with another.
    OtherKey,
}

fn stopped_by_key(case: &CheckContext, put: &ApiResult<StoredObject>) -> Option<StoppedByKey> {
    let named = match &put.outcome {
        Outcome::Refused(refusal) if refusal.by == DeniedBy::Kms => refusal.key.as_deref(),
        Outcome::Unusable => None,
        _ => return None,
    };
    if named.is_some_and(|named| named != case.storage.key.as_str()) {
        return Some(StoppedByKey::OtherKey);
    }
    if let Some(broken) = KEY_CHECKS.into_iter().find(|check| case.is_broken(*check)) {
        return Some(StoppedByKey::Shown(broken));
    }
    if KEY_CHECKS.iter().any(|check| case.found(*check).is_none()) {
        return Some(StoppedByKey::Undecided);
    }
    Some(StoppedByKey::OtherKey)
}

fn names_the_key(case: &CheckContext, put: &ApiResult<StoredObject>) -> bool {
    let named = put.refusal().and_then(|refusal| refusal.key.as_deref());
    named == Some(case.storage.key.as_str())
}

pub fn writable(case: &CheckContext) -> RuleOutcome {
    let Some(put) = &case.evidence.put else {
        // Nothing is written to a bucket that was not seen to refuse strangers.
        return match case.status(CheckName::BucketRequiresExternalId) {
            None | Some(CheckStatus::Passed) => RuleOutcome::Pending,
            Some(_) => RuleOutcome::BlockedBy(CheckName::BucketRequiresExternalId),
        };
    };
    match stopped_by_key(case, put) {
        Some(StoppedByKey::Undecided) => return RuleOutcome::Pending,
        Some(StoppedByKey::Shown(check)) => return RuleOutcome::BlockedBy(check),
        Some(StoppedByKey::OtherKey) => {
            return Finding::skipped(
                CheckName::ObjectWritable,
                CheckName::EncryptedWithKey,
                "Not checked, because the bucket encrypts with another key.",
            )
            .into();
        }
        None => {}
    }
    if put.is_refused_by(DeniedBy::S3) {
        match &case.evidence.put_with_header {
            None => return RuleOutcome::Pending,
            Some(with_header) if with_header.granted().is_some() => return demands_header(put).into(),
            Some(_) if keeps_out(case) => return RuleOutcome::BlockedBy(CheckName::BucketListable),
            Some(_) => {}
        }
    }
    permission(
        case,
        CheckName::ObjectWritable,
        Some(put),
        "s3:PutObject",
        Permission::Objects,
        "[Vendor] wrote a probe object.",
    )
}

/// The put was refused as it was, and let in with encryption headers.
fn demands_header(put: &ApiResult<StoredObject>) -> Finding {
    Finding::failed(
        CheckName::ObjectWritable,
        "The bucket policy denies uploads without encryption headers.",
        Some(&put.exchange),
        Fix::new(
            FixDocument::BucketPolicy,
            FixAction::Remove,
            "Take out the Deny statement with a condition on s3:x-amz-server-side-encryption or its key: the bucket's default encryption \
             does what it asks for.",
            None,
        ),
    )
}

pub fn encrypted_with_key(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::EncryptedWithKey;
    let Some(put) = &case.evidence.put else {
        return match case.found(CheckName::ObjectWritable) {
            None => RuleOutcome::Pending,
            Some(_) => RuleOutcome::BlockedBy(CheckName::ObjectWritable),
        };
    };
    let set_default = || {
        Fix::new(
            FixDocument::BucketEncryption,
            FixAction::Set,
            "Set [your] key as the bucket's default encryption, by its full ARN.",
            Some(statements::bucket_encryption(case.blanks)),
        )
    };
    let Some(stored) = put.granted() else {
        return match stopped_by_key(case, put) {
            Some(StoppedByKey::Undecided) => RuleOutcome::Pending,
            Some(StoppedByKey::OtherKey) if names_the_key(case, put) => Finding::failed(
                check,
                "KMS denied S3 the use of [your] key, although [vendor] itself may use it.",
                Some(&put.exchange),
                Fix::new(
                    FixDocument::KeyPolicy,
                    FixAction::Remove,
                    "Take conditions on aws:SourceVpce, aws:SourceVpc or aws:VpcSourceIp out of what the key's policy grants or denies the \
                     vendor: a call that S3 makes on its behalf does not meet them.",
                    None,
                ),
            )
            .into(),
            Some(StoppedByKey::OtherKey) => Finding::failed(
                check,
                "The bucket encrypts with a different key than the submitted one.",
                Some(&put.exchange),
                set_default(),
            )
            .into(),
            Some(StoppedByKey::Shown(_)) | None => match case.found(CheckName::ObjectWritable) {
                None => RuleOutcome::Pending,
                Some(_) => RuleOutcome::BlockedBy(CheckName::ObjectWritable),
            },
        };
    };
    let algorithm = stored.encryption.as_deref().unwrap_or("none");
    let with_kms = matches!(algorithm, "aws:kms" | "aws:kms:dsse");
    match stored.key.as_deref() {
        Some(key) if with_kms && key == case.storage.key.as_str() => {
            Finding::passed(check, "The bucket encrypted the probe object with [your] key.", Some(&put.exchange))
        }
        // The ARN that was given is of no key, so of no other one either: one slip, told once.
        Some(_) if with_kms && case.evidence.describe_key.is_none() => return RuleOutcome::Pending,
        Some(_) if with_kms && case.is_of_no_key() => return RuleOutcome::BlockedBy(CheckName::KeyDescribable),
        Some(key) if with_kms => Finding::failed(
            check,
            format!("The bucket encrypted the probe object with another key: {key}."),
            Some(&put.exchange),
            set_default(),
        ),
        _ => Finding::failed(
            check,
            format!("The bucket encrypts with {algorithm}, not with a KMS key."),
            Some(&put.exchange),
            set_default(),
        ),
    }
    .into()
}

pub fn versioning_disabled(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::VersioningDisabled;
    let Some(put) = &case.evidence.put else {
        return RuleOutcome::Pending;
    };
    let kept = |version: Option<&String>| version.is_some_and(|version| version != "null");
    let versioned = put.granted().is_some_and(|stored| kept(stored.version.as_ref()));
    let Some(delete) = case.evidence.delete.as_ref().filter(|_| !versioned) else {
        return if versioned { on(case, put).into() } else { RuleOutcome::Pending };
    };
    match delete.granted() {
        // Where versioning is suspended the marker's version is `null`, and the object is gone for good.
        Some(removed) if kept(removed.version.as_ref()) || removed.marker && removed.version.is_none() => on(case, delete),
        _ => Finding::passed(check, "The bucket keeps no old versions.", Some(&put.exchange)),
    }
    .into()
}

fn on<T>(case: &CheckContext, answer: &ApiResult<T>) -> Finding {
    Finding::failed(
        CheckName::VersioningDisabled,
        "The bucket keeps old versions of objects.",
        Some(&answer.exchange),
        Fix::new(
            FixDocument::BucketVersioning,
            FixAction::Set,
            "Use a bucket on which versioning was never enabled, or suspend versioning on this one.",
            Some(serde_json::json!({"Status": "Suspended"})),
        ),
    )
    .with_detail(format!(
        "Deleted documents would be kept as old versions. A version of the probe object also remains under latchkey-probe/ in {}.",
        case.storage.bucket.name()
    ))
}

pub fn readable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::ObjectReadable;
    let Some(get) = &case.evidence.get else {
        return RuleOutcome::Pending;
    };
    if get.granted() == Some(&RoundTrip::Different) {
        return Finding::inconclusive(
            check,
            FaultSide::Aws,
            "The probe object was read back with different bytes than were written. No action is needed; the check will run again.",
            Some(&get.exchange),
        )
        .into();
    }
    let by_kms = get.is_refused_by(DeniedBy::Kms);
    if by_kms || get.outcome == Outcome::Unusable {
        match case.found(CheckName::KeyDecryptAllowed) {
            None => return RuleOutcome::Pending,
            Some(_) if case.is_broken(CheckName::KeyDecryptAllowed) => return RuleOutcome::BlockedBy(CheckName::KeyDecryptAllowed),
            Some(_) if case.is_broken(CheckName::KeySuitable) => return RuleOutcome::BlockedBy(CheckName::KeySuitable),
            Some(_) => {}
        }
    }
    let action = if by_kms { "kms:Decrypt" } else { "s3:GetObject" };
    permission(
        case,
        check,
        Some(get),
        action,
        Permission::Objects,
        "[Vendor] read the probe object.",
    )
}

pub fn restorable(case: &CheckContext) -> RuleOutcome {
    permission(
        case,
        CheckName::ObjectRestorable,
        case.evidence.restore.as_ref(),
        "s3:RestoreObject",
        Permission::Objects,
        "[Vendor] may restore archived objects.",
    )
}

pub fn deletable(case: &CheckContext) -> RuleOutcome {
    permission(
        case,
        CheckName::ObjectDeletable,
        case.evidence.delete.as_ref(),
        "s3:DeleteObject",
        Permission::Objects,
        "[Vendor] deleted the probe object.",
    )
}

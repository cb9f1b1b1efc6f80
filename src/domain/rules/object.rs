//! The probe object: written without encryption headers, read, restored and deleted.

use super::bucket::denies_everything;
use super::{CheckContext, RuleOutcome, permission, sample};
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::{AccessDenied, ApiCall, ApiResult, DenialReason, DeniedBy, Outcome, PolicyKind};
use crate::domain::arn::KeyArn;
use crate::domain::check::{CheckName, CheckStatus, FaultSide};
use crate::domain::evidence::{KeptVersions, ProductionCalls, RoundTrip, StoredObject};
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix, FixAction, FixDocument};
use crate::domain::message::{Message, findings, fixes};
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

/// Which check reports a put that S3 allowed and the key denied.
enum DeniedByKey {
    Undecided,
    /// A check of the submitted key already shows the cause.
    ShownBy(CheckName),
    /// The submitted key works, so the bucket encrypts with another one.
    OtherKey,
    /// The submitted key works for direct calls, but not for S3.
    SubmittedKey,
}

fn denied_by_key(context: &CheckContext, put: &ApiResult<StoredObject>) -> Option<DeniedByKey> {
    let named = match &put.outcome {
        Outcome::Refused(refusal) if refusal.by == DeniedBy::Kms => refusal.key.as_deref(),
        Outcome::Unusable if put.exchange.is_from_kms() => None,
        _ => return None,
    };
    if named.is_some_and(|named| named != context.storage.key.as_str()) {
        return Some(DeniedByKey::OtherKey);
    }
    if let ProductionCalls::Withheld(check) = context.evidence.production_calls_to_key(context.storage.mode()) {
        return Some(DeniedByKey::ShownBy(check));
    }
    if let Some(broken) = KEY_CHECKS.into_iter().find(|check| context.is_broken(*check)) {
        return Some(DeniedByKey::ShownBy(broken));
    }
    if KEY_CHECKS.iter().any(|check| context.found(*check).is_none()) {
        return Some(DeniedByKey::Undecided);
    }
    // Nothing is known about the submitted key then, so nothing about another one either.
    if let Some(open) = KEY_CHECKS
        .into_iter()
        .find(|check| context.status(*check) != Some(CheckStatus::Passed))
    {
        return Some(DeniedByKey::ShownBy(open));
    }
    if named.is_some() {
        return Some(DeniedByKey::SubmittedKey);
    }
    Some(match &context.evidence.put_with_header {
        None => DeniedByKey::Undecided,
        Some(with_header) if with_header.granted().is_some() => DeniedByKey::OtherKey,
        Some(_) => DeniedByKey::SubmittedKey,
    })
}

pub(crate) fn writable(context: &CheckContext) -> RuleOutcome {
    if let Some(skipped) = withheld(context, CheckName::ObjectWritable) {
        return skipped.into();
    }
    let Some(put) = &context.evidence.put else {
        return RuleOutcome::Pending;
    };
    match denied_by_key(context, put) {
        Some(DeniedByKey::Undecided) => return RuleOutcome::Pending,
        Some(DeniedByKey::ShownBy(check)) => return RuleOutcome::BlockedBy(check),
        Some(DeniedByKey::OtherKey) => {
            return Finding::skipped(
                CheckName::ObjectWritable,
                CheckName::EncryptedWithKey,
                findings::encrypted_with_other_key(),
            )
            .into();
        }
        Some(DeniedByKey::SubmittedKey) => {
            return Finding::skipped(CheckName::ObjectWritable, CheckName::EncryptedWithKey, findings::key_stops_s3()).into();
        }
        None => {}
    }
    if let Some(refusal) = put.refusal().filter(|refusal| refusal.by == DeniedBy::S3) {
        match &context.evidence.put_with_header {
            None => return RuleOutcome::Pending,
            Some(with_header) if with_header.granted().is_some() => return requires_headers(context, refusal, put).into(),
            Some(_) if denies_everything(context) => return RuleOutcome::BlockedBy(CheckName::BucketListable),
            Some(_) => {}
        }
    }
    permission(
        context,
        CheckName::ObjectWritable,
        Some(put),
        "s3:PutObject",
        Permission::Objects,
        findings::object_written(),
    )
}

/// Nothing is written to a bucket that is known to keep versions, and S3 takes nothing without a checksum where objects are retained. If
/// the vendor accepts such buckets, the missing checksum is its own fault.
fn withheld(context: &CheckContext, check: CheckName) -> Option<Finding> {
    let put = context.evidence.put.as_ref().and_then(ApiResult::refusal);
    let is_withheld = context.evidence.known_versions.is_some() || put.is_some_and(|refusal| refusal.reason == DenialReason::ObjectLock);
    if is_withheld && !context.vendor.requires(CheckName::VersioningDisabled) {
        return Some(Finding::vendor_side(check, context.evidence.put.as_ref().map(|put| &put.exchange)));
    }
    is_withheld.then(|| Finding::skipped(check, CheckName::VersioningDisabled, findings::versions_would_remain()))
}

/// The put was denied without encryption headers and allowed with them.
fn requires_headers(context: &CheckContext, refusal: &AccessDenied, put: &ApiResult<StoredObject>) -> Finding {
    let check = CheckName::ObjectWritable;
    match refusal.reason {
        DenialReason::DeniedBy(PolicyKind::Resource) => Finding::failed(
            check,
            findings::uploads_need_headers(),
            Some(&put.exchange),
            Fix::new(FixDocument::BucketPolicy, FixAction::Remove, fixes::stop_requiring_headers(), None),
        ),
        // S3 may pass on a denial of KMS with the same bare words, and the headers circumvent the bucket's default key.
        DenialReason::Unsaid => Finding::failed(
            check,
            findings::uploads_need_headers_or_key(),
            Some(&put.exchange),
            Fix::new(
                FixDocument::BucketPolicy,
                FixAction::Remove,
                fixes::stop_requiring_headers_or_set_default(),
                None,
            )
            .or_also(set_default(context, fixes::set_default_if_not_set())),
        )
        .with_detail(findings::uploads_need_headers_causes()),
        _ if refusal.is_vendor_side(context.storage.mode()) => Finding::vendor_side(check, Some(&put.exchange)),
        _ => Finding::failed(
            check,
            findings::permission_denied("s3:PutObject"),
            Some(&put.exchange),
            fix::of_refusal(refusal, "s3:PutObject", Permission::Objects, context.params),
        ),
    }
}

fn set_default(context: &CheckContext, summary: Message) -> Fix {
    Fix::new(
        FixDocument::BucketEncryption,
        FixAction::Set,
        summary,
        Some(statements::bucket_encryption(context.params)),
    )
}

/// A stored object describes the bucket. Only those who may use the bucket may read that, so nothing is reported until the
/// bucket has denied everyone else.
fn unless_isolated(context: &CheckContext) -> Option<RuleOutcome> {
    let isolation = [CheckName::BucketNotPublic, CheckName::BucketRequiresExternalId];
    if let Some(open) = isolation.into_iter().find(|check| context.is_broken(*check)) {
        return Some(RuleOutcome::BlockedBy(open));
    }
    isolation
        .iter()
        .any(|check| context.found(*check).is_none())
        .then_some(RuleOutcome::Pending)
}

/// Whether a key belongs to neither of the submitted accounts. Its owner can read what is encrypted with it, and take it away.
fn is_foreign(context: &CheckContext, key: &str) -> bool {
    let own = [context.storage.key.account(), &context.storage.bucket_account];
    KeyArn::parse(key).map_or(true, |key| !own.contains(&key.account()))
}

pub(crate) fn encrypted_with_key(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::EncryptedWithKey;
    if let Some(skipped) = withheld(context, check) {
        return skipped.into();
    }
    let Some(put) = &context.evidence.put else {
        return RuleOutcome::Pending;
    };
    let summary = match context.storage.prefix {
        Some(_) => fixes::set_default_of_whole_bucket(),
        None => fixes::set_default_encryption(),
    };
    let set_default = || set_default(context, summary.clone());
    let Some(stored) = put.granted() else {
        return match denied_by_key(context, put) {
            Some(DeniedByKey::Undecided) => RuleOutcome::Pending,
            Some(DeniedByKey::SubmittedKey) if put.outcome == Outcome::Unusable => {
                let code = put.exchange.code.as_deref().unwrap_or("KMS");
                Finding::inconclusive(check, FaultSide::Aws, findings::key_not_ready(code), Some(&put.exchange)).into()
            }
            Some(DeniedByKey::SubmittedKey) => Finding::failed(
                check,
                findings::key_denied_to_s3(),
                Some(&put.exchange),
                Fix::new(FixDocument::KeyPolicy, FixAction::Remove, fixes::allow_key_through_s3(), None),
            )
            .with_breach(false)
            .into(),
            Some(DeniedByKey::OtherKey) => Finding::failed(
                check,
                findings::bucket_encrypts_with_other_key(),
                Some(&put.exchange),
                set_default(),
            )
            .with_breach(
                put.refusal()
                    .and_then(|refusal| refusal.key.as_deref())
                    .is_some_and(|key| is_foreign(context, key)),
            )
            .into(),
            Some(DeniedByKey::ShownBy(_)) | None => match context.found(CheckName::ObjectWritable) {
                None => RuleOutcome::Pending,
                Some(_) => RuleOutcome::BlockedBy(CheckName::ObjectWritable),
            },
        };
    };
    if let Some(outcome) = unless_isolated(context) {
        return outcome;
    }
    let algorithm = stored.encryption.as_deref().unwrap_or("none");
    let with_kms = matches!(algorithm, "aws:kms" | "aws:kms:dsse");
    match stored.key.as_deref() {
        Some(key) if with_kms && key == context.storage.key.as_str() => {
            Finding::passed(check, findings::object_encrypted(), Some(&put.exchange))
        }
        // No key has the submitted ARN, so "another key" would report the same mistake twice.
        Some(_) if with_kms && context.evidence.describe_key.is_none() => return RuleOutcome::Pending,
        Some(_) if with_kms && context.has_no_key() => return RuleOutcome::BlockedBy(CheckName::KeyDescribable),
        Some(key) if with_kms => {
            let failed = Finding::failed(check, findings::object_encrypted_with(key), Some(&put.exchange), set_default());
            failed.with_breach(is_foreign(context, key))
        }
        _ => {
            let failed = Finding::failed(check, findings::bucket_encrypts_with(algorithm), Some(&put.exchange), set_default());
            failed.with_breach(false)
        }
    }
    .into()
}

pub(crate) fn versioning_disabled(context: &CheckContext) -> RuleOutcome {
    let (check, evidence) = (CheckName::VersioningDisabled, context.evidence);
    if let Some(known) = evidence.known_versions {
        return keeps_versions(context, known, None).into();
    }
    let Some(put) = &evidence.put else {
        return match context.status(CheckName::ObjectWritable) {
            None => RuleOutcome::Pending,
            Some(_) => RuleOutcome::BlockedBy(CheckName::ObjectWritable),
        };
    };
    if let Some(kept) = evidence.kept_versions().filter(|_| put.refusal().is_some()) {
        return keeps_versions(context, kept, Some(&put.exchange)).into();
    }
    match context.status(CheckName::ObjectWritable) {
        None => return RuleOutcome::Pending,
        Some(CheckStatus::Passed) => {}
        Some(_) => return RuleOutcome::BlockedBy(CheckName::ObjectWritable),
    }
    if let Some(outcome) = unless_isolated(context) {
        return outcome;
    }
    let Some(delete) = &evidence.delete else {
        return RuleOutcome::Pending;
    };
    // These may say why.
    if evidence.version_of_probe().is_some() && (evidence.get.is_none() || evidence.delete_version.is_none()) {
        return RuleOutcome::Pending;
    }
    match evidence.kept_versions() {
        Some(kept) => keeps_versions(context, kept, Some(&delete.exchange)),
        None => Finding::passed(check, check.claim(), Some(&put.exchange)),
    }
    .into()
}

fn keeps_versions(context: &CheckContext, kept: KeptVersions, exchange: Option<&ApiCall>) -> Finding {
    let (summary, instruction) = match kept {
        KeptVersions::Versioning => (findings::old_versions_kept(), fixes::turn_off_versioning()),
        KeptVersions::Replication => (findings::versions_kept_for_replication(), fixes::stop_replication()),
        KeptVersions::ObjectLock => (findings::versions_kept_by_object_lock(), fixes::use_bucket_without_object_lock()),
        KeptVersions::MfaDelete => (findings::versions_kept_by_mfa_delete(), fixes::turn_off_mfa_delete()),
    };
    let statement = (kept == KeptVersions::Versioning).then(|| serde_json::json!({"Status": "Suspended"}));
    let is_gone = context
        .evidence
        .delete_version
        .as_ref()
        .is_some_and(|deleted| deleted.granted().is_some());
    let detail = if context.evidence.put.as_ref().is_some_and(|put| put.granted().is_some()) && !is_gone {
        findings::old_versions_remain(context.storage.bucket.name())
    } else {
        findings::documents_would_be_kept()
    };
    Finding::failed(
        CheckName::VersioningDisabled,
        summary,
        exchange,
        Fix::new(FixDocument::BucketVersioning, FixAction::Set, instruction, statement),
    )
    .with_detail(detail.followed_by(&findings::not_written_again()))
}

pub(crate) fn readable(context: &CheckContext) -> RuleOutcome {
    if context.storage.level == AccessLevel::Read {
        return sample::read(context);
    }
    let check = CheckName::ObjectReadable;
    let Some(get) = &context.evidence.get else {
        return RuleOutcome::Pending;
    };
    if get.granted() == Some(&RoundTrip::Different) {
        return Finding::inconclusive(check, FaultSide::Aws, findings::object_round_trip_failed(), Some(&get.exchange)).into();
    }
    let by_kms = get.is_refused_by(DeniedBy::Kms);
    if by_kms || get.outcome == Outcome::Unusable && get.exchange.is_from_kms() {
        match context.found(CheckName::KeyDecryptAllowed) {
            None => return RuleOutcome::Pending,
            Some(_) if context.is_broken(CheckName::KeyDecryptAllowed) => return RuleOutcome::BlockedBy(CheckName::KeyDecryptAllowed),
            Some(_) if context.is_broken(CheckName::KeySuitable) => return RuleOutcome::BlockedBy(CheckName::KeySuitable),
            Some(_) => {}
        }
    }
    let action = if by_kms { "kms:Decrypt" } else { "s3:GetObject" };
    permission(context, check, Some(get), action, Permission::Objects, findings::object_read())
}

/// A multipart upload without parts was started, its parts were listed, and it was aborted.
pub(crate) fn multipart_upload_abortable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::MultipartUploadAbortable;
    let Some(started) = &context.evidence.multipart_upload else {
        return RuleOutcome::Pending;
    };
    if started.granted().is_none() {
        return permission(context, check, Some(started), "s3:PutObject", Permission::Objects, check.claim());
    }
    let (Some(parts), Some(abort)) = (&context.evidence.parts, &context.evidence.abort) else {
        return RuleOutcome::Pending;
    };
    let (telling, action) = if parts.granted().is_none() {
        (parts, "s3:ListMultipartUploadParts")
    } else {
        (abort, "s3:AbortMultipartUpload")
    };
    permission(context, check, Some(telling), action, Permission::Objects, check.claim())
}

pub(crate) fn restorable(context: &CheckContext) -> RuleOutcome {
    permission(
        context,
        CheckName::ObjectRestorable,
        context.evidence.restore.as_ref(),
        "s3:RestoreObject",
        Permission::Objects,
        findings::object_restorable(),
    )
}

pub(crate) fn deletable(context: &CheckContext) -> RuleOutcome {
    permission(
        context,
        CheckName::ObjectDeletable,
        context.evidence.delete.as_ref(),
        "s3:DeleteObject",
        Permission::Objects,
        findings::object_deleted(),
    )
}

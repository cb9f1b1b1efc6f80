//! `read`: an object of the customer's, which is read to prove that the vendor can read and decrypt.

use super::{CheckContext, RuleOutcome, permission};
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::evidence::StoredObject;
use crate::domain::finding::Finding;
use crate::domain::fix::Fix;
use crate::domain::message::{Message, findings, fixes};
use crate::domain::templates::statements::Permission;

/// Whether KMS stopped the read, after S3 had allowed it.
fn is_stopped_by_key(sample: &ApiResult<StoredObject>) -> bool {
    sample.is_refused_by(DeniedBy::Kms) || sample.outcome == Outcome::Unusable && sample.exchange.is_from_kms()
}

/// Another check, once it has a result, shows the cause.
fn explained_by(context: &CheckContext, check: CheckName) -> RuleOutcome {
    context.found(check).map_or(RuleOutcome::Pending, |_| RuleOutcome::BlockedBy(check))
}

/// The vendor can read the object.
pub(crate) fn read(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::ObjectReadable;
    let Some(sample) = &context.evidence.sample else {
        return without_sample(context);
    };
    if is_stopped_by_key(sample) {
        return explained_by(context, CheckName::KeyDecryptAllowed);
    }
    let code = sample.exchange.code.as_deref();
    match (&sample.outcome, code) {
        (Outcome::Absent, _) => unsuitable(sample, findings::no_sample_object()),
        (Outcome::Unusable, Some("InvalidObjectState")) => unsuitable(sample, findings::sample_object_is_archived()),
        (Outcome::Unusable, Some("InvalidRange")) => unsuitable(sample, findings::sample_object_is_empty()),
        _ => permission(
            context,
            check,
            Some(sample),
            "s3:GetObject",
            Permission::Objects,
            findings::sample_object_read(),
        ),
    }
}

fn unsuitable(sample: &ApiResult<StoredObject>, summary: Message) -> RuleOutcome {
    let fix = Fix::form(fixes::name_another_object());
    Finding::failed(CheckName::ObjectReadable, summary, Some(&sample.exchange), fix).into()
}

/// The list shows no object that could be read.
fn without_sample(context: &CheckContext) -> RuleOutcome {
    let Some(list) = &context.evidence.list else {
        return RuleOutcome::Pending;
    };
    match list.granted() {
        Some(None) if context.storage.sample_object.is_none() => {
            let fix = Fix::form(fixes::upload_or_name_object());
            Finding::failed(CheckName::ObjectReadable, findings::nothing_to_read(), Some(&list.exchange), fix).into()
        }
        None if context.storage.sample_object.is_none() => explained_by(context, CheckName::BucketListable),
        // It is being read.
        _ => RuleOutcome::Pending,
    }
}

/// S3 decrypted the object for the vendor, and with the submitted key.
pub(crate) fn decrypted(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyDecryptAllowed;
    match context.status(CheckName::KeySuitable) {
        None => return RuleOutcome::Pending,
        Some(CheckStatus::Failed | CheckStatus::Warning) => return RuleOutcome::BlockedBy(CheckName::KeySuitable),
        Some(_) => {}
    }
    let Some(sample) = &context.evidence.sample else {
        return explained_by(context, CheckName::ObjectReadable);
    };
    let other = sample
        .refusal()
        .and_then(|refusal| refusal.key.as_deref())
        .filter(|key| *key != context.storage.key.as_str());
    if let Some(key) = other {
        let fix = Fix::form(fixes::name_object_with_key());
        return Finding::failed(check, findings::sample_object_has_other_key(key), Some(&sample.exchange), fix).into();
    }
    if is_stopped_by_key(sample) {
        return permission(context, check, Some(sample), "kms:Decrypt", Permission::Key, check.claim());
    }
    let Some(stored) = sample.granted() else {
        return explained_by(context, CheckName::ObjectReadable);
    };
    match stored.key.as_deref() {
        Some(key) if key == context.storage.key.as_str() => {
            Finding::passed(check, findings::sample_object_decrypted(), Some(&sample.exchange)).into()
        }
        other => {
            let summary = match (other, stored.encryption.as_deref()) {
                (Some(key), _) => findings::sample_object_has_other_key(key),
                (None, algorithm) => findings::sample_object_has_no_key(algorithm.unwrap_or("none")),
            };
            Finding::failed(check, summary, Some(&sample.exchange), Fix::form(fixes::name_object_with_key())).into()
        }
    }
}

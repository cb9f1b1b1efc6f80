//! The key: it exists, S3 can use it, and it allows each action of the template.

use super::{CheckContext, RuleOutcome, permission, sample};
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::check::{CheckName, CheckStatus, FaultSide};
use crate::domain::evidence::{KeyFacts, RoundTrip};
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix, FixAction, FixDocument};
use crate::domain::message::{Message, findings, fixes};
use crate::domain::templates::statements::Permission;

pub(crate) fn describable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyDescribable;
    let Some(answer) = &context.evidence.describe_key else {
        return RuleOutcome::Pending;
    };
    match &answer.outcome {
        Outcome::Absent => Finding::failed(
            check,
            findings::no_such_key(),
            Some(&answer.exchange),
            Fix::form(fixes::correct_key()),
        )
        .into(),
        Outcome::Refused(refusal) if !refusal.is_vendor_side(context.storage.mode()) => {
            if let Some(outcome) = unless_elsewhere(context) {
                return outcome;
            }
            let (summary, action, detail) = match denies_everything(context) {
                None => return RuleOutcome::Pending,
                Some(true) => (
                    findings::key_gives_no_access(),
                    "use of the key",
                    findings::key_gives_no_access_causes(),
                ),
                Some(false) => (
                    findings::permission_denied("kms:DescribeKey"),
                    "kms:DescribeKey",
                    findings::key_may_not_exist(),
                ),
            };
            Finding::failed(
                check,
                summary,
                Some(&answer.exchange),
                fix::of_refusal(refusal, action, Permission::Key, context.params),
            )
            .with_detail(detail)
            .into()
        }
        _ => permission(context, check, Some(answer), "kms:DescribeKey", Permission::Key, check.claim()),
    }
}

/// A key in another region than the bucket has to be replaced, so what its policy lacks is of no interest. The submitted region is the
/// key's.
pub(super) fn unless_elsewhere(context: &CheckContext) -> Option<RuleOutcome> {
    match context.found(CheckName::BucketRegionMatches) {
        None => Some(RuleOutcome::Pending),
        Some(finding) if finding.status == CheckStatus::Failed => Some(RuleOutcome::BlockedBy(CheckName::BucketRegionMatches)),
        Some(_) => None,
    }
}

/// Whether the key denied every independent call for the same reason. Then there is one cause, which `key-describable`
/// reports. None while results are missing.
fn denies_everything(context: &CheckContext) -> Option<bool> {
    let evidence = context.evidence;
    let describe = evidence.describe_key.as_ref()?.refusal();
    // No other call on the key is independent.
    if context.storage.level == AccessLevel::Read {
        return Some(false);
    }
    let others = [
        evidence.encrypt.as_ref()?.refusal(),
        evidence.generate_data_key.as_ref()?.refusal(),
        evidence.generate_data_key_without_plaintext.as_ref()?.refusal(),
    ];
    Some(describe.is_some_and(|refusal| others.iter().all(|other| other.is_some_and(|other| other.reason == refusal.reason))))
}

pub(crate) fn suitable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeySuitable;
    let Some(answer) = &context.evidence.describe_key else {
        return RuleOutcome::Pending;
    };
    let Some(facts) = answer.granted() else {
        return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
    };
    if facts.in_custom_store && facts.state == "Enabled" && context.storage.level == AccessLevel::ReadWrite {
        let Some(encrypt) = &context.evidence.encrypt else {
            return RuleOutcome::Pending;
        };
        if let Some(code) = encrypt.exchange.code.as_deref().filter(|code| is_of_key_store(code)) {
            return Finding::failed(
                check,
                findings::key_store_unavailable(code),
                Some(&encrypt.exchange),
                Fix::new(FixDocument::KeySettings, FixAction::Set, fixes::reconnect_key_store(), None),
            )
            .into();
        }
    }
    match unsuitable(facts) {
        None => Finding::passed(check, check.claim(), Some(&answer.exchange)),
        Some((summary, remedy)) => Finding::failed(
            check,
            summary,
            Some(&answer.exchange),
            Fix::new(FixDocument::KeySettings, FixAction::Set, remedy, None),
        ),
    }
    .into()
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/xks-troubleshooting.html>
fn is_of_key_store(code: &str) -> bool {
    matches!(
        code,
        "KMSInvalidStateException" | "KeyUnavailableException" | "DependencyTimeoutException"
    ) || code.starts_with("CloudHsm")
        || code.starts_with("Xks")
}

/// Why S3 cannot use the key, and how to fix that.
fn unsuitable(facts: &KeyFacts) -> Option<(Message, Message)> {
    if !facts.customer_managed {
        return Some((findings::key_is_aws_managed(), fixes::use_customer_managed_key()));
    }
    if facts.spec != "SYMMETRIC_DEFAULT" {
        return Some((findings::key_spec_is(&facts.spec), fixes::use_symmetric_key()));
    }
    if facts.usage != "ENCRYPT_DECRYPT" {
        return Some((findings::key_usage_is(&facts.usage), fixes::use_symmetric_key()));
    }
    match facts.state.as_str() {
        "Enabled" => None,
        "Disabled" => Some((findings::key_is_disabled(), fixes::enable_key())),
        "PendingDeletion" => {
            let summary = facts.deletion_at.map_or_else(findings::key_pending_deletion, |at| {
                findings::key_pending_deletion_on(at.format("%Y-%m-%d"))
            });
            Some((summary, fixes::keep_key()))
        }
        other => Some((findings::key_state_is(other), fixes::bring_key_to_enabled())),
    }
}

/// An unsuitable key explains all other failures. If the key could not be described, the rule decides.
fn unless_unsuitable(context: &CheckContext, rule: impl FnOnce() -> RuleOutcome) -> RuleOutcome {
    match context.status(CheckName::KeySuitable) {
        None => RuleOutcome::Pending,
        Some(CheckStatus::Failed | CheckStatus::Warning) => RuleOutcome::BlockedBy(CheckName::KeySuitable),
        Some(_) => rule(),
    }
}

fn allowed<T>(context: &CheckContext, check: CheckName, answer: Option<&ApiResult<T>>, action: &str) -> RuleOutcome {
    unless_unsuitable(context, || {
        match denies_everything(context) {
            None => return RuleOutcome::Pending,
            Some(true) => return RuleOutcome::BlockedBy(CheckName::KeyDescribable),
            Some(false) => {}
        }
        if context.has_no_key() {
            return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
        }
        permission(
            context,
            check,
            answer,
            action,
            Permission::Key,
            findings::permission_granted(action),
        )
    })
}

pub(crate) fn encrypt_allowed(context: &CheckContext) -> RuleOutcome {
    allowed(
        context,
        CheckName::KeyEncryptAllowed,
        context.evidence.encrypt.as_ref(),
        "kms:Encrypt",
    )
}

pub(crate) fn decrypt_allowed(context: &CheckContext) -> RuleOutcome {
    if context.storage.level == AccessLevel::Read {
        return sample::decrypted(context);
    }
    let answer = context.evidence.decrypt.as_ref();
    if answer.is_some_and(|answer| answer.granted() == Some(&RoundTrip::Different)) {
        return Finding::inconclusive(
            CheckName::KeyDecryptAllowed,
            FaultSide::Aws,
            findings::key_round_trip_failed(),
            answer.map(|answer| &answer.exchange),
        )
        .into();
    }
    allowed(context, CheckName::KeyDecryptAllowed, answer, "kms:Decrypt")
}

pub(crate) fn reencrypt_allowed(context: &CheckContext) -> RuleOutcome {
    allowed(
        context,
        CheckName::KeyReencryptAllowed,
        context.evidence.reencrypt.as_ref(),
        "kms:ReEncrypt*",
    )
}

pub(crate) fn generate_data_key_allowed(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyGenerateDataKeyAllowed;
    let (Some(with), Some(without)) = (
        &context.evidence.generate_data_key,
        &context.evidence.generate_data_key_without_plaintext,
    ) else {
        return RuleOutcome::Pending;
    };
    // The most significant result: denied, then inconclusive, then allowed.
    let telling = [with, without].into_iter().min_by_key(|answer| match answer.outcome {
        Outcome::Refused(_) => 0,
        Outcome::Granted(()) => 2,
        _ => 1,
    });
    allowed(context, check, telling, "kms:GenerateDataKey*")
}

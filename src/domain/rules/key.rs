//! The key: that it is known, fit for S3, and that each action of the template is allowed.

use super::{CheckContext, RuleOutcome, permission};
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::check::{CheckName, CheckStatus, FaultSide};
use crate::domain::evidence::{KeyFacts, RoundTrip};
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix, FixAction, FixDocument};
use crate::domain::templates::statements::Permission;

pub fn describable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyDescribable;
    let Some(answer) = &case.evidence.describe_key else {
        return RuleOutcome::Pending;
    };
    match &answer.outcome {
        Outcome::Absent => Finding::failed(
            check,
            "There is no key with this ARN.",
            Some(&answer.exchange),
            Fix::form("Correct the key ARN: copy it from the key's page in the KMS console."),
        )
        .into(),
        Outcome::Refused(refusal) if !refusal.is_of_the_vendor(case.storage.mode()) => {
            let (summary, action, detail) = match keeps_out(case) {
                None => return RuleOutcome::Pending,
                Some(true) => ("The key policy gives [vendor] no access.", "the use of the key", SHUT),
                Some(false) => (
                    "[Vendor] was denied kms:DescribeKey.",
                    "kms:DescribeKey",
                    "AWS gives the same answer when the account has no key with this ARN, so check the ARN as well.",
                ),
            };
            Finding::failed(
                check,
                summary,
                Some(&answer.exchange),
                fix::of_refusal(refusal, action, Permission::Key, case.blanks),
            )
            .with_detail(detail)
            .into()
        }
        _ => permission(
            case,
            check,
            Some(answer),
            "kms:DescribeKey",
            Permission::Key,
            "[Vendor] can describe the key.",
        ),
    }
}

const SHUT: &str = "Possible causes: the statement is missing, it names another role, one of its conditions is not met (for example on \
                    kms:ViaService or kms:EncryptionContext), a Deny statement overrides it, or the account has no key with this ARN, for \
                    which AWS gives the same answer.";

/// Whether the key refused every call that needs no other one before it, all for one reason: then that is one cause, and
/// `key-describable` tells of it. None while answers are out.
fn keeps_out(case: &CheckContext) -> Option<bool> {
    let evidence = case.evidence;
    let describe = evidence.describe_key.as_ref()?.refusal();
    let others = [
        evidence.encrypt.as_ref()?.refusal(),
        evidence.generate_data_key.as_ref()?.refusal(),
        evidence.generate_data_key_without_plaintext.as_ref()?.refusal(),
    ];
    Some(describe.is_some_and(|refusal| others.iter().all(|other| other.is_some_and(|other| other.reason == refusal.reason))))
}

pub fn suitable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeySuitable;
    let Some(answer) = &case.evidence.describe_key else {
        return RuleOutcome::Pending;
    };
    let Some(facts) = answer.granted() else {
        return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
    };
    match unsuitable(facts) {
        None => Finding::passed(check, "S3 can use the key.", Some(&answer.exchange)),
        Some((summary, remedy)) => Finding::failed(
            check,
            summary,
            Some(&answer.exchange),
            Fix::new(FixDocument::KeySettings, FixAction::Set, remedy, None),
        ),
    }
    .into()
}

/// What is wrong with the key and how to mend it, if anything is.
fn unsuitable(facts: &KeyFacts) -> Option<(String, String)> {
    let other_key = "Create a symmetric encryption key, make it the bucket's default, and enter its ARN.";
    if !facts.customer_managed {
        return Some((
            "The key is an AWS managed key, which cannot be shared with another account.".into(),
            "Create a customer managed key, make it the bucket's default, and enter its ARN.".into(),
        ));
    }
    if facts.spec != "SYMMETRIC_DEFAULT" {
        return Some((
            format!("The key spec is {}; S3 supports symmetric keys only.", facts.spec),
            other_key.into(),
        ));
    }
    if facts.usage != "ENCRYPT_DECRYPT" {
        return Some((format!("The key usage is {}, not encryption.", facts.usage), other_key.into()));
    }
    match facts.state.as_str() {
        "Enabled" => None,
        "Disabled" => Some(("The key is disabled.".into(), "Enable the key in the KMS console.".into())),
        "PendingDeletion" => {
            let date = facts
                .deletion_at
                .map_or_else(String::new, |at| format!(" on {}", at.format("%Y-%m-%d")));
            Some((
                format!("The key is scheduled for deletion{date}."),
                "Cancel the key's deletion and enable it, or documents will be permanently lost.".into(),
            ))
        }
        other => Some((format!("The key state is {other}."), "Bring the key into the state Enabled.".into())),
    }
}

/// An unsuitable key says it all; whether it is suitable matters no more once it could not be looked up.
fn behind_suitable(case: &CheckContext, judge: impl FnOnce() -> RuleOutcome) -> RuleOutcome {
    match case.status(CheckName::KeySuitable) {
        None => RuleOutcome::Pending,
        Some(CheckStatus::Failed | CheckStatus::Warning) => RuleOutcome::BlockedBy(CheckName::KeySuitable),
        Some(_) => judge(),
    }
}

fn allowed<T>(case: &CheckContext, check: CheckName, answer: Option<&ApiResult<T>>, action: &str) -> RuleOutcome {
    behind_suitable(case, || {
        match keeps_out(case) {
            None => return RuleOutcome::Pending,
            Some(true) => return RuleOutcome::BlockedBy(CheckName::KeyDescribable),
            Some(false) => {}
        }
        if case.is_of_no_key() {
            return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
        }
        permission(
            case,
            check,
            answer,
            action,
            Permission::Key,
            format!("[Vendor] is allowed {action}."),
        )
    })
}

pub fn encrypt_allowed(case: &CheckContext) -> RuleOutcome {
    allowed(case, CheckName::KeyEncryptAllowed, case.evidence.encrypt.as_ref(), "kms:Encrypt")
}

pub fn decrypt_allowed(case: &CheckContext) -> RuleOutcome {
    let answer = case.evidence.decrypt.as_ref();
    if answer.is_some_and(|answer| answer.granted() == Some(&RoundTrip::Different)) {
        return Finding::inconclusive(
            CheckName::KeyDecryptAllowed,
            FaultSide::Aws,
            "The key returned different bytes than were encrypted with it. No action is needed; the check will run again.",
            answer.map(|answer| &answer.exchange),
        )
        .into();
    }
    allowed(case, CheckName::KeyDecryptAllowed, answer, "kms:Decrypt")
}

pub fn reencrypt_allowed(case: &CheckContext) -> RuleOutcome {
    allowed(
        case,
        CheckName::KeyReencryptAllowed,
        case.evidence.reencrypt.as_ref(),
        "kms:ReEncrypt*",
    )
}

pub fn generate_data_key_allowed(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyGenerateDataKeyAllowed;
    let (Some(with), Some(without)) = (&case.evidence.generate_data_key, &case.evidence.generate_data_key_without_plaintext) else {
        return RuleOutcome::Pending;
    };
    // The answer that says most: a refusal before a silence, a silence before a grant.
    let telling = [with, without].into_iter().min_by_key(|answer| match answer.outcome {
        Outcome::Refused(_) => 0,
        Outcome::Granted(()) => 2,
        _ => 1,
    });
    allowed(case, check, telling, "kms:GenerateDataKey*")
}

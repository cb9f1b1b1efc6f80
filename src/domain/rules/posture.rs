//! The bucket's security posture: recommended settings that nothing depends on. These checks only warn.

use serde_json::{Value, json};

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};

pub fn public_access_blocked(case: &CheckContext) -> RuleOutcome {
    let on = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
    setting(
        CheckName::PublicAccessBlocked,
        case.evidence.public_access_block.as_ref(),
        [
            "All public access to the bucket is blocked.",
            "The bucket itself does not block all public access.",
        ],
        "Enable all four Block Public Access settings of the bucket.",
        Some(on),
    )
}

pub fn acls_disabled(case: &CheckContext) -> RuleOutcome {
    setting(
        CheckName::AclsDisabled,
        case.evidence.acls_disabled.as_ref(),
        ["ACLs are disabled on the bucket.", "ACLs are not disabled on the bucket."],
        "Set the bucket's Object Ownership to \"Bucket owner enforced\", so that only policies control access.",
        Some(json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})),
    )
}

pub fn access_logging_enabled(case: &CheckContext) -> RuleOutcome {
    setting(
        CheckName::AccessLoggingEnabled,
        case.evidence.access_logging.as_ref(),
        ["Access to the bucket is logged.", "Access to the bucket is not logged by S3."],
        "Switch server access logging on, to another bucket, which must not encrypt with a KMS key by default. If CloudTrail logs the \
         bucket's data events, that does too.",
        None,
    )
}

fn setting(
    check: CheckName,
    answer: Option<&ApiResult<bool>>,
    [as_asked, otherwise]: [&'static str; 2],
    remedy: &'static str,
    wanted: Option<Value>,
) -> RuleOutcome {
    let Some(answer) = answer else {
        return RuleOutcome::Pending;
    };
    match answer.outcome {
        Outcome::Granted(true) => Finding::passed(check, as_asked, Some(&answer.exchange)),
        // What was never set is absent.
        Outcome::Granted(false) | Outcome::Absent => Finding::failed(
            check,
            otherwise,
            Some(&answer.exchange),
            Fix::new(FixDocument::BucketSettings, FixAction::Set, remedy, wanted),
        ),
        Outcome::Refused(_) => Finding::unseen(check, &answer.exchange),
        Outcome::Unusable | Outcome::Misrouted | Outcome::Unanswered => Finding::unanswered(check, answer),
    }
    .into()
}

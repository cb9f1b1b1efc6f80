//! The bucket's settings. Most are recommendations that nothing depends on; their checks only warn.

use serde_json::{Value, json};

use super::bucket::denies_everything;
use super::{CheckContext, RuleOutcome, permission};
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::message::{Message, findings, fixes};
use crate::domain::templates::statements::Permission;

pub(crate) fn public_access_blocked(context: &CheckContext) -> RuleOutcome {
    let on = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
    setting(
        CheckName::PublicAccessBlocked,
        context.evidence.public_access_block.as_ref(),
        findings::public_access_not_blocked(),
        fixes::block_public_access(),
        Some(on),
    )
}

pub(crate) fn acls_disabled(context: &CheckContext) -> RuleOutcome {
    setting(
        CheckName::AclsDisabled,
        context.evidence.acls_disabled.as_ref(),
        findings::acls_enabled(),
        fixes::disable_acls(),
        Some(json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})),
    )
}

/// `direct`: the vendor's account writes the objects, and would own them while ACLs are enabled. The customer could not read them.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
pub(crate) fn objects_owned_by_customer(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::ObjectsOwnedByCustomer;
    let Some(answer) = &context.evidence.acls_disabled else {
        return RuleOutcome::Pending;
    };
    if answer.refusal().is_some() {
        if denies_everything(context) {
            return RuleOutcome::BlockedBy(CheckName::BucketListable);
        }
        let action = "s3:GetBucketOwnershipControls";
        return permission(context, check, Some(answer), action, Permission::Posture, check.claim());
    }
    setting(
        check,
        Some(answer),
        findings::vendor_owns_objects(),
        fixes::disable_acls(),
        Some(json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})),
    )
}

pub(crate) fn access_logging_enabled(context: &CheckContext) -> RuleOutcome {
    setting(
        CheckName::AccessLoggingEnabled,
        context.evidence.access_logging.as_ref(),
        findings::access_not_logged(),
        fixes::enable_access_logging(),
        None,
    )
}

fn setting(check: CheckName, answer: Option<&ApiResult<bool>>, failed: Message, remedy: Message, wanted: Option<Value>) -> RuleOutcome {
    let Some(answer) = answer else {
        return RuleOutcome::Pending;
    };
    match answer.outcome {
        Outcome::Granted(true) => Finding::passed(check, check.claim(), Some(&answer.exchange)),
        // A setting that was never set is absent.
        Outcome::Granted(false) | Outcome::Absent => Finding::failed(
            check,
            failed,
            Some(&answer.exchange),
            Fix::new(FixDocument::BucketSettings, FixAction::Set, remedy, wanted),
        ),
        Outcome::Refused(_) => Finding::not_permitted(check, &answer.exchange),
        Outcome::Unusable | Outcome::Misrouted | Outcome::Unanswered => Finding::unanswered(check, answer),
    }
    .into()
}

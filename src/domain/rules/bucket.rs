//! The bucket: it exists, belongs to the submitted account, is in the submitted region, and can be listed.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{AccessDenied, ApiResult, DeniedBy, Outcome};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix, FixAction, FixDocument};
use crate::domain::message::{findings, fixes};
use crate::domain::storage_config::Mode;
use crate::domain::templates::statements;
use crate::domain::templates::statements::Permission;

pub(crate) fn reachable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketReachable;
    let Some(head) = &context.evidence.head else {
        return RuleOutcome::Pending;
    };
    match head.outcome {
        Outcome::Absent => Finding::failed(
            check,
            findings::no_such_bucket(context.storage.bucket.name()),
            Some(&head.exchange),
            Fix::form(fixes::correct_bucket()),
        ),
        Outcome::Unanswered => Finding::unanswered(check, head),
        _ => Finding::passed(check, check.claim(), Some(&head.exchange)),
    }
    .into()
}

pub(crate) fn owner_matches(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketOwnerMatches;
    let Some(head) = &context.evidence.head else {
        return RuleOutcome::Pending;
    };
    let matches = |exchange| Finding::passed(check, findings::bucket_in_account(&context.storage.bucket_account), Some(exchange));
    if !matches!(head.outcome, Outcome::Refused(_)) {
        return matches(&head.exchange).into();
    }
    let Some(any_owner) = &context.evidence.head_of_any_owner else {
        return RuleOutcome::Pending;
    };
    match any_owner.outcome {
        Outcome::Granted(()) => Finding::failed(
            check,
            findings::bucket_not_in_account(&context.storage.bucket_account),
            Some(&any_owner.exchange),
            Fix::form(fixes::correct_account()),
        ),
        Outcome::Unanswered => Finding::unanswered(check, any_owner),
        _ => matches(&head.exchange),
    }
    .into()
}

pub(crate) fn region_matches(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketRegionMatches;
    let Some(head) = &context.evidence.head else {
        return RuleOutcome::Pending;
    };
    let submitted = &context.storage.region;
    match (&head.exchange.bucket_region, &head.outcome) {
        (Some(real), _) if real == submitted => Finding::passed(check, findings::bucket_in_region(submitted), Some(&head.exchange)),
        (Some(real), _) => Finding::failed(
            check,
            findings::bucket_in_other_region(real, submitted),
            Some(&head.exchange),
            Fix::form(fixes::correct_region(real)),
        ),
        (None, Outcome::Misrouted) => Finding::failed(
            check,
            findings::bucket_not_in_region(submitted),
            Some(&head.exchange),
            Fix::form(fixes::find_region()),
        ),
        // A call that was signed for another region would not have been granted.
        (None, Outcome::Granted(())) => Finding::passed(check, findings::bucket_in_region(submitted), Some(&head.exchange)),
        (None, _) => Finding::unanswered(check, head),
    }
    .into()
}

pub(crate) fn listable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketListable;
    let (Some(head), Some(list)) = (&context.evidence.head, &context.evidence.list) else {
        return RuleOutcome::Pending;
    };
    match (&list.outcome, &head.outcome) {
        (Outcome::Granted(()), Outcome::Granted(())) => Finding::passed(check, check.claim(), Some(&list.exchange)),
        (Outcome::Refused(refusal), _) if refusal.is_vendor_side(context.storage.mode()) => {
            Finding::vendor_side(check, Some(&list.exchange))
        }
        (Outcome::Refused(_), _) if context.evidence.awaits_put(context.storage.mode()) => return RuleOutcome::Pending,
        (Outcome::Refused(refusal), _) if denies_everything(context) => Finding::failed(
            check,
            findings::bucket_gives_no_access(),
            Some(&list.exchange),
            fix::of_refusals(
                refusal,
                "all required actions",
                &Permission::of_bucket_policy(context.params),
                context.params,
            ),
        )
        .with_detail(findings::bucket_gives_no_access_causes()),
        (Outcome::Refused(refusal), _) => Finding::failed(
            check,
            findings::permission_denied("s3:ListBucket"),
            Some(&list.exchange),
            fix::of_refusal(refusal, "s3:ListBucket", Permission::List, context.params),
        )
        .with_detail(findings::list_is_of_the_bucket(&context.storage.bucket)),
        (Outcome::Granted(()), Outcome::Refused(_)) => {
            let (document, statement) = match context.storage.mode() {
                Mode::Direct => (
                    FixDocument::BucketPolicy,
                    statements::bucket_policy_statement(Permission::List, context.params),
                ),
                Mode::AssumeRole => (
                    FixDocument::RolePermissions,
                    statements::role_statement(Permission::List, context.params),
                ),
            };
            Finding::failed(
                check,
                findings::list_is_partial(),
                Some(&head.exchange),
                Fix::new(document, FixAction::Replace, fixes::list_without_prefix(), Some(statement)),
            )
        }
        (Outcome::Granted(()), _) => Finding::unanswered(check, head),
        _ => Finding::unanswered(check, list),
    }
    .into()
}

/// Whether S3 denied the list and the puts for the same reason: one cause, which `bucket-listable` reports.
pub(crate) fn denies_everything(context: &CheckContext) -> bool {
    let evidence = context.evidence;
    let reason_of_s3 = |refusal: Option<&AccessDenied>| refusal.filter(|refusal| refusal.by == DeniedBy::S3).map(|refusal| refusal.reason);
    let list = reason_of_s3(evidence.list.as_ref().and_then(ApiResult::refusal));
    let put = reason_of_s3(evidence.put.as_ref().and_then(ApiResult::refusal));
    let put_with_header = reason_of_s3(evidence.put_with_header.as_ref().and_then(ApiResult::refusal));
    list.is_some() && list == put && put == put_with_header
}

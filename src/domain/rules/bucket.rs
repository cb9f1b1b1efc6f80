//! The bucket itself: that it is there, whose it is, where it is, and that it can be listed.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{AccessDenied, ApiResult, DeniedBy, Outcome};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix, FixAction, FixDocument};
use crate::domain::storage_config::Mode;
use crate::domain::templates::statements;
use crate::domain::templates::statements::Permission;

pub fn reachable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketReachable;
    let Some(head) = &case.evidence.head else {
        return RuleOutcome::Pending;
    };
    match head.outcome {
        Outcome::Absent => Finding::failed(
            check,
            format!("There is no bucket named {}.", case.storage.bucket.name()),
            Some(&head.exchange),
            Fix::form("Correct the bucket ARN, or create a bucket with this name."),
        ),
        Outcome::Unanswered => Finding::unanswered(check, head),
        _ => Finding::passed(check, "The bucket exists.", Some(&head.exchange)),
    }
    .into()
}

pub fn owner_matches(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketOwnerMatches;
    let Some(head) = &case.evidence.head else {
        return RuleOutcome::Pending;
    };
    let matches = |exchange| {
        Finding::passed(
            check,
            format!("The bucket belongs to the account {}.", case.storage.bucket_account),
            Some(exchange),
        )
    };
    if !matches!(head.outcome, Outcome::Refused(_)) {
        return matches(&head.exchange).into();
    }
    let Some(of_any) = &case.evidence.head_of_any_owner else {
        return RuleOutcome::Pending;
    };
    match of_any.outcome {
        Outcome::Granted(()) => Finding::failed(
            check,
            format!("The bucket does not belong to the account {}.", case.storage.bucket_account),
            Some(&of_any.exchange),
            Fix::form("In the form, enter the account that owns the bucket, or correct the bucket ARN."),
        ),
        Outcome::Unanswered => Finding::unanswered(check, of_any),
        _ => matches(&head.exchange),
    }
    .into()
}

pub fn region_matches(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketRegionMatches;
    let Some(head) = &case.evidence.head else {
        return RuleOutcome::Pending;
    };
    let named = &case.storage.region;
    match (&head.exchange.bucket_region, &head.outcome) {
        (Some(real), _) if real == named => Finding::passed(check, format!("The bucket is in {named}."), Some(&head.exchange)),
        (Some(real), _) => Finding::failed(
            check,
            format!("The bucket is in {real}, not in {named}."),
            Some(&head.exchange),
            Fix::form(format!(
                "Enter {real} as the region. The key must be in {real} as well; if it is not, create one there."
            )),
        ),
        (None, Outcome::Misrouted) => Finding::failed(
            check,
            format!("The bucket is not in {named}."),
            Some(&head.exchange),
            Fix::form("Enter the region that the S3 console shows for the bucket."),
        ),
        // A call signed for another region would not have been granted.
        (None, Outcome::Granted(())) => Finding::passed(check, format!("The bucket is in {named}."), Some(&head.exchange)),
        (None, _) => Finding::unanswered(check, head),
    }
    .into()
}

pub fn listable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketListable;
    let (Some(head), Some(list)) = (&case.evidence.head, &case.evidence.list) else {
        return RuleOutcome::Pending;
    };
    match (&list.outcome, &head.outcome) {
        (Outcome::Granted(()), Outcome::Granted(())) => Finding::passed(check, "[Vendor] can list the bucket.", Some(&list.exchange)),
        (Outcome::Refused(refusal), _) if refusal.is_of_the_vendor(case.storage.mode()) => {
            Finding::vendors_fault(check, Some(&list.exchange))
        }
        (Outcome::Refused(_), _) if case.evidence.awaits_put(case.storage.mode()) => return RuleOutcome::Pending,
        (Outcome::Refused(refusal), _) if keeps_out(case) => Finding::failed(
            check,
            "The bucket policy gives [vendor] no access.",
            Some(&list.exchange),
            fix::of_refusals(
                refusal,
                "all required actions",
                &Permission::of_bucket_policy(case.blanks),
                case.blanks,
            ),
        )
        .with_detail(
            "Possible causes: the statements are missing, they name another role, one of their conditions is not met, or a Deny statement \
             overrides them, here or in a policy of [your] organization.",
        ),
        (Outcome::Refused(refusal), _) => Finding::failed(
            check,
            "[Vendor] was denied s3:ListBucket.",
            Some(&list.exchange),
            fix::of_refusal(refusal, "s3:ListBucket", Permission::List, case.blanks),
        )
        .with_detail(format!(
            "s3:ListBucket applies to the bucket itself: its resource must be {bucket}, not {bucket}/* (a common mistake).",
            bucket = case.storage.bucket
        )),
        (Outcome::Granted(()), Outcome::Refused(_)) => {
            let (document, statement) = match case.storage.mode() {
                Mode::Direct => (
                    FixDocument::BucketPolicy,
                    statements::bucket_policy_statement(Permission::List, case.blanks),
                ),
                Mode::AssumeRole => (
                    FixDocument::RolePermissions,
                    statements::role_statement(Permission::List, case.blanks),
                ),
            };
            Finding::failed(
                check,
                "[Vendor] can list only part of the bucket.",
                Some(&head.exchange),
                Fix::new(
                    document,
                    FixAction::Replace,
                    "Grant s3:ListBucket without a condition on s3:prefix.",
                    Some(statement),
                ),
            )
        }
        (Outcome::Granted(()), _) => Finding::unanswered(check, head),
        _ => Finding::unanswered(check, list),
    }
    .into()
}

/// Whether S3 refused the list and the put alike: then that is one cause, and `bucket-listable` tells of it.
pub fn keeps_out(case: &CheckContext) -> bool {
    let evidence = case.evidence;
    let by_s3 = |refusal: Option<&AccessDenied>| refusal.filter(|refusal| refusal.by == DeniedBy::S3).map(|refusal| refusal.reason);
    let list = by_s3(evidence.list.as_ref().and_then(ApiResult::refusal));
    let put = by_s3(evidence.put.as_ref().and_then(ApiResult::refusal));
    let put_with_header = by_s3(evidence.put_with_header.as_ref().and_then(ApiResult::refusal));
    list.is_some() && list == put && put == put_with_header
}

//! The bucket: it exists, belongs to the submitted account, is in the submitted region, and can be listed.

use super::{CheckContext, RuleOutcome, closed_by_aws};
use crate::domain::api_result::{AccessDenied, ApiCall, ApiResult, DeniedBy, Outcome};
use crate::domain::check::CheckName;
use crate::domain::evidence::StoredObject;
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

/// What the answers say about the bucket's owner. Each of these calls named the expected owner, so a granted one proves it.
enum Owner<'a> {
    Undecided,
    Expected(&'a ApiCall),
    /// A call that named no owner was granted, after the same was denied with the expected one.
    Other(&'a ApiCall),
    /// Every call was denied.
    Unproven,
    Unanswered(&'a ApiResult),
}

fn owner<'a>(context: &'a CheckContext) -> Owner<'a> {
    let evidence = context.evidence;
    let Some(head) = &evidence.head else {
        return Owner::Undecided;
    };
    match (&head.outcome, &evidence.list) {
        (Outcome::Granted(()), _) => return Owner::Expected(&head.exchange),
        // HEAD is denied to every caller who may list with a prefix only, so the list is asked instead.
        (Outcome::Refused(_), list) if context.storage.prefix.is_some() => match list {
            None => return Owner::Undecided,
            Some(list) if list.granted().is_some() => return Owner::Expected(&list.exchange),
            Some(list) if list.refusal().is_some() => {}
            Some(_) => return Owner::Unproven,
        },
        (Outcome::Refused(_), _) => {}
        _ => return Owner::Unanswered(head),
    }
    let Some(any_owner) = &evidence.head_of_any_owner else {
        return Owner::Undecided;
    };
    match any_owner.outcome {
        Outcome::Granted(()) => return Owner::Other(&any_owner.exchange),
        Outcome::Refused(_) => {}
        _ => return Owner::Unanswered(any_owner),
    }
    let Some(list) = &evidence.list else {
        return Owner::Undecided;
    };
    if list.granted().is_some() {
        return Owner::Expected(&list.exchange);
    }
    if evidence.awaits_put(context.storage.mode()) {
        return Owner::Undecided;
    }
    // S3 has let a put in that the key denied.
    let let_in = |put: &&ApiResult<StoredObject>| put.granted().is_some() || put.is_refused_by(DeniedBy::Kms);
    let put = [&evidence.put, &evidence.put_with_header].into_iter().flatten().find(let_in);
    put.map_or(Owner::Unproven, |put| Owner::Expected(&put.exchange))
}

pub(crate) fn owner_matches(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketOwnerMatches;
    match owner(context) {
        Owner::Undecided => return RuleOutcome::Pending,
        Owner::Expected(exchange) if context.vendor.refuses_account(&context.storage.bucket_account) => Finding::failed(
            check,
            findings::bucket_in_vendor_account(&context.storage.bucket_account),
            Some(exchange),
            Fix::form(fixes::correct_account()),
        ),
        Owner::Expected(exchange) => Finding::passed(check, findings::bucket_in_account(&context.storage.bucket_account), Some(exchange)),
        Owner::Other(exchange) => Finding::failed(
            check,
            findings::bucket_not_in_account(&context.storage.bucket_account),
            Some(exchange),
            Fix::form(fixes::correct_account()),
        ),
        Owner::Unproven => {
            return match context.found(CheckName::BucketListable) {
                None => RuleOutcome::Pending,
                Some(_) => RuleOutcome::BlockedBy(CheckName::BucketListable),
            };
        }
        Owner::Unanswered(answer) => Finding::unanswered(check, answer),
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
    match owner(context) {
        // With the wrong account in its header, every call is denied.
        Owner::Other(_) | Owner::Unanswered(_) => {
            return match context.found(CheckName::BucketOwnerMatches) {
                None => RuleOutcome::Pending,
                Some(_) => RuleOutcome::BlockedBy(CheckName::BucketOwnerMatches),
            };
        }
        Owner::Undecided => return RuleOutcome::Pending,
        Owner::Expected(_) | Owner::Unproven => {}
    }
    if let Some(finding) = closed_by_aws(check, list) {
        return finding.into();
    }
    if context.evidence.lists_as_payer(context.storage.mode()) {
        match &context.evidence.list_as_payer {
            None => return RuleOutcome::Pending,
            Some(as_payer) if as_payer.granted().is_some() => {
                let fix = Fix::new(FixDocument::BucketSettings, FixAction::Set, fixes::turn_off_requester_pays(), None);
                return Finding::failed(check, findings::requester_pays(), Some(&list.exchange), fix).into();
            }
            Some(_) => {}
        }
    }
    match (&list.outcome, &head.outcome) {
        (Outcome::Granted(_), Outcome::Granted(())) => Finding::passed(check, check.claim(), Some(&list.exchange)),
        // HEAD needs s3:ListBucket without a condition on the prefix.
        (Outcome::Granted(_), Outcome::Refused(_)) if context.storage.prefix.is_some() => {
            Finding::passed(check, check.claim(), Some(&list.exchange))
        }
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
        (Outcome::Granted(_), Outcome::Refused(_)) => {
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
        (Outcome::Granted(_), _) => Finding::unanswered(check, head),
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

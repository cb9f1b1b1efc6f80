//! The roles: the vendor's own and, in `assume_role`, the customer's.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{AccessDenied, ApiCall, DenialReason, Outcome, PolicyKind, REGION_DISABLED};
use crate::domain::check::CheckName;
use crate::domain::evidence::PresentedId;
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix, FixAction, FixDocument};
use crate::domain::message::{findings, fixes};
use crate::domain::templates::statements;
use crate::domain::unauthorized::UnauthorizedCaller;

pub(crate) fn vendor_role_assumable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::VendorRoleAssumable;
    let Some(answer) = &context.evidence.vendor_role else {
        return RuleOutcome::Pending;
    };
    match answer.outcome {
        Outcome::Granted(()) => Finding::passed(check, check.claim(), Some(&answer.exchange)),
        // The cause is always on the vendor's side. `failed` would ask the customer to act.
        _ => Finding::vendor_side(check, Some(&answer.exchange)),
    }
    .into()
}

pub(crate) fn client_role_assumable(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::ClientRoleAssumable;
    let Some(answer) = &context.evidence.client_role else {
        return RuleOutcome::Pending;
    };
    match &answer.outcome {
        Outcome::Granted(()) => Finding::passed(check, check.claim(), Some(&answer.exchange)),
        Outcome::Refused(refusal) => match denied(context, refusal, &answer.exchange) {
            Some(finding) => finding,
            None => return RuleOutcome::Pending,
        },
        Outcome::Unusable if answer.exchange.code.as_deref() == Some(REGION_DISABLED) => sts_inactive(context, &answer.exchange),
        _ => Finding::unanswered(check, answer),
    }
    .into()
}

/// The role could not be assumed. None while it is open who denied that.
fn denied(context: &CheckContext, refusal: &AccessDenied, exchange: &ApiCall) -> Option<Finding> {
    let check = CheckName::ClientRoleAssumable;
    let of_role = |detail| {
        let fix = Fix::new(
            FixDocument::TrustPolicy,
            FixAction::Replace,
            fixes::replace_trust_statement(),
            Some(statements::trust_statement(context.params)),
        );
        Finding::failed(check, findings::role_denied(), Some(exchange), fix).with_detail(detail)
    };
    if refusal.may_be_of_the_caller() {
        let simulated = context.evidence.vendor_may_assume.as_ref()?;
        return Some(match simulated.outcome {
            Outcome::Granted(true) => of_role(findings::role_denied_causes()),
            Outcome::Granted(false) => Finding::vendor_side(check, Some(exchange)),
            // The simulator gave no answer.
            _ if refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Identity) => Finding::vendor_side(check, Some(exchange)),
            _ => of_role(findings::role_denied_causes().followed_by(&findings::ask_about_own_role())),
        });
    }
    let (DenialReason::NotAllowedBy(kind) | DenialReason::DeniedBy(kind)) = refusal.reason else {
        // An action that only the vendor's session needs.
        return Some(Finding::vendor_side(check, Some(exchange)));
    };
    Some(match kind {
        PolicyKind::ResourceControl => {
            let fix = fix::of_refusals(refusal, "sts:AssumeRole", &[], context.params);
            Finding::failed(check, findings::role_denied(), Some(exchange), fix)
        }
        PolicyKind::Resource | PolicyKind::RoleTrust => of_role(findings::role_denied_causes()),
        // The caller is the vendor's role.
        PolicyKind::Identity
        | PolicyKind::PermissionsBoundary
        | PolicyKind::Session
        | PolicyKind::ServiceControl
        | PolicyKind::VpcEndpoint => Finding::vendor_side(check, Some(exchange)),
    })
}

/// The vendor calls STS in a region where it is deactivated for one of the accounts.
fn sts_inactive(context: &CheckContext, exchange: &ApiCall) -> Finding {
    let check = CheckName::ClientRoleAssumable;
    let (Some(account), Some(region)) = (&exchange.account, &exchange.region) else {
        return Finding::vendor_side(check, Some(exchange));
    };
    if context.vendor.accounts().contains(&account) {
        return Finding::vendor_side(check, Some(exchange));
    }
    Finding::failed(
        check,
        findings::sts_inactive(region, account),
        Some(exchange),
        Fix::new(
            FixDocument::AccountSettings,
            FixAction::Set,
            fixes::activate_sts(region, account),
            None,
        ),
    )
}

pub(crate) fn role_requires_external_id(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::RoleRequiresExternalId;
    let mut asked = Vec::new();
    for (answer, id) in context.evidence.unauthorized_assumptions() {
        let Some(answer) = answer else {
            return RuleOutcome::Pending;
        };
        asked.push((answer, id));
    }
    let allowed: Vec<_> = asked.iter().filter(|(answer, _)| answer.granted().is_some()).collect();
    let Some((first, _)) = allowed.first() else {
        let inconclusive = asked.iter().find(|(answer, _)| answer.refusal().is_none());
        let exchange = asked.last().map(|(answer, _)| &answer.exchange);
        return match inconclusive {
            Some((answer, _)) => Finding::unanswered(check, answer),
            None => Finding::passed(check, check.claim(), exchange),
        }
        .into();
    };
    let how = allowed.iter().map(|(_, id)| id.phrase()).collect::<Vec<_>>().join(", and ");
    let only_previous = allowed.iter().all(|(_, id)| *id == PresentedId::Previous);
    Finding::failed(
        check,
        findings::role_is_open(how),
        Some(&first.exchange),
        Fix::new(
            FixDocument::TrustPolicy,
            FixAction::Replace,
            fixes::close_trust_policy(),
            Some(statements::trust_statement(context.params)),
        ),
    )
    .with_detail(if only_previous {
        findings::previous_id_accepted()
    } else {
        findings::role_is_open_danger()
    })
    .into()
}

pub(crate) fn role_denies_other_roles(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::RoleDeniesOtherRoles;
    let evidence = context.evidence;
    let own = evidence
        .unauthorized
        .get(&UnauthorizedCaller::CustomerFacingRole)
        .and_then(|probe| probe.role.as_ref());
    if let Some(own) = own.filter(|own| own.granted().is_none()) {
        return Finding::vendor_side(check, Some(&own.exchange)).into();
    }
    let Some(answer) = &evidence.client_role_by_other_role else {
        return RuleOutcome::Pending;
    };
    match &answer.outcome {
        Outcome::Granted(()) => Finding::failed(
            check,
            findings::role_trusts_other_role(),
            Some(&answer.exchange),
            Fix::new(
                FixDocument::TrustPolicy,
                FixAction::Replace,
                fixes::trust_one_role(),
                Some(statements::trust_statement(context.params)),
            ),
        )
        .with_detail(findings::role_trusts_other_role_danger()),
        // Across accounts, STS answers the same if that role may assume no role at all.
        Outcome::Refused(refusal) if refusal.may_be_of_the_caller() => match &evidence.other_role_may_assume {
            None => return RuleOutcome::Pending,
            Some(may_assume) => match may_assume.granted() {
                Some(true) => Finding::passed(check, check.claim(), Some(&answer.exchange)),
                Some(false) => Finding::not_testable(check, findings::other_role_cannot_assume(), &answer.exchange),
                None => Finding::not_testable(check, findings::other_role_is_unknown(), &answer.exchange),
            },
        },
        Outcome::Refused(_) => Finding::passed(check, check.claim(), Some(&answer.exchange)),
        _ => Finding::unanswered(check, answer),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::domain::api_result::{ApiResult, DeniedBy};
    use crate::domain::arn::{BucketArn, KeyArn, RoleArn};
    use crate::domain::evidence::Evidence;
    use crate::domain::message::Message;
    use crate::domain::storage_config::{Access, Storage};
    use crate::domain::templates::TemplateParams;
    use crate::domain::vendor::Vendor;

    fn result(granted: bool) -> ApiResult {
        let denied = AccessDenied {
            by: DeniedBy::Sts,
            reason: DenialReason::Unsaid,
            key: None,
            action: None,
            policy: None,
        };
        ApiResult {
            outcome: if granted { Outcome::Granted(()) } else { Outcome::Refused(denied) },
            exchange: ApiCall::default(),
        }
    }

    /// Of an assumption without, with a random, and with the previous external ID: which ones the role allowed.
    #[rstest]
    #[case([false, false, true], findings::previous_id_accepted())]
    #[case([false, true, true], findings::role_is_open_danger())]
    #[case([true, false, false], findings::role_is_open_danger())]
    fn only_a_role_that_is_open_to_others_is_called_dangerous(#[case] allowed: [bool; 3], #[case] detail: Message) {
        let role = |account: &str| RoleArn::parse(&format!("arn:aws:iam::{account}:role/documents")).unwrap();
        let key = KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
        let storage = Storage {
            access: Access::AssumeRole {
                role: role("222222222222"),
            },
            bucket: BucketArn::parse("arn:aws:s3:::my-bucket").unwrap(),
            region: key.region().clone(),
            bucket_account: key.account().clone(),
            key,
            prefix: None,
            level: crate::domain::access_level::AccessLevel::ReadWrite,
            sample_object: None,
        };
        let [without, random, previous] = allowed.map(result).map(Some);
        let outcome = role_requires_external_id(&CheckContext {
            vendor: &Vendor::unnamed(),
            storage: &storage,
            params: &TemplateParams::of_storage(&storage, role("111111111111"), Vec::new()),
            evidence: &Evidence {
                client_role_without_id: without,
                client_role_with_random_id: random,
                client_role_with_retired_id: previous,
                retires: true,
                ..Evidence::default()
            },
            findings: &BTreeMap::new(),
        });
        let RuleOutcome::Found(finding) = outcome else {
            panic!("the evidence is complete");
        };
        assert_eq!(finding.detail, Some(detail));
    }
}

//! The roles: the vendor's own and, in `assume_role`, the customer's.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{DenialReason, Outcome, PolicyKind};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::message::{findings, fixes};
use crate::domain::templates::statements;

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
        // The vendor's own role lacks sts:AssumeRole. STS gives no other reason across accounts.
        Outcome::Refused(refusal) if refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Identity) => {
            Finding::vendor_side(check, Some(&answer.exchange))
        }
        Outcome::Refused(_) => Finding::failed(
            check,
            findings::role_denied(),
            Some(&answer.exchange),
            Fix::new(
                FixDocument::TrustPolicy,
                FixAction::Replace,
                fixes::replace_trust_statement(),
                Some(statements::trust_statement(context.params)),
            ),
        )
        .with_detail(findings::role_denied_causes()),
        _ => Finding::unanswered(check, answer),
    }
    .into()
}

pub(crate) fn role_requires_external_id(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::RoleRequiresExternalId;
    let mut asked = Vec::new();
    for (answer, how) in context.evidence.unauthorized_assumptions() {
        let Some(answer) = answer else {
            return RuleOutcome::Pending;
        };
        asked.push((answer, how));
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
    let how = allowed.iter().map(|(_, how)| *how).collect::<Vec<_>>().join(", and ");
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
    .with_detail(findings::role_is_open_danger())
    .into()
}

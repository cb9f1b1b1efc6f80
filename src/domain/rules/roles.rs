//! The roles: the vendor's own, and the customer's in `assume_role`.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{DenialReason, Outcome, PolicyKind};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::templates::statements;

pub fn vendor_role_assumable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::VendorRoleAssumable;
    let Some(answer) = &case.evidence.vendor_role else {
        return RuleOutcome::Pending;
    };
    match answer.outcome {
        Outcome::Granted(()) => Finding::passed(check, "The role of [vendor] can be assumed.", Some(&answer.exchange)),
        // Whatever it is, it is the vendor's: never `failed`, which would ask the customer to act.
        _ => Finding::vendors_fault(check, Some(&answer.exchange)),
    }
    .into()
}

pub fn client_role_assumable(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::ClientRoleAssumable;
    let Some(answer) = &case.evidence.client_role else {
        return RuleOutcome::Pending;
    };
    match &answer.outcome {
        Outcome::Granted(()) => Finding::passed(check, "[Your] role grants access to [vendor].", Some(&answer.exchange)),
        // The vendor's own role lacks sts:AssumeRole: the one reason that STS tells across accounts.
        Outcome::Refused(refusal) if refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Identity) => {
            Finding::vendors_fault(check, Some(&answer.exchange))
        }
        Outcome::Refused(_) => Finding::failed(
            check,
            "[Your] role denied access to [vendor].",
            Some(&answer.exchange),
            Fix::new(
                FixDocument::TrustPolicy,
                FixAction::Replace,
                "Replace the role's trust policy statement with this one.",
                Some(statements::trust_statement(case.blanks)),
            ),
        )
        .with_detail(
            "AWS gives one answer for four causes: there is no role of this name, its trust policy names another principal, it asks for \
             another external ID, or a policy of your organization keeps outsiders out.",
        ),
        _ => Finding::unanswered(check, answer),
    }
    .into()
}

pub fn role_requires_external_id(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::RoleRequiresExternalId;
    let mut asked = Vec::new();
    for (answer, how) in case.evidence.unauthorized_assumptions() {
        let Some(answer) = answer else {
            return RuleOutcome::Pending;
        };
        asked.push((answer, how));
    }
    let got_in: Vec<_> = asked.iter().filter(|(answer, _)| answer.granted().is_some()).collect();
    let Some((first, _)) = got_in.first() else {
        let open = asked.iter().find(|(answer, _)| answer.refusal().is_none());
        let exchange = asked.last().map(|(answer, _)| &answer.exchange);
        return match open {
            Some((answer, _)) => Finding::unanswered(check, answer),
            None => Finding::passed(check, "[Your] role refuses [vendor] without [your] external ID.", exchange),
        }
        .into();
    };
    let how = got_in.iter().map(|(_, how)| *how).collect::<Vec<_>>().join(", and ");
    Finding::failed(
        check,
        format!("[Your] role can be assumed {how}."),
        Some(&first.exchange),
        Fix::new(
            FixDocument::TrustPolicy,
            FixAction::Replace,
            "Make this the only statement of the trust policy that names [vendor]. A second one without the condition leaves the role open.",
            Some(statements::trust_statement(case.blanks)),
        ),
    )
    .with_detail(
        "The storage role of [vendor] also acts for other customers. Without the condition on sts:ExternalId, [another customer] \
         who enters the name of [your] role could access [your] documents.",
    )
    .into()
}

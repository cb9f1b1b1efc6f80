//! The vendor's credentials are useless outside of its network.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::ApiResult;
use crate::domain::check::{CheckName, FaultSide};
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::message::{findings, fixes};
use crate::domain::storage_config::Mode;
use crate::domain::templates::network;
use crate::domain::unauthorized::UnauthorizedCall;

/// The same calls were allowed within the network: the checks of each are prerequisites.
pub(crate) fn network_restricted(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::NetworkRestricted;
    let (probe, level) = (&context.evidence.outside, context.storage.level);
    let answers = UnauthorizedCall::from_outside(level).map(|call| Some((call, probe.answers.get(&call)?)));
    let Some(answers) = answers.collect::<Option<Vec<_>>>() else {
        return RuleOutcome::Pending;
    };
    let allowed: Vec<_> = answers.iter().filter(|(call, answer)| call.was_allowed(answer)).collect();
    if let Some((_, answer)) = allowed.first() {
        // Denied by the session's own policy, it really came from outside.
        return match (&probe.control_role, &probe.control) {
            (Some(role), _) if role.granted().is_none() => unanswered(check, role).into(),
            (_, None) => RuleOutcome::Pending,
            (_, Some(control)) if control.granted().is_some() => Finding::inconclusive(
                check,
                FaultSide::Vendor,
                findings::outside_proxy_is_inside(),
                Some(&control.exchange),
            )
            .into(),
            (_, Some(control)) if control.refusal().is_none() => unanswered(check, control).into(),
            _ => {
                let names: Vec<&str> = allowed.iter().map(|(call, _)| call.action()).collect();
                Finding::failed(
                    check,
                    findings::network_not_restricted(names.join(", ")),
                    Some(&answer.exchange),
                    fix(context, &allowed.iter().map(|(call, _)| *call).collect::<Vec<_>>()),
                )
                .with_detail(findings::network_not_restricted_danger())
                .into()
            }
        };
    }
    if let Some((_, answer)) = answers.iter().find(|(_, answer)| answer.refusal().is_none()) {
        return unanswered(check, answer).into();
    }
    let of_vendor = |answer: &ApiResult| {
        answer
            .refusal()
            .is_some_and(|refusal| refusal.is_vendor_side(context.storage.mode()))
    };
    match answers.iter().find(|(_, answer)| of_vendor(answer)) {
        Some((_, answer)) => Finding::inconclusive(
            check,
            FaultSide::Vendor,
            findings::outside_denied_by_vendor(),
            Some(&answer.exchange),
        ),
        None => Finding::passed(check, check.claim(), answers.first().map(|(_, answer)| &answer.exchange)),
    }
    .into()
}

/// Without an answer of AWS, the proxy or its network is the cause.
fn unanswered(check: CheckName, answer: &ApiResult) -> Finding {
    if answer.exchange.request_id.is_some() {
        return Finding::unanswered(check, answer);
    }
    Finding::inconclusive(check, FaultSide::Vendor, findings::outside_proxy_silent(), Some(&answer.exchange))
}

/// The statement in each document that allowed a call.
fn fix(context: &CheckContext, allowed: &[UnauthorizedCall]) -> Fix {
    let of = |document, name| {
        let statement = network::statement(document, context.params);
        let sid = context.params.sid(network::NETWORK_SID);
        Fix::new(document, FixAction::Add, fixes::restrict_to_network(name, sid), statement)
    };
    let of_key = |call: &UnauthorizedCall| *call == UnauthorizedCall::DescribeKey;
    let (bucket, key) = (
        || of(FixDocument::BucketPolicy, "the bucket policy"),
        || of(FixDocument::KeyPolicy, "the key policy"),
    );
    match context.storage.mode() {
        Mode::AssumeRole => of(FixDocument::RolePermissions, "the permissions of [your] role"),
        Mode::Direct if allowed.iter().all(of_key) => key(),
        Mode::Direct if allowed.iter().any(of_key) => bucket().or_also(key()),
        Mode::Direct => bucket(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::domain::access_level::AccessLevel;
    use crate::domain::account::AccountId;
    use crate::domain::api_result::{AccessDenied, ApiCall, DenialReason, DeniedBy, Outcome, PolicyKind};
    use crate::domain::arn::{BucketArn, KeyArn, RoleArn};
    use crate::domain::check::CheckStatus;
    use crate::domain::evidence::{Evidence, OutsideProbe};
    use crate::domain::partition::Partition;
    use crate::domain::storage_config::{Access, Storage};
    use crate::domain::templates::samples::{restricted, typed};
    use crate::domain::vendor::Vendor;

    const ID: &str = "REQUEST1";

    fn answer(outcome: Outcome, request_id: Option<&str>) -> ApiResult {
        ApiResult {
            outcome,
            exchange: ApiCall {
                request_id: request_id.map(str::to_owned),
                ..ApiCall::default()
            },
        }
    }

    fn denied(by: DeniedBy, reason: DenialReason) -> ApiResult {
        let refusal = AccessDenied {
            by,
            reason,
            key: None,
            action: None,
            policy: None,
        };
        answer(Outcome::Refused(refusal), Some(ID))
    }

    /// What the check finds, if every call from outside was denied except one, which got another answer.
    fn found(mode: Mode, call: UnauthorizedCall, other: ApiResult, control: Option<ApiResult>) -> Option<Finding> {
        let role = |name: &str| RoleArn::parse(&format!("arn:aws:iam::222222222222:role/{name}")).unwrap();
        let storage = Storage {
            access: match mode {
                Mode::Direct => Access::Direct,
                Mode::AssumeRole => Access::AssumeRole { role: role("documents") },
            },
            bucket: BucketArn::parse("arn:aws:s3:::acme-documents").unwrap(),
            bucket_account: AccountId::parse("222222222222").unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key: KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap(),
            prefix: None,
            level: AccessLevel::ReadWrite,
            sample_object: None,
        };
        let mut answers: BTreeMap<_, _> = UnauthorizedCall::from_outside(AccessLevel::ReadWrite)
            .map(|call| {
                let by = if call == UnauthorizedCall::DescribeKey {
                    DeniedBy::Kms
                } else {
                    DeniedBy::S3
                };
                (call, denied(by, DenialReason::Unsaid))
            })
            .collect();
        answers.insert(call, other);
        let evidence = Evidence {
            outside: OutsideProbe {
                answers,
                control_role: control.as_ref().map(|_| answer(Outcome::Granted(()), Some(ID))),
                control,
            },
            ..Evidence::default()
        };
        let params = restricted(typed(Partition::Aws, mode));
        let context = CheckContext {
            vendor: &Vendor::unnamed(),
            storage: &storage,
            params: &params,
            evidence: &evidence,
            findings: &BTreeMap::new(),
        };
        match network_restricted(&context) {
            RuleOutcome::Found(finding) => Some(*finding),
            _ => None,
        }
    }

    #[rstest]
    fn a_denial_of_every_call_is_a_pass(#[values(Mode::Direct, Mode::AssumeRole)] mode: Mode) {
        let finding = found(mode, UnauthorizedCall::List, denied(DeniedBy::S3, DenialReason::Unsaid), None).unwrap();
        assert_eq!(finding.status, CheckStatus::Passed);
    }

    #[rstest]
    #[case(UnauthorizedCall::List, Mode::Direct, FixDocument::BucketPolicy)]
    #[case(UnauthorizedCall::Put, Mode::Direct, FixDocument::BucketPolicy)]
    #[case(UnauthorizedCall::DescribeKey, Mode::Direct, FixDocument::KeyPolicy)]
    #[case(UnauthorizedCall::DescribeKey, Mode::AssumeRole, FixDocument::RolePermissions)]
    fn an_allowed_call_fails_once_the_proxy_is_known_to_be_outside(
        #[case] call: UnauthorizedCall,
        #[case] mode: Mode,
        #[case] document: FixDocument,
    ) {
        let allowed = || answer(Outcome::Granted(()), Some(ID));
        assert_eq!(found(mode, call, allowed(), None), None, "pending");
        let by_own_policy = denied(DeniedBy::S3, DenialReason::DeniedBy(PolicyKind::Session));
        let finding = found(mode, call, allowed(), Some(by_own_policy)).unwrap();
        assert_eq!((finding.status, finding.side), (CheckStatus::Failed, Some(FaultSide::Customer)));
        let fix = finding.fix.unwrap();
        assert_eq!(fix.document, document);
        assert_eq!(fix.statement.unwrap()["Effect"], "Deny");
        let inside = found(mode, call, allowed(), Some(allowed())).unwrap();
        assert_eq!((inside.status, inside.side), (CheckStatus::Inconclusive, Some(FaultSide::Vendor)));
        let silent = found(mode, call, allowed(), Some(answer(Outcome::Unanswered, None))).unwrap();
        assert_eq!((silent.status, silent.side), (CheckStatus::Inconclusive, Some(FaultSide::Vendor)));
    }

    /// S3 let the call in, and KMS denied it.
    #[test]
    fn a_get_that_only_the_key_denies_was_allowed() {
        let by_key = denied(DeniedBy::Kms, DenialReason::Unsaid);
        let control = denied(DeniedBy::S3, DenialReason::Unsaid);
        let finding = found(Mode::Direct, UnauthorizedCall::Get, by_key, Some(control)).unwrap();
        assert_eq!(finding.fix.unwrap().document, FixDocument::BucketPolicy);
    }

    #[rstest]
    #[case::of_the_proxy(answer(Outcome::Unanswered, None), FaultSide::Vendor)]
    #[case::of_aws(answer(Outcome::Unanswered, Some(ID)), FaultSide::Aws)]
    #[case::an_endpoint_policy(denied(DeniedBy::S3, DenialReason::DeniedBy(PolicyKind::VpcEndpoint)), FaultSide::Vendor)]
    #[case::of_the_vendors_role(denied(DeniedBy::S3, DenialReason::DeniedBy(PolicyKind::Identity)), FaultSide::Vendor)]
    fn what_proves_nothing_is_neither_a_pass_nor_a_failure(#[case] other: ApiResult, #[case] side: FaultSide) {
        for call in UnauthorizedCall::from_outside(AccessLevel::ReadWrite) {
            let finding = found(Mode::Direct, call, other.clone(), None).unwrap();
            assert_eq!((finding.status, finding.side), (CheckStatus::Inconclusive, Some(side)));
        }
    }
}

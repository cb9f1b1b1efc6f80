//! `direct`: the bucket and the key deny access to sessions without the tenant's external ID.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::evidence::{UnauthorizedCaller, UnauthorizedProbe};
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::message::{Message, findings, fixes};
use crate::domain::storage_config::Mode;
use crate::domain::templates::statements;
use crate::domain::templates::statements::Permission;

pub(crate) fn bucket_requires_external_id(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketRequiresExternalId;
    let probes = context.evidence.unauthorized();
    if let Some(outcome) = without_session(check, &probes) {
        return outcome;
    }
    let lists: Vec<&ApiResult> = probes.iter().filter_map(|(probe, _)| probe.list.as_ref()).collect();
    if lists.len() < probes.len() {
        return RuleOutcome::Pending;
    }
    let allowed: Vec<AllowedCall> = lists
        .iter()
        .zip(&probes)
        .filter(|(list, _)| list.granted().is_some())
        .map(|(list, (_, caller))| (Permission::List, "s3:ListBucket", *caller, *list))
        .collect();
    if let Some(finding) = bucket_is_open(context, &allowed) {
        return finding.into();
    }
    let inconclusive = |answers: &[&ApiResult]| {
        let other = answers.iter().find(|answer| !answer.is_refused_by(DeniedBy::S3));
        other.map(|answer| Finding::unanswered(check, answer))
    };
    // The object calls come second: nothing is written before the list calls are proven to be denied.
    if let Some(finding) = inconclusive(&lists) {
        return finding.into();
    }
    match context.status(CheckName::ObjectWritable) {
        None => return RuleOutcome::Pending,
        Some(CheckStatus::Passed) => {}
        Some(_) => return RuleOutcome::BlockedBy(CheckName::ObjectWritable),
    }
    let Some(objects) = object_results(&probes) else {
        return RuleOutcome::Pending;
    };
    let mut allowed: Vec<AllowedCall> = Vec::new();
    for (get, restore, caller) in &objects {
        // The bucket allowed a get that the key denied.
        if matches!(get.outcome, Outcome::Granted(()) | Outcome::Unusable) || get.is_refused_by(DeniedBy::Kms) {
            allowed.push((Permission::Objects, "s3:GetObject", *caller, get));
        }
        if restore.granted().is_some() {
            allowed.push((Permission::Objects, "s3:RestoreObject", *caller, restore));
        }
    }
    if let Some(finding) = bucket_is_open(context, &allowed) {
        return finding.into();
    }
    let asked: Vec<&ApiResult> = objects.iter().flat_map(|(get, restore, _)| [*get, *restore]).collect();
    inconclusive(&asked)
        .unwrap_or_else(|| Finding::passed(check, check.claim(), Some(&lists[0].exchange)))
        .into()
}

/// A call that had to be denied but was allowed: the permission, the action, the caller, and the result.
type AllowedCall<'a> = (Permission, &'static str, UnauthorizedCaller, &'a ApiResult);

fn bucket_is_open(context: &CheckContext, allowed: &[AllowedCall]) -> Option<Finding> {
    let (permission, _, _, answer) = allowed.first()?;
    let finding = Finding::failed(
        CheckName::BucketRequiresExternalId,
        findings::bucket_is_open(name_calls(allowed.iter().map(|(_, action, caller, _)| (*action, *caller)))),
        Some(&answer.exchange),
        Fix::new(
            FixDocument::BucketPolicy,
            FixAction::Replace,
            fixes::close_policy(),
            Some(statements::bucket_policy_statement(*permission, context.params)),
        ),
    );
    Some(finding.with_detail(danger(allowed.iter().map(|(_, _, caller, _)| *caller))))
}

fn name_calls<'a>(calls: impl Iterator<Item = (&'a str, UnauthorizedCaller)>) -> String {
    calls
        .map(|(action, caller)| format!("{action} {}", caller.phrase(Mode::Direct)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What the allowed calls of these callers mean.
fn danger(mut callers: impl Iterator<Item = UnauthorizedCaller>) -> Message {
    if callers.all(|caller| caller == UnauthorizedCaller::PreviousId) {
        findings::previous_id_accepted()
    } else {
        findings::resource_is_open_danger()
    }
}

/// The results of get and restore of the probe object by each unauthorized caller, once all are known.
fn object_results<'a>(
    probes: &[(&'a UnauthorizedProbe, UnauthorizedCaller)],
) -> Option<Vec<(&'a ApiResult, &'a ApiResult, UnauthorizedCaller)>> {
    probes
        .iter()
        .map(|(probe, caller)| Some((probe.get.as_ref()?, probe.restore.as_ref()?, *caller)))
        .collect()
}

pub(crate) fn key_requires_external_id(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyRequiresExternalId;
    let evidence = context.evidence;
    let probes = evidence.unauthorized();
    if let Some(outcome) = without_session(check, &probes) {
        return outcome;
    }
    // A key that denies everyone would look like one that denies only unauthorized callers.
    let own_checks = [
        CheckName::KeyDescribable,
        CheckName::KeyEncryptAllowed,
        CheckName::KeyGenerateDataKeyAllowed,
    ];
    if own_checks.iter().any(|check| context.found(*check).is_none()) {
        return RuleOutcome::Pending;
    }
    if !own_checks.iter().any(|check| context.status(*check) == Some(CheckStatus::Passed)) {
        return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
    }
    let has_ciphertext = evidence.encrypt.as_ref().is_some_and(|encrypt| encrypt.granted().is_some());
    let mut asked = Vec::new();
    for (probe, caller) in probes {
        let mut calls = vec![("kms:Encrypt", &probe.encrypt), ("kms:GenerateDataKey", &probe.generate_data_key)];
        if has_ciphertext {
            calls.extend([("kms:Decrypt", &probe.decrypt), ("kms:ReEncrypt", &probe.reencrypt)]);
        }
        for (action, answer) in calls {
            let Some(answer) = answer else {
                return RuleOutcome::Pending;
            };
            asked.push((action, caller, answer));
        }
    }
    let allowed: Vec<_> = asked.iter().filter(|(_, _, answer)| answer.granted().is_some()).collect();
    if let Some((_, _, answer)) = allowed.first() {
        return Finding::failed(
            check,
            findings::key_is_open(name_calls(allowed.iter().map(|(action, caller, _)| (*action, *caller)))),
            Some(&answer.exchange),
            Fix::new(
                FixDocument::KeyPolicy,
                FixAction::Replace,
                fixes::close_policy(),
                Some(statements::key_policy_statement(context.params)),
            ),
        )
        .with_detail(danger(allowed.iter().map(|(_, caller, _)| *caller)))
        .into();
    }
    if context.is_broken(CheckName::KeySuitable) {
        return RuleOutcome::BlockedBy(CheckName::KeySuitable);
    }
    if let Some((_, _, answer)) = asked.iter().find(|(_, _, answer)| answer.refusal().is_none()) {
        return Finding::unanswered(check, answer).into();
    }
    if !has_ciphertext {
        return RuleOutcome::BlockedBy(CheckName::KeyEncryptAllowed);
    }
    Finding::passed(check, check.claim(), asked.first().map(|(_, _, answer)| &answer.exchange)).into()
}

/// An unauthorized caller needs a session of its own. Without it, the check is pending or inconclusive.
fn without_session(check: CheckName, probes: &[(&UnauthorizedProbe, UnauthorizedCaller)]) -> Option<RuleOutcome> {
    for (probe, _) in probes {
        match &probe.role {
            None => return Some(RuleOutcome::Pending),
            Some(role) if role.granted().is_none() => return Some(Finding::unanswered(check, role).into()),
            Some(_) => {}
        }
    }
    None
}

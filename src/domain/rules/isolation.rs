//! `direct`: that bucket and key are bound to the tenant's external ID, so that nobody else's session gets in.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::evidence::UnauthorizedProbe;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::templates::statements;
use crate::domain::templates::statements::Permission;

const DANGER: &str = "The role of [vendor] also acts for other customers. Without the condition on aws:PrincipalTag/latchkey-external-id, \
                      [another customer] who enters the name of [your] bucket could access [your] documents.";

pub fn bucket_requires_external_id(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketRequiresExternalId;
    let strangers = case.evidence.unauthorized();
    if let Some(silent) = silent_roles(check, &strangers) {
        return silent;
    }
    let lists: Vec<&ApiResult> = strangers.iter().filter_map(|(stranger, _)| stranger.list.as_ref()).collect();
    if lists.len() < strangers.len() {
        return RuleOutcome::Pending;
    }
    let let_in: Vec<LetIn> = lists
        .iter()
        .zip(&strangers)
        .filter(|(list, _)| list.granted().is_some())
        .map(|(list, (_, who))| (Permission::List, "s3:ListBucket", *who, *list))
        .collect();
    if let Some(finding) = bucket_is_open(case, &let_in) {
        return finding.into();
    }
    let silent = |answers: &[&ApiResult]| {
        let silent = answers.iter().find(|answer| !answer.is_refused_by(DeniedBy::S3));
        silent.map(|answer| Finding::unanswered(check, answer))
    };
    // The object half: nothing is written before the list half is proven, so this comes second.
    if let Some(finding) = silent(&lists) {
        return finding.into();
    }
    match case.status(CheckName::ObjectWritable) {
        None => return RuleOutcome::Pending,
        Some(CheckStatus::Passed) => {}
        Some(_) => return RuleOutcome::BlockedBy(CheckName::ObjectWritable),
    }
    let Some(objects) = answers_on_object(&strangers) else {
        return RuleOutcome::Pending;
    };
    let mut let_in: Vec<LetIn> = Vec::new();
    for (get, restore, who) in &objects {
        // A get that the key stopped was let in by the bucket.
        if matches!(get.outcome, Outcome::Granted(()) | Outcome::Unusable) || get.is_refused_by(DeniedBy::Kms) {
            let_in.push((Permission::Objects, "s3:GetObject", who, get));
        }
        if restore.granted().is_some() {
            let_in.push((Permission::Objects, "s3:RestoreObject", who, restore));
        }
    }
    if let Some(finding) = bucket_is_open(case, &let_in) {
        return finding.into();
    }
    let asked: Vec<&ApiResult> = objects.iter().flat_map(|(get, restore, _)| [*get, *restore]).collect();
    silent(&asked)
        .unwrap_or_else(|| {
            Finding::passed(
                check,
                "The bucket refuses [vendor] without [your] external ID.",
                Some(&lists[0].exchange),
            )
        })
        .into()
}

/// A call that had to be refused and was not: the statement that allowed it, the action, by whom, and the answer.
type LetIn<'a> = (Permission, &'static str, &'static str, &'a ApiResult);

fn bucket_is_open(case: &CheckContext, let_in: &[LetIn]) -> Option<Finding> {
    let (permission, _, _, answer) = let_in.first()?;
    let finding = Finding::failed(
        CheckName::BucketRequiresExternalId,
        format!(
            "The bucket allowed calls that it must refuse: {}.",
            name_calls(let_in.iter().map(|(_, action, who, _)| (*action, *who)))
        ),
        Some(&answer.exchange),
        Fix::new(
            FixDocument::BucketPolicy,
            FixAction::Replace,
            "Replace the statement that names the role of [vendor] with this one, and remove any other statement that grants the role access without the condition.",
            Some(statements::bucket_policy_statement(*permission, case.blanks)),
        ),
    );
    Some(finding.with_detail(DANGER))
}

fn name_calls<'a>(calls: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    calls.map(|(action, who)| format!("{action} {who}")).collect::<Vec<_>>().join(", ")
}

/// Get and restore of the probe object by each stranger, once all are there.
fn answers_on_object<'a>(strangers: &[(&'a UnauthorizedProbe, &'static str)]) -> Option<Vec<(&'a ApiResult, &'a ApiResult, &'static str)>> {
    strangers
        .iter()
        .map(|(stranger, who)| Some((stranger.get.as_ref()?, stranger.restore.as_ref()?, *who)))
        .collect()
}

pub fn key_requires_external_id(case: &CheckContext) -> RuleOutcome {
    let check = CheckName::KeyRequiresExternalId;
    let evidence = case.evidence;
    let strangers = evidence.unauthorized();
    if let Some(silent) = silent_roles(check, &strangers) {
        return silent;
    }
    // A key that answers nobody would pass for one that refuses strangers.
    let own_checks = [
        CheckName::KeyDescribable,
        CheckName::KeyEncryptAllowed,
        CheckName::KeyGenerateDataKeyAllowed,
    ];
    if own_checks.iter().any(|check| case.found(*check).is_none()) {
        return RuleOutcome::Pending;
    }
    if !own_checks.iter().any(|check| case.status(*check) == Some(CheckStatus::Passed)) {
        return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
    }
    let has_ciphertext = evidence.encrypt.as_ref().is_some_and(|encrypt| encrypt.granted().is_some());
    let mut asked = Vec::new();
    for (stranger, who) in strangers {
        let mut calls = vec![
            ("kms:Encrypt", &stranger.encrypt),
            ("kms:GenerateDataKey", &stranger.generate_data_key),
        ];
        if has_ciphertext {
            calls.extend([("kms:Decrypt", &stranger.decrypt), ("kms:ReEncrypt", &stranger.reencrypt)]);
        }
        for (action, answer) in calls {
            let Some(answer) = answer else {
                return RuleOutcome::Pending;
            };
            asked.push((action, who, answer));
        }
    }
    let open: Vec<_> = asked.iter().filter(|(_, _, answer)| answer.granted().is_some()).collect();
    if let Some((_, _, answer)) = open.first() {
        return Finding::failed(
            check,
            format!(
                "The key allowed calls that it must refuse: {}.",
                name_calls(open.iter().map(|(action, who, _)| (*action, *who)))
            ),
            Some(&answer.exchange),
            Fix::new(
                FixDocument::KeyPolicy,
                FixAction::Replace,
                "Replace the statement that names the role of [vendor] with this one, and remove any other statement that grants the role access without the condition.",
                Some(statements::key_policy_statement(case.blanks)),
            ),
        )
        .with_detail(DANGER)
        .into();
    }
    if case.is_broken(CheckName::KeySuitable) {
        return RuleOutcome::BlockedBy(CheckName::KeySuitable);
    }
    if let Some((_, _, answer)) = asked.iter().find(|(_, _, answer)| answer.refusal().is_none()) {
        return Finding::unanswered(check, answer).into();
    }
    if !has_ciphertext {
        return RuleOutcome::BlockedBy(CheckName::KeyEncryptAllowed);
    }
    Finding::passed(
        check,
        "The key refuses [vendor] without [your] external ID.",
        asked.first().map(|(_, _, answer)| &answer.exchange),
    )
    .into()
}

/// Without the strangers' own sessions nothing can be asked of them. That is the vendor's to mend, or AWS was silent.
fn silent_roles(check: CheckName, strangers: &[(&UnauthorizedProbe, &'static str)]) -> Option<RuleOutcome> {
    for (stranger, _) in strangers {
        match &stranger.role {
            None => return Some(RuleOutcome::Pending),
            Some(role) if role.granted().is_none() => return Some(Finding::unanswered(check, role).into()),
            Some(_) => {}
        }
    }
    None
}

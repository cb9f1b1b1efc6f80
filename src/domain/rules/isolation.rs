//! The bucket and the key deny callers without the tenant's external ID, and requests without credentials.

use super::{CheckContext, RuleOutcome};
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::catalogue::BUCKET;
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::extra_action::ExtraCall;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::message::{Message, findings, fixes};
use crate::domain::storage_config::Mode;
use crate::domain::templates::statements;
use crate::domain::templates::statements::Permission;
use crate::domain::unauthorized::{UnauthorizedCall, UnauthorizedCaller, UnauthorizedProbe};

pub(crate) fn bucket_requires_external_id(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::BucketRequiresExternalId;
    refused_by_bucket(context, check, &vendors_callers(context), |allowed| {
        let (danger, fix) = match context.storage.mode() {
            Mode::Direct => {
                let permission = allowed.call.permission();
                let statement = statements::bucket_policy_statement(permission, context.params);
                (
                    danger(allowed),
                    replaced(
                        FixDocument::BucketPolicy,
                        fixes::close_policy(context.params.sid(permission.sid())),
                        statement,
                    ),
                )
            }
            Mode::AssumeRole => (findings::vendor_is_let_in_danger(), vendor_removed(FixDocument::BucketPolicy)),
        };
        (findings::bucket_is_open(&allowed.names), danger, fix)
    })
}

pub(crate) fn bucket_not_public(context: &CheckContext) -> RuleOutcome {
    let anybody = callers(context, |caller| caller == UnauthorizedCaller::Anonymous);
    refused_by_bucket(context, CheckName::BucketNotPublic, &anybody, |allowed| {
        (
            findings::bucket_is_public(&allowed.actions),
            findings::bucket_is_public_danger(),
            Fix::new(FixDocument::BucketPolicy, FixAction::Remove, fixes::close_public_bucket(), None),
        )
    })
}

pub(crate) fn key_requires_external_id(context: &CheckContext) -> RuleOutcome {
    refused_by_key(context, CheckName::KeyRequiresExternalId)
}

/// `read`: KMS evaluates a decryption only of a ciphertext, which the vendor cannot make.
pub(crate) fn key_description_requires_external_id(context: &CheckContext) -> RuleOutcome {
    refused_by_key(context, CheckName::KeyDescriptionRequiresExternalId)
}

fn refused_by_key(context: &CheckContext, check: CheckName) -> RuleOutcome {
    let callers = vendors_callers(context);
    if let Some(outcome) = without_session(check, &callers) {
        return outcome;
    }
    let failed = |allowed: Allowed| {
        let (danger, fix) = match context.storage.mode() {
            Mode::Direct => (
                danger(&allowed),
                replaced(
                    FixDocument::KeyPolicy,
                    fixes::close_key_policy(context.params.sid(Permission::Key.sid())),
                    statements::key_policy_statement(context.params),
                ),
            ),
            Mode::AssumeRole => (findings::vendor_is_let_in_danger(), vendor_removed(FixDocument::KeyPolicy)),
        };
        Finding::failed(check, findings::key_is_open(&allowed.names), Some(&allowed.answer.exchange), fix).with_detail(danger)
    };
    let calls = [
        &UnauthorizedCall::OF_KEY,
        extra_calls(context, |call| matches!(call, ExtraCall::Key(_))).as_slice(),
    ]
    .concat();
    let Some(mut asked) = answers(&callers, &calls) else {
        return RuleOutcome::Pending;
    };
    if let Some(allowed) = Allowed::of(&asked) {
        return failed(allowed).into();
    }
    // Without these answers, the key's own checks are not made.
    if let Some((_, _, answer)) = asked.iter().find(|(_, _, answer)| answer.is_unanswered()) {
        return Finding::unanswered(check, answer).into();
    }
    // A key that denies everyone would look like one that denies only unauthorized callers.
    let own_checks: &[CheckName] = match context.storage.level {
        AccessLevel::ReadWrite => &[
            CheckName::KeyDescribable,
            CheckName::KeyEncryptAllowed,
            CheckName::KeyGenerateDataKeyAllowed,
        ],
        AccessLevel::Read => &[CheckName::KeyDescribable],
    };
    if own_checks.iter().any(|check| context.found(*check).is_none()) {
        return RuleOutcome::Pending;
    }
    if !own_checks.iter().any(|check| context.status(*check) == Some(CheckStatus::Passed)) {
        return RuleOutcome::BlockedBy(CheckName::KeyDescribable);
    }
    let has_ciphertext = context.evidence.encrypt.as_ref().is_some_and(|encrypt| encrypt.granted().is_some());
    if has_ciphertext {
        let Some(more) = answers(&callers, &UnauthorizedCall::OF_CIPHERTEXT) else {
            return RuleOutcome::Pending;
        };
        asked.extend(more);
        if let Some(allowed) = Allowed::of(&asked) {
            return failed(allowed).into();
        }
    }
    if context.is_broken(CheckName::KeySuitable) {
        return RuleOutcome::BlockedBy(CheckName::KeySuitable);
    }
    if let Some((_, _, answer)) = asked.iter().find(|(_, _, answer)| answer.refusal().is_none()) {
        return Finding::unanswered(check, answer).into();
    }
    if !has_ciphertext && context.storage.level == AccessLevel::ReadWrite {
        return RuleOutcome::BlockedBy(CheckName::KeyEncryptAllowed);
    }
    Finding::passed(check, check.claim(), asked.first().map(|(_, _, answer)| &answer.exchange)).into()
}

/// Whether S3 denies the bucket and the probe object to these callers. `failed` makes the summary, the detail and the fix of
/// a failure.
fn refused_by_bucket(
    context: &CheckContext,
    check: CheckName,
    callers: &[Caller],
    failed: impl Fn(&Allowed) -> (Message, Message, Fix),
) -> RuleOutcome {
    let failed = |allowed: &Allowed| {
        let (summary, danger, fix) = failed(allowed);
        Finding::failed(check, summary, Some(&allowed.answer.exchange), fix).with_detail(danger)
    };
    if let Some(outcome) = without_session(check, callers) {
        return outcome;
    }
    let Some(mut asked) = answers(callers, &UnauthorizedCall::OF_BUCKET) else {
        return RuleOutcome::Pending;
    };
    if let Some(allowed) = Allowed::of(&asked) {
        return match check {
            CheckName::BucketRequiresExternalId if anybody_may_list(context) => RuleOutcome::BlockedBy(CheckName::BucketNotPublic),
            _ => failed(&allowed).into(),
        };
    }
    // Without these answers, the bucket's own checks are not made.
    if let Some((_, _, answer)) = asked.iter().find(|(_, _, answer)| answer.is_unanswered()) {
        return Finding::unanswered(check, answer).into();
    }
    // A bucket that does not exist, is in another region or has another owner denies for that reason.
    for bucket in BUCKET {
        match context.status(*bucket) {
            None => return RuleOutcome::Pending,
            Some(CheckStatus::Passed) => {}
            Some(_) => return RuleOutcome::BlockedBy(*bucket),
        }
    }
    let (own, of_object, was_called): (_, &[UnauthorizedCall], _) = match context.storage.level {
        AccessLevel::ReadWrite => (
            CheckName::ObjectWritable,
            &UnauthorizedCall::OF_OBJECT,
            context.evidence.put.is_some() || context.evidence.known_versions.is_some(),
        ),
        AccessLevel::Read => (
            CheckName::ObjectReadable,
            &UnauthorizedCall::OF_SAMPLE,
            context.evidence.sample.is_some(),
        ),
    };
    let (has_object, calls): (bool, &[UnauthorizedCall]) = match context.status(own) {
        None => return RuleOutcome::Pending,
        Some(CheckStatus::Passed) => (true, of_object),
        // Our own call was denied, so there is no object. Others may be allowed what we are not.
        Some(_) if was_called => (false, &UnauthorizedCall::WITHOUT_OBJECT),
        Some(_) => return RuleOutcome::BlockedBy(own),
    };
    let of_extra = |call: &ExtraCall| match call {
        ExtraCall::Object(_) => has_object,
        ExtraCall::Bucket(_) => true,
        ExtraCall::Key(_) => false,
    };
    let calls = [calls, &extra_calls(context, of_extra)].concat();
    let Some(more) = answers(callers, &calls) else {
        return RuleOutcome::Pending;
    };
    asked.extend(more);
    if check == CheckName::BucketRequiresExternalId {
        // A bucket that is open to anybody is open to the vendor's roles too: one cause, one failure.
        match context.status(CheckName::BucketNotPublic) {
            None => return RuleOutcome::Pending,
            Some(CheckStatus::Failed) => return RuleOutcome::BlockedBy(CheckName::BucketNotPublic),
            Some(_) => {}
        }
    }
    if let Some(allowed) = Allowed::of(&asked) {
        return failed(&allowed).into();
    }
    if !has_object {
        return RuleOutcome::BlockedBy(own);
    }
    match asked.iter().find(|(_, _, answer)| !answer.is_refused_by(DeniedBy::S3)) {
        Some((_, _, answer)) => Finding::unanswered(check, answer),
        None => Finding::passed(check, check.claim(), asked.first().map(|(_, _, answer)| &answer.exchange)),
    }
    .into()
}

/// The calls that prove what the vendor asks for, as calls that must be denied.
fn extra_calls(context: &CheckContext, which: impl Fn(&ExtraCall) -> bool) -> Vec<UnauthorizedCall> {
    let calls = context.vendor.extra.calls(context.storage.level);
    calls.filter(which).map(UnauthorizedCall::Extra).collect()
}

fn anybody_may_list(context: &CheckContext) -> bool {
    let anybody = context.evidence.unauthorized.get(&UnauthorizedCaller::Anonymous);
    let list = anybody.and_then(|probe| probe.answers.get(&UnauthorizedCall::List));
    list.is_some_and(|list| UnauthorizedCall::List.was_allowed(list))
}

type Caller<'a> = (UnauthorizedCaller, &'a UnauthorizedProbe);
type Answer<'a> = (UnauthorizedCaller, UnauthorizedCall, &'a ApiResult);

fn callers<'a>(context: &CheckContext<'a>, which: impl Fn(UnauthorizedCaller) -> bool) -> Vec<Caller<'a>> {
    let all = context.evidence.unauthorized.iter();
    all.map(|(caller, probe)| (*caller, probe))
        .filter(|(caller, _)| which(*caller))
        .collect()
}

/// The vendor's roles without the tenant's external ID.
fn vendors_callers<'a>(context: &CheckContext<'a>) -> Vec<Caller<'a>> {
    callers(context, |caller| caller != UnauthorizedCaller::Anonymous)
}

/// The callers' answers to these calls, once all are known.
fn answers<'a>(callers: &[Caller<'a>], calls: &[UnauthorizedCall]) -> Option<Vec<Answer<'a>>> {
    let made = callers
        .iter()
        .flat_map(|(caller, probe)| calls.iter().map(move |call| (*caller, *call, *probe)));
    made.filter(|(caller, call, _)| caller.makes(*call))
        .map(|(caller, call, probe)| Some((caller, call, probe.answers.get(&call)?)))
        .collect()
}

/// Calls that had to be denied but were allowed.
struct Allowed<'a> {
    /// The first of them, and its answer.
    call: UnauthorizedCall,
    answer: &'a ApiResult,
    /// Each with how the caller presented itself.
    names: String,
    actions: String,
    /// The tenant's own previous external ID, which no other customer has.
    only_previous_id: bool,
}

impl<'a> Allowed<'a> {
    fn of(asked: &[Answer<'a>]) -> Option<Self> {
        let allowed: Vec<&Answer> = asked.iter().filter(|(_, call, answer)| call.was_allowed(answer)).collect();
        let (_, call, answer) = **allowed.first()?;
        let list = |name: fn(&Answer) -> String| allowed.iter().map(|allowed| name(allowed)).collect::<Vec<_>>().join(", ");
        Some(Self {
            call,
            answer,
            names: list(|(caller, call, _)| format!("{} {}", call.action(), caller.phrase())),
            actions: list(|(_, call, _)| call.action().to_owned()),
            only_previous_id: allowed.iter().all(|(caller, ..)| *caller == UnauthorizedCaller::Retired),
        })
    }
}

/// `direct`: what the allowed calls mean.
fn danger(allowed: &Allowed) -> Message {
    if allowed.only_previous_id {
        findings::previous_id_accepted()
    } else {
        findings::resource_is_open_danger()
    }
}

fn replaced(document: FixDocument, summary: Message, statement: serde_json::Value) -> Fix {
    Fix::new(document, FixAction::Replace, summary, Some(statement))
}

fn vendor_removed(document: FixDocument) -> Fix {
    Fix::new(document, FixAction::Remove, fixes::remove_vendors_access(), None)
}

/// A caller needs a session of its role. Without it, the check is pending or inconclusive.
fn without_session(check: CheckName, callers: &[Caller]) -> Option<RuleOutcome> {
    for (caller, probe) in callers {
        match &probe.role {
            _ if *caller == UnauthorizedCaller::Anonymous => {}
            None => return Some(RuleOutcome::Pending),
            Some(role) if role.granted().is_none() => return Some(Finding::unanswered(check, role).into()),
            Some(_) => {}
        }
    }
    None
}

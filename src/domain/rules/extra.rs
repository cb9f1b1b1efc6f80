//! What the vendor asks for beyond what Latchkey needs.

use super::{CheckContext, RuleOutcome};
use crate::domain::api_result::{AccessDenied, ApiResult, DeniedBy};
use crate::domain::check::CheckName;
use crate::domain::extra_action::ExtraCall;
use crate::domain::finding::Finding;
use crate::domain::fix::{self, Fix};
use crate::domain::message::findings;
use crate::domain::templates::statements::Permission;

/// The calls were allowed. Those of the vendor's actions that no call proves are named, so that nobody takes them for proven.
pub(crate) fn extra_actions_allowed(context: &CheckContext) -> RuleOutcome {
    let check = CheckName::ExtraActionsAllowed;
    let level = context.storage.level;
    let mut answers: Vec<(ExtraCall, &ApiResult)> = Vec::new();
    for call in context.vendor.extra.calls(level) {
        match context.evidence.extra.get(&call) {
            Some(answer) => answers.push((call, answer)),
            None => return RuleOutcome::Pending,
        }
    }
    let denied: Vec<Denied> = answers
        .iter()
        .filter_map(|(call, answer)| {
            Some(Denied {
                call: *call,
                refusal: answer.refusal()?,
                answer,
            })
        })
        .collect();
    if let Some(own) = denied.iter().find(|denied| denied.refusal.is_vendor_side(context.storage.mode())) {
        return Finding::vendor_side(check, Some(&own.answer.exchange)).into();
    }
    if let Some(first) = denied.first() {
        let [by_bucket, by_key] = [false, true].map(|by_key| fix_of(context, &denied, by_key));
        let fix = match (by_bucket, by_key) {
            (Some(bucket), Some(key)) => bucket.or_also(key),
            (Some(fix), None) | (None, Some(fix)) => fix,
            (None, None) => return RuleOutcome::Pending,
        };
        let names = names(denied.iter());
        return Finding::failed(check, findings::permission_denied(&names), Some(&first.answer.exchange), fix).into();
    }
    if let Some((_, open)) = answers.iter().find(|(_, answer)| answer.granted().is_none()) {
        return Finding::unanswered(check, open).into();
    }
    let made: Vec<&str> = answers.iter().map(|(call, _)| call.action()).collect();
    let passed = Finding::passed(
        check,
        findings::extra_actions_allowed(made.join(", ")),
        answers.first().map(|(_, answer)| &answer.exchange),
    );
    let untested = context.vendor.extra.untested(level);
    if untested.is_empty() {
        passed.into()
    } else {
        passed.with_detail(findings::extra_actions_untested(untested.join(", "))).into()
    }
}

struct Denied<'a> {
    call: ExtraCall,
    answer: &'a ApiResult,
    refusal: &'a AccessDenied,
}

fn names<'a>(denied: impl Iterator<Item = &'a Denied<'a>>) -> String {
    denied.map(|denied| denied.call.action()).collect::<Vec<_>>().join(", ")
}

/// The statements that allow what the bucket, or the key, denied.
fn fix_of(context: &CheckContext, denied: &[Denied], by_key: bool) -> Option<Fix> {
    let of_service: Vec<&Denied> = denied
        .iter()
        .filter(|denied| (denied.refusal.by == DeniedBy::Kms) == by_key)
        .collect();
    let first = of_service.first()?;
    let mut permissions: Vec<Permission> = Vec::new();
    for denied in &of_service {
        let permission = fix::permission_of(denied.refusal, denied.call.permission());
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    let action = names(of_service.iter().copied());
    Some(fix::of_refusals(first.refusal, &action, &permissions, context.params))
}

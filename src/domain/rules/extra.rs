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
        let Some(fix) = fix_of(context, &denied) else {
            return RuleOutcome::Pending;
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

#[derive(Clone, Copy)]
struct Denied<'a> {
    call: ExtraCall,
    answer: &'a ApiResult,
    refusal: &'a AccessDenied,
}

fn names<'a>(denied: impl Iterator<Item = &'a Denied<'a>>) -> String {
    denied.map(|denied| denied.call.action()).collect::<Vec<_>>().join(", ")
}

/// What allows all of them: one fix for each service and reason.
fn fix_of(context: &CheckContext, denied: &[Denied]) -> Option<Fix> {
    let first = denied.first()?;
    let is_alike = |other: &Denied| {
        let by_key = |denied: &Denied| denied.refusal.by == DeniedBy::Kms;
        by_key(other) == by_key(first) && other.refusal.reason == first.refusal.reason
    };
    let (alike, others): (Vec<Denied>, Vec<Denied>) = denied.iter().copied().partition(|denied| is_alike(denied));
    let fix = fix_of_alike(context, &alike)?;
    Some(match fix_of(context, &others) {
        Some(other) => fix.or_also(other),
        None => fix,
    })
}

fn fix_of_alike(context: &CheckContext, alike: &[Denied]) -> Option<Fix> {
    let first = alike.first()?;
    let mut permissions: Vec<Permission> = Vec::new();
    for denied in alike {
        let permission = fix::permission_of(denied.refusal, denied.call.permission());
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    let action = names(alike.iter());
    Some(fix::of_refusals(first.refusal, &action, &permissions, context.params))
}

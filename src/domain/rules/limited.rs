//! Credentials as the vendor's services get them allow no more than they were asked for.

use super::{CheckContext, RuleOutcome};
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::DeniedBy;
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::evidence::LimitedProbe;
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::message::{Message, findings, fixes};
use crate::domain::templates::statements::{self, Permission};
use crate::domain::unauthorized::UnauthorizedCall;

pub(crate) fn read_only_enforced(context: &CheckContext) -> RuleOutcome {
    let probe = &context.evidence.read_only;
    denied(
        context,
        CheckName::ReadOnlyEnforced,
        probe,
        UnauthorizedCall::Put,
        findings::read_only_can_write(),
    )
}

pub(crate) fn prefix_enforced(context: &CheckContext) -> RuleOutcome {
    let probe = &context.evidence.other_prefix;
    denied(
        context,
        CheckName::PrefixEnforced,
        probe,
        UnauthorizedCall::Get,
        findings::prefix_is_left(),
    )
}

fn denied(context: &CheckContext, check: CheckName, probe: &LimitedProbe, call: UnauthorizedCall, failed: Message) -> RuleOutcome {
    if let Some(session) = probe.session.as_ref().filter(|session| session.granted().is_none()) {
        return Finding::unanswered(check, session).into();
    }
    let Some(answer) = &probe.answer else {
        return match context.status(CheckName::ObjectReadable) {
            // No object could be read, so there is nothing to deny.
            Some(status) if context.storage.level == AccessLevel::Read && status != CheckStatus::Passed => {
                RuleOutcome::BlockedBy(CheckName::ObjectReadable)
            }
            _ => RuleOutcome::Pending,
        };
    };
    if call.was_allowed(answer) {
        // What anybody may do, such a session may do too: one cause, one failure.
        match context.status(CheckName::BucketNotPublic) {
            None => return RuleOutcome::Pending,
            Some(CheckStatus::Failed) => return RuleOutcome::BlockedBy(CheckName::BucketNotPublic),
            Some(_) => {}
        }
        return Finding::failed(
            check,
            failed,
            Some(&answer.exchange),
            Fix::new(
                FixDocument::BucketPolicy,
                FixAction::Replace,
                fixes::name_role_as_principal(),
                Some(statements::bucket_policy_statement(Permission::Objects, context.params)),
            ),
        )
        .with_detail(findings::session_policy_has_no_effect())
        .into();
    }
    if answer.is_refused_by(DeniedBy::S3) {
        return Finding::passed(check, check.claim(), Some(&answer.exchange)).into();
    }
    Finding::unanswered(check, answer).into()
}

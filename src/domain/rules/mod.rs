//! The rules: pure functions from evidence to findings.

pub(crate) mod bucket;
pub(crate) mod extra;
pub(crate) mod isolation;
pub(crate) mod key;
pub(crate) mod limited;
pub(crate) mod network;
pub(crate) mod object;
pub(crate) mod posture;
pub(crate) mod roles;
mod sample;

use std::collections::BTreeMap;

use super::api_result::{ApiResult, DenialReason, Outcome};
use super::catalogue::CheckGroup;
use super::check::{CheckName, CheckStatus};
use super::evidence::Evidence;
use super::finding::Finding;
use super::fix::{self, Fix, FixAction, FixDocument};
use super::message::{Message, findings, fixes};
use super::storage_config::Storage;
use super::templates::TemplateParams;
use super::templates::statements::Permission;
use super::vendor::Vendor;

/// The input of a rule.
pub struct CheckContext<'a> {
    pub vendor: &'a Vendor,
    pub storage: &'a Storage,
    /// The parameters of the statements in fixes.
    pub params: &'a TemplateParams,
    pub evidence: &'a Evidence,
    pub findings: &'a BTreeMap<CheckName, Finding>,
}

/// The result of a rule.
pub enum RuleOutcome {
    /// Evidence is still missing.
    Pending,
    Found(Box<Finding>),
    /// Another check that did not pass already explains this one.
    BlockedBy(CheckName),
}

impl From<Finding> for RuleOutcome {
    fn from(finding: Finding) -> Self {
        Self::Found(Box::new(finding))
    }
}

impl CheckContext<'_> {
    /// The finding of another check, once there is one.
    fn found(&self, check: CheckName) -> Option<&Finding> {
        self.findings.get(&check)
    }

    fn status(&self, check: CheckName) -> Option<CheckStatus> {
        self.found(check).map(|finding| finding.status)
    }

    /// Whether KMS knows no key with the submitted ARN.
    fn has_no_key(&self) -> bool {
        let describe = self.evidence.describe_key.as_ref();
        describe.is_some_and(|answer| matches!(answer.outcome, Outcome::Absent))
    }

    /// Whether the check failed, or would have if it were required.
    fn is_broken(&self, check: CheckName) -> bool {
        matches!(self.status(check), Some(CheckStatus::Failed | CheckStatus::Warning))
    }
}

/// The usual check of one permission: it passes if the call was allowed, and fails with the statement that would allow it.
fn permission<T>(
    context: &CheckContext,
    check: CheckName,
    answer: Option<&ApiResult<T>>,
    action: &str,
    permission: Permission,
    passed: Message,
) -> RuleOutcome {
    let Some(answer) = answer else {
        return RuleOutcome::Pending;
    };
    if let Some(finding) = closed_by_aws(check, answer) {
        return finding.into();
    }
    match &answer.outcome {
        Outcome::Granted(_) => Finding::passed(check, passed, Some(&answer.exchange)),
        Outcome::Refused(refusal) if refusal.is_vendor_side(context.storage.mode()) => Finding::vendor_side(check, Some(&answer.exchange)),
        Outcome::Refused(refusal) => {
            if check.entry().group == CheckGroup::Key
                && let Some(outcome) = key::unless_elsewhere(context)
            {
                return outcome;
            }
            let finding = Finding::failed(
                check,
                findings::permission_denied(action),
                Some(&answer.exchange),
                fix::of_refusal(refusal, action, fix::permission_of(refusal, permission), context.params),
            );
            match refusal.reason {
                DenialReason::Unsaid if check == CheckName::ObjectWritable => {
                    finding.with_detail(findings::denied_without_reason().followed_by(&findings::upload_headers()))
                }
                DenialReason::Unsaid => finding.with_detail(findings::denied_without_reason()),
                _ => finding,
            }
        }
        Outcome::Absent | Outcome::Unusable | Outcome::Misrouted | Outcome::Unanswered => Finding::unanswered(check, answer),
    }
    .into()
}

/// AWS itself has shut the bucket or its account. <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn closed_by_aws<T>(check: CheckName, answer: &ApiResult<T>) -> Option<Finding> {
    let code = answer.exchange.code.as_deref()?;
    matches!(code, "AllAccessDisabled" | "AccountProblem").then(|| {
        let fix = Fix::new(FixDocument::BucketSettings, FixAction::Set, fixes::ask_aws_support(), None);
        Finding::failed(check, findings::bucket_closed(code), Some(&answer.exchange), fix)
    })
}

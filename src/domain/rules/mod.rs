//! The rules: from evidence to findings. Pure functions, tested by tables.

pub mod bucket;
pub mod isolation;
pub mod key;
pub mod object;
pub mod posture;
pub mod roles;

use std::collections::BTreeMap;

use super::api_result::{ApiResult, DenialReason, Outcome};
use super::check::{CheckName, CheckStatus};
use super::evidence::Evidence;
use super::finding::Finding;
use super::fix;
use super::message::Message;
use super::storage_config::Storage;
use super::templates::TemplateParams;
use super::templates::statements::Permission;

/// What a rule sees.
pub struct CheckContext<'a> {
    pub storage: &'a Storage,
    /// The parameters of a fix's statements.
    pub blanks: &'a TemplateParams,
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
    /// What another check found, if it is decided.
    fn found(&self, check: CheckName) -> Option<&Finding> {
        self.findings.get(&check)
    }

    fn status(&self, check: CheckName) -> Option<CheckStatus> {
        self.found(check).map(|finding| finding.status)
    }

    /// Whether KMS said that there is no key of the submitted ARN.
    fn is_of_no_key(&self) -> bool {
        let describe = self.evidence.describe_key.as_ref();
        describe.is_some_and(|answer| matches!(answer.outcome, Outcome::Absent))
    }

    /// Whether a decided check stands in the way: it failed, or would have if it were required.
    fn is_broken(&self, check: CheckName) -> bool {
        matches!(self.status(check), Some(CheckStatus::Failed | CheckStatus::Warning))
    }
}

/// `bucket-not-claimed` is decided by the database, at activation.
pub fn not_claimed(_: &CheckContext) -> RuleOutcome {
    RuleOutcome::Pending
}

/// Across accounts AWS does not say why, so a denial looks like a grant that is missing.
const UNSAID: &str = "AWS does not say why. If the statement is in place, look for a Deny statement that applies to the role of [vendor], in \
                      the same policy or in a policy of [your] organization.";

/// The usual check of one permission: granted passes, refused fails and says what would grant it.
fn permission<T>(
    case: &CheckContext,
    check: CheckName,
    answer: Option<&ApiResult<T>>,
    action: &str,
    permission: Permission,
    passed: impl Into<Message>,
) -> RuleOutcome {
    let Some(answer) = answer else {
        return RuleOutcome::Pending;
    };
    match &answer.outcome {
        Outcome::Granted(_) => Finding::passed(check, passed, Some(&answer.exchange)),
        Outcome::Refused(refusal) if refusal.is_of_the_vendor(case.storage.mode()) => Finding::vendors_fault(check, Some(&answer.exchange)),
        Outcome::Refused(refusal) => {
            let finding = Finding::failed(
                check,
                format!("[Vendor] was denied {action}."),
                Some(&answer.exchange),
                fix::of_refusal(refusal, action, fix::permission_of(refusal, permission), case.blanks),
            );
            match refusal.reason {
                DenialReason::Unsaid => finding.with_detail(UNSAID),
                _ => finding,
            }
        }
        Outcome::Absent | Outcome::Unusable | Outcome::Misrouted | Outcome::Unanswered => Finding::unanswered(check, answer),
    }
    .into()
}

//! API representation of verifications and their checks.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::cloud::{APP_NAME, SessionName};
use crate::domain::check::{CheckName, CheckStatus, FaultSide};
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::ids::{TenantId, VerificationId};
use crate::domain::message::{Audience, Message};
use crate::domain::vendor::Vendor;
use crate::domain::verification::{AttemptStarted, Trigger, Verdict, Verification, VerificationState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationView {
    pub id: VerificationId,
    pub tenant_id: TenantId,
    pub version: i32,
    pub trigger: Trigger,
    pub state: VerificationState,
    pub verdict: Option<Verdict>,
    /// Starts at 1. 0 while queued.
    pub attempt: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Keys of probe objects that may still be in the bucket.
    pub leftovers: Vec<String>,
    /// How the customer can find this verification's calls in `CloudTrail`.
    pub trail: TrailView,
    /// The checks of the current attempt.
    pub checks: Vec<CheckView>,
}

/// How a verification's calls are labeled in AWS's own logs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trail)]
pub(crate) struct TrailView {
    /// Session names, the last part of `userIdentity.arn`: this verification's own, and the vendor's, which calls
    /// `AssumeRole` on the customer's role or must be denied access.
    #[schema(example = json!(["latchkey-01990a6e-6c1c-7c00-8000-000000000000", "latchkey"]))]
    pub session_names: Vec<String>,
    /// A substring of `userAgent`.
    #[schema(example = "app/latchkey")]
    pub user_agent: String,
}

impl VerificationView {
    pub(crate) fn new(verification: Verification, vendor: &Vendor, audience: Audience) -> Self {
        let finished = verification.state == VerificationState::Finished;
        Self {
            id: verification.id,
            tenant_id: verification.tenant_id,
            version: verification.version,
            trigger: verification.trigger,
            state: verification.state,
            verdict: verification.verdict,
            attempt: verification.attempt,
            next_attempt_at: verification.next_attempt_at,
            created_at: verification.created_at,
            started_at: verification.started_at,
            finished_at: verification.finished_at,
            // While the verification runs, its probe object is expected to exist.
            leftovers: if finished { verification.leftovers } else { Vec::new() },
            trail: TrailView {
                session_names: vec![
                    SessionName::of_verification(verification.id).as_str().into(),
                    SessionName::shared().as_str().into(),
                ],
                user_agent: format!("app/{APP_NAME}"),
            },
            checks: verification
                .findings
                .into_iter()
                .map(|finding| CheckView::new(finding, vendor, audience))
                .collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub(crate) struct CheckView {
    pub name: CheckName,
    pub status: CheckStatus,
    /// Whether a failure of this check rejects the config.
    pub required: bool,
    /// Who has to act. Null if no action is needed or another check covers it.
    pub side: Option<FaultSide>,
    pub summary: String,
    pub detail: Option<String>,
    pub duration_ms: Option<u64>,
    /// The AWS call that the result is based on, if any.
    pub aws: Option<AwsView>,
    pub skipped_because: Option<CheckName>,
    pub fix: Option<FixView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AwsAnswer)]
pub(crate) struct AwsView {
    #[schema(example = "s3:PutObject")]
    pub operation: String,
    pub code: Option<String>,
    pub status: Option<u16>,
    pub request_id: Option<String>,
}

/// How to fix a failed check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fix)]
pub(crate) struct FixView {
    pub document: FixDocument,
    pub action: FixAction,
    /// What to do, in one sentence.
    pub summary: String,
    /// The exact statement or setting for this tenant, or a list of statements. Null if AWS does not reveal what denies
    /// access.
    #[schema(value_type = Option<Object>)]
    pub statement: Option<serde_json::Value>,
    /// The policy that denied access, if AWS named it.
    pub policy: Option<PolicyView>,
    /// Another change that may be needed as well: AWS does not reveal which of the two is missing.
    #[schema(no_recursion)]
    pub also: Option<Box<FixView>>,
}

/// A policy of an account or of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DenyingPolicy)]
pub(crate) struct PolicyView {
    pub arn: String,
    /// Its page in the AWS console.
    pub console_url: String,
}

impl FixView {
    fn new(fix: Fix, text: &impl Fn(&Message) -> String) -> Self {
        Self {
            summary: text(&fix.summary),
            document: fix.document,
            action: fix.action,
            statement: fix.statement,
            policy: fix.policy.map(|policy| PolicyView {
                console_url: policy.console_url(),
                arn: policy.to_string(),
            }),
            also: fix.also.map(|also| Box::new(Self::new(*also, text))),
        }
    }
}

impl CheckView {
    pub(crate) fn new(finding: Finding, vendor: &Vendor, audience: Audience) -> Self {
        let text = |message: &Message| message.render(audience, &vendor.name);
        Self {
            duration_ms: finding
                .duration()
                .map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
            aws: finding.exchange.map(|exchange| AwsView {
                operation: exchange.operation,
                code: exchange.code,
                status: exchange.status,
                request_id: exchange.request_id,
            }),
            name: finding.check,
            status: finding.status,
            required: finding.required,
            side: finding.side,
            summary: text(&finding.summary),
            detail: finding.detail.as_ref().map(text),
            skipped_because: finding.skipped_because,
            fix: finding.fix.map(|fix| FixView::new(fix, &text)),
        }
    }
}

/// The event `attempt`: an attempt starts, or is scheduled for `next_attempt_at`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

impl From<AttemptStarted> for AttemptView {
    fn from(attempt: AttemptStarted) -> Self {
        Self {
            attempt: attempt.attempt,
            started_at: attempt.started_at,
            next_attempt_at: attempt.next_attempt_at,
        }
    }
}

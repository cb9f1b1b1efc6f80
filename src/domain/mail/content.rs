//! What a mail's text is made of, as it was when the event happened.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::campaign::CampaignMessage;
use crate::domain::check::{CheckStatus, FaultSide};
use crate::domain::finding::Finding;
use crate::domain::fix::{FixDocument, place};
use crate::domain::ids::CampaignId;
use crate::domain::invite::InvitePurpose;
use crate::domain::message::{Audience, Message};
use crate::domain::storage_config::StorageConfig;
use crate::domain::vendor::Vendor;
use crate::domain::verification::Verification;

/// Never contains a secret, because it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailContent {
    /// The name of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The submitted version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// When it was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<DateTime<Utc>>,
    /// What the customer has to change in AWS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Another version is in use, so this is about a change.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_change: bool,
    /// The key that will be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The purpose that operators chose for an invite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<InvitePurpose>,
    /// The update of the documents that a campaign asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<DocumentsNotice>,
}

/// What a campaign tells a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsNotice {
    pub campaign: CampaignId,
    pub version: i32,
    /// The version that `changes` are relative to.
    pub from: Option<i32>,
    /// Each in a sentence without a subject.
    pub changes: Vec<String>,
    pub message: CampaignMessage,
    pub deadline: Option<NaiveDate>,
    /// The customer was notified before.
    pub is_reminder: bool,
}

/// A failed check that only the customer can make pass, in the customer's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub check: String,
    pub summary: String,
    pub detail: Option<String>,
    /// What to do.
    pub remedy: Option<String>,
    /// The document to change, and where it is in the AWS console. None for what is changed in the form.
    pub place: Option<String>,
    /// The exact statement or setting.
    pub statement: Option<String>,
}

impl Problem {
    fn of(finding: &Finding, config: &StorageConfig, vendor: &Vendor) -> Self {
        let text = |message: &Message| message.render(Audience::Customer, &vendor.name);
        let fix = finding.fix.as_ref();
        Self {
            check: finding.check.to_string(),
            summary: text(&finding.summary),
            detail: finding.detail.as_ref().map(text),
            remedy: fix.map(|fix| {
                let fixes = std::iter::successors(Some(fix), |fix| fix.also.as_deref());
                fixes.map(|fix| text(&fix.summary)).collect::<Vec<_>>().join(" ")
            }),
            place: fix.filter(|fix| fix.document != FixDocument::Form).map(|fix| {
                let (title, place) = place(fix.document, config);
                format!("{title} ({place})")
            }),
            statement: fix.and_then(|fix| fix.statement.as_ref()).map(|statement| format!("{statement:#}")),
        }
    }
}

/// What a verification found that the customer has to change.
pub(crate) fn problems(verification: &Verification, config: &StorageConfig, vendor: &Vendor) -> Vec<Problem> {
    let asks = |finding: &&Finding| finding.status == CheckStatus::Failed && finding.side == Some(FaultSide::Customer);
    let failures = verification.findings.iter().filter(asks);
    failures.map(|finding| Problem::of(finding, config, vendor)).collect()
}

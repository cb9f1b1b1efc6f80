//! Campaigns: operators have the customers update the documents that they applied, with notices and reminders by mail.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::check::CheckName;
use super::ids::{CampaignId, Slug, TenantId, TenantName};
use super::tenant::{TenantFilter, TenantStatus};
use super::text::{Malformed, checked_text, is_line};

/// How long after a notice the customer is reminded.
pub(crate) const REMIND_AFTER: TimeDelta = TimeDelta::days(7);

/// How many reminders follow the first notice.
pub(crate) const REMINDERS: i32 = 3;

/// How soon a tenant is looked at again that cannot be notified now: it has no confirmed contact, or is suspended.
pub(crate) const LOOK_AGAIN_AFTER: TimeDelta = TimeDelta::days(1);

/// How far ahead a deadline can be.
const LATEST: TimeDelta = TimeDelta::days(365);

/// Why the customers should update: shown to them, in mails and in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignMessage(String);

impl CampaignMessage {
    const LONGEST: usize = 500;

    /// # Errors
    /// `required`, `message_too_long`, `message_has_link` or `malformed_message`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Malformed::new("required", "enter a message; customers read it in the mail"));
        }
        if text.chars().count() > Self::LONGEST {
            let detail = format!("a message must not exceed {} characters", Self::LONGEST);
            return Err(Malformed::new("message_too_long", detail));
        }
        if !is_line(text, Self::LONGEST) {
            let detail = "a message must be a single line without control characters";
            return Err(Malformed::new("malformed_message", detail));
        }
        // The only links in a mail are those to the form, so that customers need to trust no other.
        if text.contains("://") || text.to_lowercase().contains("www.") {
            return Err(Malformed::new(
                "message_has_link",
                "a message must not contain a link; the mail has one to the form",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(CampaignMessage);

/// A deadline that customers read.
///
/// # Errors
/// `malformed_date` or `out_of_range`.
pub(crate) fn deadline(text: &str, now: DateTime<Utc>) -> Result<NaiveDate, Malformed> {
    let date: NaiveDate = text
        .trim()
        .parse()
        .map_err(|_| Malformed::new("malformed_date", "expected a date, such as 2026-12-31"))?;
    let today = now.date_naive();
    if date <= today || date - today > LATEST {
        let detail = format!("a deadline must be after today and at most {} days ahead", LATEST.num_days());
        return Err(Malformed::new("out_of_range", detail));
    }
    Ok(date)
}

#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    pub id: CampaignId,
    /// The version that tenants are to be verified against.
    pub version: i32,
    /// The tenants that it is for, as far as they are not verified against the version.
    pub filter: TenantFilter,
    pub message: CampaignMessage,
    pub deadline: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
    /// When the list of its tenants was complete.
    pub enrolled_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Campaign {
    /// What the audit log records.
    pub fn facts(&self) -> Value {
        json!({
            "campaign_id": self.id,
            "version": self.version,
            "filter": TenantFilter { words: None, ..self.filter.clone() },
            // The words can be a tenant's name, which the audit log must not keep.
            "by_search": self.filter.words.is_some(),
            "message": self.message,
            "deadline": self.deadline,
        })
    }
}

/// How far a campaign is: numbers of tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CampaignProgress {
    pub tenants: i64,
    /// Got at least one notice.
    pub notified: i64,
    /// Opened a link in one.
    pub opened: i64,
    /// Were verified against the version.
    pub verified: i64,
    /// Are not verified against the version, and failed a check in their latest verification.
    pub failing: i64,
    /// Are not verified against the version, and have no contact that gets mail.
    pub without_contact: i64,
}

/// A tenant of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignTenant {
    pub tenant: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    pub status: TenantStatus,
    pub enrolled_at: DateTime<Utc>,
    /// How many notices it got, including reminders.
    pub notices: i32,
    pub notified_at: Option<DateTime<Utc>>,
    pub opened_at: Option<DateTime<Utc>>,
    pub verified_at: Option<DateTime<Utc>>,
    /// When the next notice is due.
    pub due_at: Option<DateTime<Utc>>,
    pub failing_checks: Vec<CheckName>,
    pub has_contact: bool,
}

/// Which tenants of a campaign to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumString, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CampaignTenantState {
    /// Not verified against the version.
    Open,
    /// Got no notice yet.
    NotNotified,
    /// Got a notice, and did not open its link.
    NotOpened,
    /// Opened a link, and is not verified against the version.
    Opened,
    Verified,
    Failing,
    WithoutContact,
}

/// What a campaign would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignPreview {
    pub version: i32,
    pub tenants: i64,
    /// How many of them have no contact that gets mail.
    pub without_contact: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_links() {
        let code = |text: &str| CampaignMessage::parse(text).map_err(|malformed| malformed.code);
        assert_eq!(code(" We encrypt with a new API. ").unwrap().as_str(), "We encrypt with a new API.");
        assert_eq!(code(" "), Err("required"));
        assert_eq!(code(&"x".repeat(501)), Err("message_too_long"));
        assert_eq!(code("a\nb"), Err("malformed_message"));
        assert_eq!(code("See https://evil.example"), Err("message_has_link"));
        assert_eq!(code("See WWW.evil.example"), Err("message_has_link"));
    }

    #[test]
    fn a_deadline_is_in_the_coming_year() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let code = |text: &str| deadline(text, now).map_err(|malformed| malformed.code);
        assert!(code("2027-01-16").is_ok() && code("2028-01-15").is_ok());
        assert_eq!(code("2027-01-15"), Err("out_of_range"), "today");
        assert_eq!(code("2028-01-16"), Err("out_of_range"));
        assert_eq!(code("15.1.2027"), Err("malformed_date"));
    }
}

//! Audit log entries in words.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use strum::Display;

use crate::domain::audit::{Actor, AuditAction, AuditEntry, RecordedAction};
use crate::domain::text::{capital, words};
use crate::http::dashboard::shared::relative_time::{RelativeTime, utc};

/// An audit log entry, for display.
pub(crate) struct AuditRow {
    pub when: RelativeTime,
    pub action: String,
    pub title: String,
    pub who: String,
    /// The filter that shows everything else this actor did.
    pub by: Option<String>,
    pub color: EntryColor,
    /// Further facts, by name.
    pub facts: Vec<(String, String)>,
    pub tenant: Option<String>,
    /// The verification that the entry is about.
    pub verification: Option<String>,
    pub request_id: Option<String>,
    pub address: Option<String>,
}

impl AuditRow {
    pub(crate) fn of(entry: &AuditEntry, now: DateTime<Utc>) -> Self {
        let about = about(entry);
        let verdict = about["verdict"].as_str();
        let about_verification = matches!(
            entry.action,
            RecordedAction::Known(
                AuditAction::VerificationRequested
                    | AuditAction::VerificationFinished
                    | AuditAction::VerificationSuperseded
                    | AuditAction::StorageConfigSubmitted
            )
        );
        Self {
            when: RelativeTime::of(entry.at, now),
            title: title(&entry.action, &about),
            color: EntryColor::of(&entry.action, verdict),
            who: who(&entry.actor),
            by: Actor::deserialize(&entry.actor).ok().map(|actor| actor.opaque()),
            facts: facts(entry),
            tenant: entry.tenant_id.map(|tenant| tenant.to_string()),
            verification: entry.detail["verification_id"]
                .as_str()
                .filter(|_| about_verification)
                .map(str::to_owned),
            request_id: entry.request_id.clone(),
            address: entry.address.clone(),
            action: entry.action.as_str().to_owned(),
        }
    }
}

/// The sentence for an action. An action that a newer version wrote is shown by its name.
fn title(action: &RecordedAction, detail: &Value) -> String {
    let action = match action {
        RecordedAction::Known(action) => action,
        RecordedAction::Unknown(name) => return capital(&words(name)),
    };
    match action {
        AuditAction::TenantCreated => "Tenant created".into(),
        AuditAction::TenantChanged => "Tenant edited".into(),
        AuditAction::TenantSuspended => "Suspended".into(),
        AuditAction::TenantResumed => "Resumed".into(),
        AuditAction::TenantOffboarded => "Offboarded".into(),
        AuditAction::ExternalIdIssued => "Next external ID issued".into(),
        AuditAction::ExternalIdAbandoned => "Next external ID abandoned".into(),
        AuditAction::ExternalIdProven => "Next external ID verified and in use".into(),
        AuditAction::ExternalIdEnded => "Use of the previous external ID ended".into(),
        AuditAction::ExternalIdRetired => "Verified that the previous external ID is denied".into(),
        AuditAction::StorageConfigSubmitted => format!("Version {} submitted", detail["version"]),
        AuditAction::StorageConfigApprovalRequested => format!("Version {} is waiting for approval", detail["version"]),
        AuditAction::StorageConfigApproved => format!("Version {} approved", detail["version"]),
        AuditAction::StorageConfigDeclined => format!("Version {} declined", detail["version"]),
        AuditAction::StorageConfigApprovalWithdrawn => format!("Approval of version {} withdrawn", detail["version"]),
        AuditAction::StorageConfigActivated => format!("Version {} activated", detail["version"]),
        AuditAction::ReverificationRequested if detail["not_before"].is_string() => "Re-verifications put off".into(),
        AuditAction::ReverificationRequested => "Re-verifications brought forward".into(),
        AuditAction::VerificationRequested => format!("Verification of version {} requested", detail["version"]),
        AuditAction::VerificationFinished => format!(
            "Verification of version {}: {}",
            detail["version"],
            detail["verdict"].as_str().unwrap_or_default()
        ),
        AuditAction::TokenCreated => "Token created".into(),
        AuditAction::TokenRevoked => "Token revoked".into(),
        AuditAction::TokenNarrowed => "Token limited to fewer tenants".into(),
        AuditAction::WebhookCreated => "Webhook created".into(),
        AuditAction::WebhookDeleted => "Webhook deleted".into(),
        AuditAction::WebhookSecretRotated => "Webhook secret rotated".into(),
        AuditAction::WebhookDisabled => "Webhook disabled: receiver responded 410 Gone".into(),
        AuditAction::WebhookEnabled => "Webhook enabled".into(),
        AuditAction::WebhookTested => "Webhook test sent".into(),
        AuditAction::WebhookResent => "Webhook message resent".into(),
        AuditAction::TenantSessionsRevoked => "AWS sessions revoked".into(),
        AuditAction::TenantErased => "Personal data erased".into(),
        AuditAction::StorageConfigReleased => format!("Version {} released", detail["version"]),
        AuditAction::VerificationSuperseded => format!("Verification of version {} superseded", detail["version"]),
        AuditAction::SessionStarted => "Signed in".into(),
        AuditAction::SessionEnded => "Signed out".into(),
        AuditAction::RequestRefused => "Denied: insufficient role".into(),
        AuditAction::InviteCreated => "Invite created".into(),
        AuditAction::InviteRevoked => "Invite revoked".into(),
        AuditAction::InviteApiTokenCreated => "API token of an invite created".into(),
        AuditAction::InviteSessionEnded => "Session of an invite ended".into(),
        AuditAction::CampaignStarted => "Campaign for an update of the documents started".into(),
        AuditAction::CampaignEnded => "Campaign for an update of the documents ended".into(),
        AuditAction::ContactAdded => "Contact added".into(),
        AuditAction::ContactChanged => "Contact edited".into(),
        AuditAction::ContactRemoved => "Contact removed".into(),
        AuditAction::ContactConfirmed => "Contact confirmed the address".into(),
        AuditAction::ContactStopped => "Contact stopped mail".into(),
        AuditAction::ContactResumed => "Contact resumed mail".into(),
        AuditAction::MailRequested => "Mail to a contact requested".into(),
        AuditAction::CredentialsIssued => "Credentials issued".into(),
    }
}

/// The color of an entry. Its name is the state of a check that has this color in the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
pub(crate) enum EntryColor {
    #[strum(serialize = "passed")]
    Green,
    #[strum(serialize = "failed")]
    Red,
    #[strum(serialize = "warning")]
    Amber,
    #[strum(serialize = "neutral")]
    Grey,
}

impl EntryColor {
    fn of(action: &RecordedAction, verdict: Option<&str>) -> Self {
        let action = match action {
            RecordedAction::Known(action) => Some(*action),
            RecordedAction::Unknown(_) => None,
        };
        match (action, verdict) {
            (_, Some("verified"))
            | (
                Some(
                    AuditAction::StorageConfigActivated
                    | AuditAction::ExternalIdProven
                    | AuditAction::ExternalIdRetired
                    | AuditAction::TenantResumed,
                ),
                _,
            ) => Self::Green,
            (_, Some("rejected")) | (Some(AuditAction::RequestRefused), _) => Self::Red,
            (_, Some("inconclusive"))
            | (
                Some(
                    AuditAction::TenantSuspended
                    | AuditAction::TenantOffboarded
                    | AuditAction::TenantSessionsRevoked
                    | AuditAction::StorageConfigApprovalRequested
                    | AuditAction::StorageConfigDeclined,
                ),
                _,
            ) => Self::Amber,
            _ => Self::Grey,
        }
    }
}

/// Who made the change. An actor of a kind that a newer version wrote is shown by that kind.
fn who(actor: &Value) -> String {
    match Actor::deserialize(actor) {
        Ok(Actor::Token { name, .. } | Actor::User { name: Some(name), .. }) => name,
        Ok(Actor::User { subject, name: None }) => subject,
        Ok(Actor::Invite { api_token: None, .. }) => "the customer".to_owned(),
        Ok(Actor::Invite { api_token: Some(_), .. }) => "a program of the customer".to_owned(),
        Ok(Actor::Contact { .. }) => "a contact of the customer".to_owned(),
        Ok(Actor::Operator) => "an operator on the command line".to_owned(),
        Ok(Actor::System) => "Latchkey".to_owned(),
        Err(_) => actor["kind"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The values for the title: the detail, and the state after the change or, if there is none, before it.
fn about(entry: &AuditEntry) -> Value {
    let mut about = serde_json::Map::new();
    for part in [&entry.before, &entry.after, &Some(entry.detail.clone())] {
        let members = part.as_ref().and_then(Value::as_object);
        about.extend(members.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    }
    Value::Object(about)
}

/// The facts that the title does not contain: the detail, and the fields that changed.
fn facts(entry: &AuditEntry) -> Vec<(String, String)> {
    let said = ["verdict", "version", "verification_id", "state", "approval"];
    let nothing = serde_json::Map::new();
    let members = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&nothing).clone();
    let (before, after) = (members(entry.before.as_ref()), members(entry.after.as_ref()));
    let mut facts: Vec<(String, String)> = members(Some(&entry.detail))
        .iter()
        .map(|(name, value)| (name.clone(), shown(value)))
        .collect();
    for (name, value) in &after {
        let told = match before.get(name) {
            Some(earlier) if earlier == value => continue,
            Some(earlier) => format!("{} → {}", or_none(shown(earlier)), or_none(shown(value))),
            None => shown(value),
        };
        facts.push((name.clone(), told));
    }
    facts.retain(|(name, value)| !value.is_empty() && !said.contains(&name.as_str()));
    for (name, _) in &mut facts {
        *name = words(name);
    }
    facts
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => utc(at.to_utc()),
            Err(_) => text.clone(),
        },
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            let members: Vec<String> = members.map(|(name, value)| format!("{}: {}", words(name), shown(value))).collect();
            members.join("; ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(action: &str, before: Option<Value>, after: Option<Value>, detail: Value) -> AuditEntry {
        AuditEntry {
            id: uuid::Uuid::nil().into(),
            at: DateTime::UNIX_EPOCH,
            actor: json!({"kind": "token", "id": "01a21ee7-a5c6-752f-9b01-3296d8c10e95", "name": "ci"}),
            action: action.to_owned().into(),
            tenant_id: None,
            address: None,
            request_id: None,
            before,
            after,
            detail,
            position: 1,
        }
    }

    fn told(entry: &AuditEntry) -> (String, String, String) {
        let told = AuditRow::of(entry, DateTime::UNIX_EPOCH);
        let facts: Vec<String> = told.facts.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        (told.title, told.who, facts.join("; "))
    }

    #[test]
    fn entries_are_shown_in_words() {
        let detail = json!({"verification_id": "x", "version": 2, "failing": ["key-decrypt-allowed"], "leftovers": [], "note": null});
        let (before, after) = (
            json!({"state": "running", "verdict": null}),
            json!({"state": "finished", "verdict": "rejected"}),
        );
        let finished = entry("verification.finished", Some(before), Some(after), detail);
        let expected = ("Verification of version 2: rejected", "ci", "failing: key-decrypt-allowed");
        assert_eq!(told(&finished), (expected.0.into(), expected.1.into(), expected.2.into()));

        let (before, after) = (
            json!({"name": "Acme", "reference": null}),
            json!({"name": "Acme", "reference": "CRM-1"}),
        );
        let changed = entry("tenant.changed", Some(before), Some(after), json!({"reason": "Merged"}));
        assert_eq!(told(&changed).2, "reason: Merged; reference: none → CRM-1");

        let made = entry(
            "invite.created",
            None,
            Some(json!({"expires_at": "2026-11-26T23:29:18.815298Z", "revoked_at": null})),
            json!({}),
        );
        assert_eq!(told(&made).2, "expires at: 2026-11-26 23:29 UTC");
        assert_eq!(told(&entry("something.new_here", None, None, json!({}))).0, "Something new here");
    }
}

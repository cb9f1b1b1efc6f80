//! The words of each kind of mail: what happened, what is to be done, and by whom.
//!
//! One template, as text and as HTML, arranges them: see `service::mail::render`.

use chrono::{DateTime, Utc};

use super::{MailContent, MailKind};
use crate::domain::invite::InvitePurpose;
use crate::domain::text::capital;

/// The words of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailWords {
    pub subject: String,
    /// What happened. One paragraph each.
    pub happened: Vec<String>,
    /// What the customer has to do. Empty if nothing.
    pub to_do: Vec<String>,
    /// The label of the link, for mails that have one.
    pub link: &'static str,
}

/// What the customer does after a change in AWS.
const VERIFY_AGAIN: &str = "Then open the link below and choose “Verify again”. You do not need to enter anything again.";

const OPEN: &str = "Open the setup";

impl MailWords {
    /// `purpose` is that of the mail's link to the form.
    pub fn of(kind: MailKind, content: &MailContent, vendor: &str, tenant: &str, purpose: Option<InvitePurpose>) -> Self {
        let first = capital(vendor);
        let bucket = content.bucket.as_deref().unwrap_or_default();
        let version = content.version.unwrap_or_default();
        let fixes = |count: usize| match count {
            1 => "Someone with access to your AWS account has to make the change below.".to_owned(),
            _ => "Someone with access to your AWS account has to make the changes below.".to_owned(),
        };
        let (subject, happened, to_do, link) = match kind {
            MailKind::AddressConfirmation => (
                format!("Confirm your address for messages from {vendor}"),
                vec![format!(
                    "This address was entered as a contact for the storage of {tenant}. {first} writes to it only after you have confirmed it."
                )],
                vec![
                    "To receive messages about this storage, open the link below and choose “Confirm”. The link works for 7 days.".to_owned(),
                    "If you did not expect this message, ignore it.".to_owned(),
                ],
                "Confirm this address",
            ),
            MailKind::Invite if purpose == Some(InvitePurpose::Change) => (
                format!("Your link to the storage that {vendor} uses"),
                vec![format!(
                    "{first} sends you a new link to the storage of {tenant}. With it, you can see the setup, verify it again, and change \
                     the bucket, the key or the role."
                )],
                vec!["Open the link below when you want to change something. Pass it on only to people who may do so: anyone who has it can.".to_owned()],
                OPEN,
            ),
            MailKind::Invite => (
                format!("Connect your S3 bucket to {vendor}"),
                vec![format!(
                    "{first} can store the documents of {tenant} in your own S3 bucket, encrypted with your own KMS key."
                )],
                vec![
                    "Open the link below. It guides you through the setup in AWS, which takes about ten minutes, and then checks that \
                     everything works."
                        .to_owned(),
                    "You need access to the bucket's AWS account. If somebody else has it, forward this message to them, and to nobody else: \
                     anyone with the link can enter the bucket."
                        .to_owned(),
                ],
                OPEN,
            ),
            MailKind::Verified => (
                format!("Your storage is connected to {vendor}"),
                vec![format!(
                    "{first} checked the bucket {bucket} with real AWS calls: access works, and it is denied without your external ID. The \
                     documents of {tenant} are stored there."
                )],
                Vec::new(),
                OPEN,
            ),
            MailKind::ActionRequired if content.is_change => (
                format!("Action required: your new storage for {vendor} does not work yet"),
                vec![format!(
                    "{first} checked version {version} of the storage of {tenant}, with the bucket {bucket}, and found a problem. Until it \
                     is solved, your current storage stays in use."
                )],
                vec![fixes(content.problems.len()), VERIFY_AGAIN.to_owned()],
                OPEN,
            ),
            MailKind::ActionRequired => (
                format!("Action required: your storage is not connected to {vendor} yet"),
                vec![format!(
                    "{first} checked the storage that was set up for {tenant}, with the bucket {bucket}, and found a problem. Nothing is \
                     stored there until it is solved."
                )],
                vec![fixes(content.problems.len()), VERIFY_AGAIN.to_owned()],
                OPEN,
            ),
            MailKind::Degraded => (
                format!("Action required: {vendor} has lost access to your storage"),
                vec![format!(
                    "{first} checked the storage of {tenant} again, with the bucket {bucket}. It worked before and does not now, so \
                     something has changed in AWS. Some documents may fail to load."
                )],
                vec![fixes(content.problems.len()), VERIFY_AGAIN.to_owned()],
                OPEN,
            ),
            MailKind::Quarantined => (
                format!("Action required: {vendor} has stopped using your storage"),
                vec![format!(
                    "{first} checked the storage of {tenant} again, with the bucket {bucket}: others can access it, or it is no longer in your \
                     account. {first} does not use it until this is solved, so documents cannot be loaded."
                )],
                vec![fixes(content.problems.len()), VERIFY_AGAIN.to_owned()],
                OPEN,
            ),
            MailKind::RotationRequested => (
                format!("Action required: apply your new external ID for {vendor}"),
                vec![format!(
                    "{first} has issued a new external ID for {tenant}. The current one stays in use until the new one is verified, so \
                     everything keeps working."
                )],
                vec![
                    "Someone with access to your AWS account has to apply the documents again. Open the link below: the documents there \
                     accept both external IDs."
                        .to_owned(),
                    "Then choose “Verify again” on the same page.".to_owned(),
                ],
                OPEN,
            ),
            MailKind::ApprovalPending => (
                format!("Your change of storage is waiting for {vendor}"),
                vec![format!(
                    "Version {version} of the storage of {tenant}, with the bucket {bucket}, passed every check. Because it differs from the \
                     storage in use, someone at {vendor} confirms the change before it takes effect. Until then, your current storage stays in \
                     use."
                )],
                vec![format!(
                    "If nobody at your company asked for this change, tell your contact at {vendor} now. Otherwise you do not need to do anything."
                )],
                OPEN,
            ),
            MailKind::ApprovalApproved => (
                format!("{first} has confirmed your change of storage"),
                vec![format!(
                    "Version {version} of the storage of {tenant}, with the bucket {bucket}, is checked again and then used."
                )],
                Vec::new(),
                OPEN,
            ),
            MailKind::ApprovalDeclined => (
                format!("{first} has declined your change of storage"),
                vec![format!(
                    "Version {version} of the storage of {tenant}, with the bucket {bucket}, does not take effect. Your current storage stays \
                     in use."
                )],
                vec![format!("If you still need the change, ask your contact at {vendor} for a new link.")],
                OPEN,
            ),
            MailKind::KeyPendingDeletion => (
                "Urgent: the KMS key of your documents will be deleted".to_owned(),
                vec![format!(
                    "The key {} of the storage of {tenant} is scheduled for deletion{}. Nobody can read the documents in the bucket {bucket} \
                     without it, not even you, and AWS cannot restore it.",
                    content.key.as_deref().unwrap_or_default(),
                    content.deleted_at.map(on).unwrap_or_default(),
                )],
                vec![
                    "If this was not intended, someone with access to the key has to choose “Cancel key deletion” for it in the KMS \
                     console, and then enable it: AWS leaves the key disabled."
                        .to_owned(),
                    VERIFY_AGAIN.to_owned(),
                ],
                OPEN,
            ),
            MailKind::DocumentsChanged => documents_changed(content, vendor, tenant),
        };
        Self {
            subject,
            happened,
            to_do,
            link,
        }
    }
}

/// What changed in the documents, and why.
fn documents_changed(content: &MailContent, vendor: &str, tenant: &str) -> (String, Vec<String>, Vec<String>, &'static str) {
    let first = capital(vendor);
    let notice = content.documents.as_ref();
    let bucket = content.bucket.as_deref().unwrap_or_default();
    let version = notice.map_or_else(String::new, |notice| format!(", which are now version {}", notice.version));
    let mut happened = vec![format!(
        "{first} has changed the documents that its customers apply in AWS{version}. The storage of {tenant}, with the bucket {bucket}, has \
         not been verified against them yet."
    )];
    let mut by = String::new();
    if let Some(notice) = notice {
        if let Some(from) = notice.from
            && !notice.changes.is_empty()
        {
            happened.push(format!("Since version {from}, the update {}.", notice.changes.join("; it ")));
        }
        happened.push(format!("{first} writes: “{}”", notice.message));
        by = notice
            .deadline
            .map_or_else(String::new, |deadline| format!(" by {}", deadline.format("%Y-%m-%d")));
    }
    let subject = if notice.is_some_and(|notice| notice.is_reminder) {
        format!("Reminder: update your AWS policies for {vendor}")
    } else {
        format!("Action required: update your AWS policies for {vendor}")
    };
    let to_do = vec![
        format!(
            "Someone with access to your AWS account has to apply the new documents{by}. Open the link below: it shows what changed, and the \
             documents filled in with your bucket and key."
        ),
        "Then choose “Verify again” on the same page. You do not need to enter anything again.".to_owned(),
    ];
    (subject, happened, to_do, OPEN)
}

fn on(at: DateTime<Utc>) -> String {
    format!(" on {} UTC", at.format("%Y-%m-%d %H:%M"))
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::domain::campaign::CampaignMessage;
    use crate::domain::mail::DocumentsNotice;

    #[test]
    fn a_campaign_says_what_changed_and_reminds() {
        let notice = |is_reminder| MailContent {
            documents: Some(DocumentsNotice {
                campaign: uuid::Uuid::nil().into(),
                version: 3,
                from: Some(1),
                changes: vec![
                    "adds kms:Sign to the key policy".into(),
                    "removes kms:Verify from the key policy".into(),
                ],
                message: CampaignMessage::parse("We sign documents.").unwrap(),
                deadline: Some("2027-01-31".parse().unwrap()),
                is_reminder,
            }),
            ..MailContent::default()
        };
        let words = |is_reminder| MailWords::of(MailKind::DocumentsChanged, &notice(is_reminder), "nimbus", "Acme", None);
        assert!(words(true).subject.starts_with("Reminder: ") && words(false).subject.starts_with("Action required: "));
        let text = [words(false).happened, words(false).to_do].concat().join("\n");
        for part in [
            "which are now version 3",
            "Since version 1, the update adds kms:Sign to the key policy; it removes kms:Verify from the key policy.",
            "Nimbus writes: “We sign documents.”",
            "by 2027-01-31",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn each_kind_says_what_happened_and_names_the_vendor_and_the_tenant() {
        let content = MailContent {
            bucket: Some("acme-documents".into()),
            version: Some(3),
            key: Some("arn:aws:kms:eu-central-1:222222222222:key/1".into()),
            ..MailContent::default()
        };
        let mut subjects = Vec::new();
        for kind in MailKind::iter() {
            let words = MailWords::of(kind, &content, "nimbus", "Acme", None);
            let body = [words.happened.join(" "), words.to_do.join(" ")].join(" ");
            assert!(body.contains("Acme"), "{kind}: {body}");
            let vendor = [words.subject.as_str(), body.as_str()].join(" ").to_lowercase();
            assert!(
                kind == MailKind::KeyPendingDeletion || vendor.contains("nimbus"),
                "{kind}: {vendor}"
            );
            assert!(!body.contains('{') && !body.contains("  "), "{kind}: {body}");
            assert!(
                !kind.has_invite() || !words.to_do.is_empty(),
                "{kind} has a link, and says what it is for"
            );
            assert!(
                !words.subject.contains("Acme"),
                "{kind}: what customers choose is not in the subject"
            );
            subjects.push(words.subject);
        }
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), MailKind::iter().count());
    }
}

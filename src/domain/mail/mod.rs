//! Mail to the contacts of a tenant: which kinds there are, what each is about, and when one is tried again.

pub(crate) mod content;
pub(crate) mod schedule;
mod words;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::ids::{ContactId, InviteId, MailId, TenantId};
pub use content::{DocumentsNotice, MailContent, Problem};
pub use words::MailWords;

/// The settings for mail that every process needs which changes a tenant or sends mail.
#[derive(Debug, Clone)]
pub struct MailPolicy {
    pub from: Mailbox,
    /// Where the links in mails lead: the URL of the public listener.
    pub links: Url,
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MailKind {
    /// Asks whether the address may be written to.
    AddressConfirmation,
    Invite,
    /// A version is in use.
    Verified,
    /// A version was rejected, and the customer has to act.
    ActionRequired,
    Degraded,
    Quarantined,
    /// The next external ID was issued.
    RotationRequested,
    /// A version waits for an operator's approval.
    ApprovalPending,
    ApprovalApproved,
    ApprovalDeclined,
    KeyPendingDeletion,
    /// The customer has to update the documents: see `campaign`.
    DocumentsChanged,
}

impl MailKind {
    /// Whether the customer needs the form to act on it, so that the mail has a new link to it.
    pub fn has_invite(self) -> bool {
        match self {
            Self::Invite
            | Self::ActionRequired
            | Self::Degraded
            | Self::Quarantined
            | Self::RotationRequested
            | Self::KeyPendingDeletion
            | Self::DocumentsChanged => true,
            Self::AddressConfirmation | Self::Verified | Self::ApprovalPending | Self::ApprovalApproved | Self::ApprovalDeclined => false,
        }
    }

    /// Whether its link may also replace storage that is in use, if the contact may have such a link. The others only need to see the
    /// form and to verify again.
    pub fn may_change_storage(self) -> bool {
        matches!(self, Self::Invite | Self::ActionRequired)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MailState {
    /// Waits for its first attempt.
    Queued,
    /// An attempt failed, and there will be another one.
    Failed,
    /// The relay accepted it.
    Sent,
    /// It is not sent any more: a day has passed, the relay refused it for good, or it no longer applies.
    GivenUp,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MailFault {
    /// The worker has no mail settings.
    Off,
    /// The relay's name has no address, or the connection failed.
    Unreachable,
    /// The relay does not offer STARTTLS, or its certificate is not trusted.
    Tls,
    /// The relay does not accept the user name and password.
    LoginRefused,
    /// The relay cannot take the mail now: a reply 4xx.
    Deferred,
    /// The relay refuses the mail: a reply 5xx.
    Rejected,
    /// The connection ended, or there was no reply in time, while the mail was sent. The relay may have it.
    BrokenOff,
    /// The contact was removed, or its address was changed.
    ContactRemoved,
    /// The contact asked for no more mail.
    ContactStopped,
    /// The tenant was offboarded.
    Offboarded,
    /// The campaign has ended, or the tenant was verified since.
    NotNeeded,
}

impl MailFault {
    /// Whether the relay certainly does not have the mail, so that nobody knows its links.
    pub fn is_certain(self) -> bool {
        self != Self::BrokenOff
    }

    /// Whether another attempt can succeed.
    pub fn may_pass(self) -> bool {
        !matches!(
            self,
            Self::Rejected | Self::ContactRemoved | Self::ContactStopped | Self::Offboarded | Self::NotNeeded
        )
    }
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFailure {
    pub fault: MailFault,
    /// The code of the relay's reply, such as `550 5.1.1`. Its text is dropped: some relays quote the links of a mail that they refuse.
    pub reply: Option<String>,
}

impl From<MailFault> for MailFailure {
    fn from(fault: MailFault) -> Self {
        Self { fault, reply: None }
    }
}

/// One mail to one contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    pub id: MailId,
    pub tenant_id: TenantId,
    /// None once the contact is removed.
    pub contact_id: Option<ContactId>,
    pub kind: MailKind,
    /// What it is about besides the tenant, such as the failing check.
    pub subject: String,
    pub content: MailContent,
    pub state: MailState,
    pub attempts: i32,
    /// When the next attempt is made, or the running one counts as lost. None once it was sent or given up.
    pub due_at: Option<DateTime<Utc>>,
    /// Of the last attempt, or why it was given up.
    pub failure: Option<MailFailure>,
    /// The invite of its link.
    pub invite_id: Option<InviteId>,
    pub created_at: DateTime<Utc>,
    /// When it was sent or given up.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A mail as it is sent.
#[derive(Debug, Clone)]
pub struct Letter {
    pub id: MailId,
    pub to: Mailbox,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The link that stops mail to this contact.
    pub stop: String,
    pub at: DateTime<Utc>,
}

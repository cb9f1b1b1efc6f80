//! API representation of contacts and of the mail that they get.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::contact::{Contact, ContactName, ContactState, EmailAddress};
use crate::domain::ids::{ContactId, InviteId, MailId};
use crate::domain::mail::{Mail, MailFault, MailKind, MailState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactView {
    pub id: ContactId,
    pub state: ContactState,
    pub name: ContactName,
    pub email: EmailAddress,
    /// The invite with which the customer entered the address. Null if operators did.
    pub invite_id: Option<InviteId>,
    pub created_at: DateTime<Utc>,
    /// When the address was confirmed. Only then it gets mail.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When the contact asked for no more mail.
    pub stopped_at: Option<DateTime<Utc>>,
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id,
            state: contact.state(),
            name: contact.name,
            email: contact.email,
            invite_id: contact.invite_id,
            created_at: contact.created_at,
            confirmed_at: contact.confirmed_at,
            stopped_at: contact.stopped_at,
        }
    }
}

/// One mail to one contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mail)]
pub(crate) struct MailView {
    pub id: MailId,
    /// Null once the contact is removed.
    pub contact_id: Option<ContactId>,
    pub kind: MailKind,
    /// What it is about besides the tenant, such as the failing check. A contact gets at most one mail a day of the same kind about the
    /// same subject.
    pub subject: Option<String>,
    pub state: MailState,
    pub attempts: i32,
    /// Why the last attempt failed, or why it is not sent.
    pub fault: Option<MailFault>,
    /// The code of the SMTP relay's reply.
    #[schema(example = "550 5.1.1")]
    pub reply: Option<String>,
    /// The invite of its link, if it has one.
    pub invite_id: Option<InviteId>,
    pub created_at: DateTime<Utc>,
    /// When the next attempt is made. Null once it was sent or given up.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was sent or given up.
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<Mail> for MailView {
    fn from(mail: Mail) -> Self {
        let (fault, reply) = match mail.failure {
            Some(failure) => (Some(failure.fault), failure.reply),
            None => (None, None),
        };
        Self {
            id: mail.id,
            contact_id: mail.contact_id,
            // That of a confirmation is only for the database.
            subject: (mail.kind != MailKind::AddressConfirmation).then_some(mail.subject),
            kind: mail.kind,
            state: mail.state,
            attempts: mail.attempts,
            fault,
            reply,
            invite_id: mail.invite_id,
            created_at: mail.created_at,
            next_attempt_at: mail.due_at,
            ended_at: mail.ended_at,
        }
    }
}

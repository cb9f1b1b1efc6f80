//! A mail's text and HTML.

use askama::Template;
use chrono::{DateTime, Utc};

use crate::domain::contact::Contact;
use crate::domain::invite::{Invite, InvitePurpose};
use crate::domain::mail::{Mail, MailKind, MailWords, Problem};

/// The links of a mail, which are made when it is sent.
pub(super) struct Links {
    /// To the form, or to the page that confirms the address.
    pub(super) action: Option<String>,
    /// The invite behind the link to the form.
    pub(super) invite: Option<Invite>,
    pub(super) stop: String,
}

/// What both templates are filled with.
struct View<'a> {
    /// None in a confirmation: it must not contain anything that was chosen by the person who entered the address.
    name: Option<&'a str>,
    words: &'a MailWords,
    facts: Vec<(&'static str, String)>,
    problems: &'a [Problem],
    action: Option<&'a str>,
    until: Option<String>,
    stop: &'a str,
    vendor: &'a str,
    tenant: &'a str,
}

#[derive(Template)]
#[template(path = "mail/templates/letter.txt")]
struct Text<'a> {
    mail: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "mail/templates/letter.html")]
struct Html<'a> {
    mail: &'a View<'a>,
}

/// A mail's subject, text and HTML.
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

pub(super) fn render(mail: &Mail, contact: &Contact, vendor: &str, tenant: &str, links: &Links) -> askama::Result<Rendered> {
    let purpose: Option<InvitePurpose> = links.invite.as_ref().map(|invite| invite.purpose);
    let words = MailWords::of(mail.kind, &mail.content, vendor, tenant, purpose);
    let mut facts = Vec::new();
    facts.extend(mail.content.bucket.clone().map(|bucket| ("Bucket", bucket)));
    facts.extend(mail.content.checked_at.map(|at| ("Checked", written(at))));
    let view = View {
        name: (mail.kind != MailKind::AddressConfirmation).then(|| contact.name.as_str()),
        facts,
        problems: &mail.content.problems,
        action: links.action.as_deref(),
        until: links.invite.as_ref().map(|invite| written(invite.expires_at)),
        stop: &links.stop,
        vendor,
        tenant,
        words: &words,
    };
    let text = Text { mail: &view }.render()?;
    let html = Html { mail: &view }.render()?;
    Ok(Rendered {
        subject: words.subject,
        text,
        html,
    })
}

fn written(at: DateTime<Utc>) -> String {
    format!("{} UTC", at.format("%Y-%m-%d %H:%M"))
}

//! Sending one mail. It is claimed for a limited time, sent, and its outcome recorded. If the process crashes in between, it is sent again
//! with the same Message-ID.
//!
//! The links are made here, for each attempt, and only their hashes are stored: a link that is in the database, in a queue or derived from
//! a key in the settings could be read by anyone who gets hold of that. If the attempt before certainly did not reach the relay, nobody has
//! its links, and the new ones replace them. If it may have, both work.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lettre::message::Mailbox;
use sqlx::PgConnection;
use tracing::{error, info, warn};

use super::render::{Links, render};
use crate::domain::contact::{CONFIRMATION_LIFETIME, Contact, ContactLinkPurpose, ContactState, STOP_LIFETIME};
use crate::domain::ids::{MailId, TenantRef};
use crate::domain::invite::{Invite, InvitePurpose, InviteState, InviteToken, LIFETIME};
use crate::domain::mail::schedule::next_attempt;
use crate::domain::mail::{Letter, Mail, MailFailure, MailFault, MailKind, MailPolicy};
use crate::domain::tenant::Tenant;
use crate::outbound_mail::{Mailer, TIMEOUT};
use crate::service::{Caller, Context, create_invite};
use crate::store::contacts::NewLink;
use crate::store::mails::ClaimedMail;
use crate::store::{self, campaigns, contacts, invites, jobs, mails, tenants};
use crate::telemetry::metric;

/// How long a mail is claimed. Must be longer than an attempt can take.
fn lease() -> TimeDelta {
    TimeDelta::from_std(TIMEOUT * 2).unwrap_or(TimeDelta::minutes(2))
}

/// Sends a mail if it is due, and records the outcome. Without a mailer, the attempt fails: another worker may have one.
pub async fn send(context: &Context, mailer: Option<&Mailer>, id: MailId) -> store::Result<()> {
    let Some(claimed) = claim(context, id).await? else {
        return Ok(());
    };
    let began = context.clock.instant();
    let outcome = match (mailer, &claimed.letter) {
        (Some(mailer), Some(letter)) => mailer.send(&context.clock, letter).await,
        _ => Err(MailFault::Off.into()),
    };
    let took = context.clock.instant() - began;
    record(context, &claimed.mail, &outcome, took).await
}

/// A mail that is being sent.
#[derive(Debug)]
pub struct Claimed {
    pub mail: Mail,
    /// None if this process has no mail settings.
    pub letter: Option<Letter>,
}

/// Claims a mail, and makes its links. None if there is nothing to send now.
pub async fn claim(context: &Context, id: MailId) -> store::Result<Option<Claimed>> {
    let mut db = store::begin(&context.pool).await?;
    let Some(tenant) = mails::tenant_of(&mut db, id).await? else {
        return Ok(None);
    };
    let Some(tenant) = tenants::find_locked(&mut db, &TenantRef::Id(tenant)).await? else {
        return Ok(None);
    };
    let now = context.clock.now();
    let mail = match mails::claim(&mut db, id, now, now + lease()).await? {
        ClaimedMail::Claimed(mail) => *mail,
        ClaimedMail::NotDue(at) => {
            jobs::enqueue_mail(&mut db, id, Some(at)).await?;
            store::commit(db).await?;
            return Ok(None);
        }
        ClaimedMail::Ended => return Ok(None),
    };
    let contact = match mail.contact_id {
        Some(contact) => contacts::find(&mut db, tenant.id, contact).await?,
        None => None,
    };
    let is_needed = match &mail.content.documents {
        Some(notice) => campaigns::is_needed(&mut db, notice.campaign, tenant.id).await?,
        None => true,
    };
    let recipient = if is_needed {
        recipient(&tenant, contact, mail.kind)
    } else {
        Err(MailFault::NotNeeded)
    };
    let contact = match recipient {
        Ok(contact) => contact,
        Err(fault) => {
            mails::mark_failed(&mut db, &mail, &fault.into(), None, now).await?;
            store::commit(db).await?;
            log_given_up(&mail, fault, None);
            return Ok(None);
        }
    };
    let letter = match &context.mail {
        Some(policy) => letter(context, &mut db, policy, &tenant, &contact, &mail).await?,
        None => None,
    };
    store::commit(db).await?;
    Ok(Some(Claimed { mail, letter }))
}

/// The contact, if it may still get this mail.
fn recipient(tenant: &Tenant, contact: Option<Contact>, kind: MailKind) -> Result<Contact, MailFault> {
    if tenant.facts.may_change().is_err() {
        return Err(MailFault::Offboarded);
    }
    let contact = contact.ok_or(MailFault::ContactRemoved)?;
    match contact.state() {
        ContactState::Stopped => Err(MailFault::ContactStopped),
        // Its address was changed since.
        ContactState::Unconfirmed if kind != MailKind::AddressConfirmation => Err(MailFault::ContactRemoved),
        ContactState::Unconfirmed | ContactState::Confirmed => Ok(contact),
    }
}

async fn letter(
    context: &Context,
    db: &mut PgConnection,
    policy: &MailPolicy,
    tenant: &Tenant,
    contact: &Contact,
    mail: &Mail,
) -> store::Result<Option<Letter>> {
    let links = make_links(context, db, policy, tenant, contact, mail).await?;
    let rendered = render(mail, contact, &context.vendor.name, tenant.name.as_str(), &links)
        .inspect_err(|fault| error!(mail = %mail.id, %fault, "failed to render a mail"));
    let (Ok(rendered), Ok(address)) = (rendered, contact.email.as_str().parse()) else {
        return Ok(None);
    };
    // The person who entered an unconfirmed address chose the name, too.
    let name = (mail.kind != MailKind::AddressConfirmation).then(|| contact.name.to_string());
    Ok(Some(Letter {
        id: mail.id,
        to: Mailbox::new(name, address),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        stop: links.stop,
        at: mail.created_at,
    }))
}

async fn make_links(
    context: &Context,
    db: &mut PgConnection,
    policy: &MailPolicy,
    tenant: &Tenant,
    contact: &Contact,
    mail: &Mail,
) -> store::Result<Links> {
    let now = context.clock.now();
    // A crash leaves no failure, and then the mail may have been sent.
    let is_unknown = mail.failure.as_ref().is_some_and(|failure| failure.fault.is_certain());
    if is_unknown {
        contacts::delete_links_of_mail(db, mail.id).await?;
    }
    let stop = InviteToken::from_random(context.clock.random());
    let link = |token: &InviteToken, path: &str| format!("{}{path}/{}", policy.links, token.expose());
    let new = |hash, purpose, expires_at| NewLink {
        hash,
        contact: contact.id,
        mail: mail.id,
        purpose,
        expires_at,
    };
    let hash = stop.hash();
    contacts::insert_link(db, &new(&hash, ContactLinkPurpose::Stop, now + STOP_LIFETIME)).await?;
    let mut links = Links {
        action: None,
        invite: None,
        stop: link(&stop, "mail/stop"),
    };
    if mail.kind == MailKind::AddressConfirmation {
        let token = InviteToken::from_random(context.clock.random());
        let hash = token.hash();
        contacts::insert_link(db, &new(&hash, ContactLinkPurpose::Confirm, now + CONFIRMATION_LIFETIME)).await?;
        links.action = Some(link(&token, "mail/confirm"));
    }
    if mail.kind.has_invite() {
        let unused = match mail.invite_id.filter(|_| is_unknown) {
            Some(id) => invites::find(db, id).await?.filter(|invite| invite.state(now) == InviteState::Open),
            None => None,
        };
        let (invite, token) = issue(context, db, tenant, contact, mail, unused).await?;
        links.action = Some(link(&token, "onboard"));
        links.invite = Some(invite);
    }
    Ok(links)
}

/// The invite behind the mail's link: the one of the last attempt with another secret if nobody knows that one's, or a new one.
async fn issue(
    context: &Context,
    db: &mut PgConnection,
    tenant: &Tenant,
    contact: &Contact,
    mail: &Mail,
    unused: Option<Invite>,
) -> store::Result<(Invite, InviteToken)> {
    if let Some(invite) = unused {
        let token = InviteToken::from_random(context.clock.random());
        let expires_at = context.clock.now() + LIFETIME;
        invites::replace_secret(db, invite.id, &token.hash(), expires_at).await?;
        return Ok((Invite { expires_at, ..invite }, token));
    }
    let (invite, token) = create_invite::issue(context, db, &Caller::system(), tenant, None, Some(purpose(tenant, contact, mail))).await?;
    mails::set_invite(db, mail.id, invite.id).await?;
    Ok((invite, token))
}

/// What the link may be used for: no more than the mail needs, and never a change of storage in use for a contact that operators did not
/// enter.
fn purpose(tenant: &Tenant, contact: &Contact, mail: &Mail) -> InvitePurpose {
    let needed = match mail.content.purpose {
        Some(chosen) => chosen,
        None if mail.kind.may_change_storage() && tenant.facts.active.is_some() => InvitePurpose::Change,
        None => InvitePurpose::Onboarding,
    };
    if contact.is_vouched_for() {
        needed
    } else {
        InvitePurpose::Onboarding
    }
}

/// Records the outcome of an attempt.
pub async fn record(context: &Context, mail: &Mail, outcome: &Result<(), MailFailure>, took: Duration) -> store::Result<()> {
    let now = context.clock.now();
    let kind: &str = mail.kind.into();
    let result: &str = match outcome {
        Ok(()) => "sent",
        Err(failure) => failure.fault.into(),
    };
    metrics::counter!(metric::MAIL_ATTEMPTS.name, "outcome" => result).increment(1);
    let mut db = store::begin(&context.pool).await?;
    match outcome {
        Ok(()) => {
            mails::mark_sent(&mut db, mail.id, now).await?;
            store::commit(db).await?;
            metrics::counter!(metric::MAILS.name, "kind" => kind, "outcome" => "sent").increment(1);
            info!(mail = %mail.id, tenant = %mail.tenant_id, kind, attempt = mail.attempts, took_ms = took.as_millis(), "mail sent");
        }
        Err(failure) => {
            let [chance] = context.clock.random();
            let next = next_attempt(mail.created_at, mail.attempts, failure.fault, now, chance);
            let changed = mails::mark_failed(&mut db, mail, failure, next, now).await?;
            if let (Some(at), true) = (next, changed) {
                jobs::enqueue_mail(&mut db, mail.id, Some(at)).await?;
            }
            store::commit(db).await?;
            match next {
                Some(at) => retry_logged(mail, failure, at),
                None => log_given_up(mail, failure.fault, failure.reply.as_deref()),
            }
        }
    }
    Ok(())
}

fn retry_logged(mail: &Mail, failure: &MailFailure, at: DateTime<Utc>) {
    let (kind, fault): (&str, &str) = (mail.kind.into(), failure.fault.into());
    let reply = failure.reply.as_deref();
    warn!(mail = %mail.id, tenant = %mail.tenant_id, kind, attempt = mail.attempts, fault, reply, %at, "mail will be retried");
}

fn log_given_up(mail: &Mail, fault: MailFault, reply: Option<&str>) {
    // The others are for somebody to look at.
    let outcome = if fault == MailFault::NotNeeded { "not_needed" } else { "given_up" };
    let (kind, fault): (&str, &str) = (mail.kind.into(), fault.into());
    metrics::counter!(metric::MAILS.name, "kind" => kind, "outcome" => outcome).increment(1);
    warn!(mail = %mail.id, tenant = %mail.tenant_id, kind, attempt = mail.attempts, fault, reply, "mail given up");
}

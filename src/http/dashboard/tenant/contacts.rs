//! `/tenants/{tenant}/contacts`: the people at the customer who are notified by mail.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::contact::{Contact, ContactState};
use crate::domain::ids::{ContactId, TenantRef};
use crate::domain::mail::{Mail, MailFault, MailKind, MailState};
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::admin_api::contacts::email_taken;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardSession, DashboardUser, Posted};
use crate::http::lookup::find_tenant;
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::status::{Pill, PillColor};
use crate::http::web_ui::{render, sentence};
use crate::service::mail;
use crate::service::mail::contacts::{self as service, ContactError, ContactFields};

/// The fields as they were submitted.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ContactForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
}

#[derive(Template)]
#[template(path = "dashboard/pages/contact.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    fields: Vec<Field>,
    /// The contact that is edited. None for a new one.
    id: Option<ContactId>,
    mail_is_on: bool,
}

/// A contact on the tenant's page.
pub(super) struct ContactRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) pill: Pill,
    pub(super) since: RelativeTime,
    pub(super) by_customer: bool,
    pub(super) may_be_invited: bool,
    pub(super) may_be_asked: bool,
}

impl ContactRow {
    pub(super) fn of(contact: &Contact, now: DateTime<Utc>) -> Self {
        let (color, word, since) = match contact.state() {
            ContactState::Unconfirmed => (PillColor::Amber, "Unconfirmed", contact.created_at),
            ContactState::Confirmed => (PillColor::Green, "Confirmed", contact.confirmed_at.unwrap_or(contact.created_at)),
            ContactState::Stopped => (PillColor::Grey, "Stopped mail", contact.stopped_at.unwrap_or(contact.created_at)),
        };
        Self {
            id: contact.id.to_string(),
            name: contact.name.to_string(),
            email: contact.email.to_string(),
            pill: Pill::new(color, word),
            since: RelativeTime::of(since, now),
            by_customer: !contact.is_vouched_for(),
            may_be_invited: contact.state() == ContactState::Confirmed,
            may_be_asked: contact.state() == ContactState::Unconfirmed,
        }
    }
}

/// A mail on the tenant's page.
pub(super) struct MailRow {
    pub(super) kind: &'static str,
    pub(super) subject: Option<String>,
    /// The contact's name. None once it is removed.
    pub(super) to: Option<String>,
    pub(super) pill: Pill,
    pub(super) fault: Option<String>,
    pub(super) at: RelativeTime,
}

impl MailRow {
    pub(super) fn of(mail: &Mail, contacts: &[Contact], now: DateTime<Utc>) -> Self {
        let (color, word) = match mail.state {
            MailState::Queued => (PillColor::Blue, "Queued"),
            MailState::Failed => (PillColor::Amber, "Failed, will be retried"),
            MailState::Sent => (PillColor::Green, "Sent"),
            MailState::GivenUp => (PillColor::Red, "Given up"),
        };
        let to = contacts.iter().find(|contact| Some(contact.id) == mail.contact_id);
        Self {
            kind: title(mail.kind),
            subject: (mail.kind != MailKind::AddressConfirmation).then(|| mail.subject.clone()),
            to: to.map(|contact| contact.name.to_string()),
            pill: Pill::new(color, word),
            fault: mail.failure.as_ref().map(|failure| match &failure.reply {
                Some(reply) => format!("{} (reply {reply})", explained(failure.fault)),
                None => explained(failure.fault).to_owned(),
            }),
            at: RelativeTime::of(mail.ended_at.unwrap_or(mail.created_at), now),
        }
    }
}

fn title(kind: MailKind) -> &'static str {
    match kind {
        MailKind::AddressConfirmation => "Asks to confirm the address",
        MailKind::Invite => "Invite",
        MailKind::Verified => "Storage connected",
        MailKind::ActionRequired => "Action required",
        MailKind::Degraded => "Access lost",
        MailKind::Quarantined => "Use of the storage stopped",
        MailKind::RotationRequested => "New external ID",
        MailKind::ApprovalPending => "Change waits for approval",
        MailKind::ApprovalApproved => "Change approved",
        MailKind::ApprovalDeclined => "Change declined",
        MailKind::KeyPendingDeletion => "Key will be deleted",
        MailKind::DocumentsChanged => "Update of the documents",
    }
}

fn explained(fault: MailFault) -> &'static str {
    match fault {
        MailFault::Off => "The worker has no mail settings",
        MailFault::Unreachable => "The SMTP relay cannot be reached",
        MailFault::Tls => "The SMTP relay has no STARTTLS or no trusted certificate",
        MailFault::LoginRefused => "The SMTP relay refused the login",
        MailFault::Deferred => "The SMTP relay cannot take it now",
        MailFault::Rejected => "The SMTP relay refused it",
        MailFault::BrokenOff => "The connection ended before the SMTP relay answered",
        MailFault::ContactRemoved => "The contact was removed or has another address",
        MailFault::ContactStopped => "The contact stopped mail",
        MailFault::Offboarded => "The tenant was offboarded",
        MailFault::NotNeeded => "The campaign has ended, or the tenant was verified since",
    }
}

pub(crate) async fn new_page(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = changeable(&state, &tenant).await?;
    Ok(shown(&state, &session, &tenant, None, &ContactForm::default(), &[]))
}

pub(crate) async fn add(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, form, .. }: Posted<Operator, ContactForm>,
) -> Result<Response, Problem> {
    let found = changeable(&state, &tenant).await?;
    let added = service::add(&state.context, &session.caller, &tenant, &fields(&form)).await;
    answer(&state, &session, &found, None, &form, added.map(drop))
}

pub(crate) async fn edit_page(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
) -> Result<Response, Problem> {
    let tenant = changeable(&state, &tenant).await?;
    let contacts = mail::contact_list(&state.context, tenant.id).await?;
    let contact = contacts.into_iter().find(|contact| contact.id == id);
    let contact = contact.ok_or_else(|| Problem::new(ProblemKind::NotFound, problem::UNKNOWN_CONTACT))?;
    let form = ContactForm {
        name: contact.name.to_string(),
        email: contact.email.to_string(),
    };
    Ok(shown(&state, &session, &tenant, Some(id), &form, &[]))
}

pub(crate) async fn change(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
    Posted { session, form, .. }: Posted<Operator, ContactForm>,
) -> Result<Response, Problem> {
    let found = changeable(&state, &tenant).await?;
    let changed = service::change(&state.context, &session.caller, &tenant, id, &fields(&form)).await;
    answer(&state, &session, &found, Some(id), &form, changed.map(drop))
}

pub(crate) async fn remove(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    service::remove(&state.context, &session.caller, &tenant, id).await?;
    Ok(Redirect::to(&Notice::ContactRemoved.at(&tenant_path(&found))))
}

pub(crate) async fn request_confirmation(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    service::request_confirmation(&state.context, &session.caller, &tenant, id).await?;
    Ok(Redirect::to(&Notice::MailQueued.at(&tenant_path(&found))))
}

pub(crate) async fn invite(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    service::request_invite(&state.context, &session.caller, &tenant, id, None).await?;
    Ok(Redirect::to(&Notice::MailQueued.at(&tenant_path(&found))))
}

async fn changeable(state: &AppState, tenant: &TenantRef) -> Result<Tenant, Problem> {
    let tenant = find_tenant(state, tenant).await?;
    match tenant.facts.may_change() {
        Ok(()) => Ok(tenant),
        Err(_) => Err(Problem::offboarded()),
    }
}

fn fields(form: &ContactForm) -> ContactFields {
    ContactFields {
        name: Some(form.name.clone()),
        email: Some(form.email.clone()),
        unreadable: Vec::new(),
    }
}

/// The tenant's page, or the form again with errors.
fn answer(
    state: &AppState,
    session: &DashboardSession,
    tenant: &Tenant,
    id: Option<ContactId>,
    form: &ContactForm,
    outcome: Result<(), ContactError>,
) -> Result<Response, Problem> {
    let faults = match outcome {
        Ok(()) => return Ok(Redirect::to(&Notice::ContactSaved.at(&tenant_path(tenant))).into_response()),
        Err(ContactError::Invalid(faults)) => faults,
        Err(ContactError::EmailTaken) => vec![email_taken()],
        Err(error) => return Err(error.into()),
    };
    Ok(shown(state, session, tenant, id, form, &faults))
}

fn shown(
    state: &AppState,
    session: &DashboardSession,
    tenant: &Tenant,
    id: Option<ContactId>,
    form: &ContactForm,
    faults: &[FieldError],
) -> Response {
    let mut fields = vec![
        Field::new("name", "Name", Some(&form.name)).with_hint("The person’s name.", "Jo Miller"),
        Field::new("email", "Email", Some(&form.email)).with_hint("The address is asked to confirm first.", "jo@example.com"),
    ];
    for field in &mut fields {
        let fault = faults.iter().find(|fault| fault.field == field.name);
        field.error = fault.map(|fault| match fault.code.as_str() {
            "required" => format!("Enter {}.", if field.name == "name" { "a name" } else { "an email address" }),
            _ => sentence(&fault.detail),
        });
    }
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let title = if id.is_some() { "Edit a contact" } else { "Add a contact" };
    let page = Page {
        frame: Layout::new(state, session, Section::Tenants, title),
        tenant,
        path: tenant_path(tenant),
        fields,
        id,
        mail_is_on: state.context.mail.is_some(),
    };
    (status, render(&page)).into_response()
}

//! `/onboard/contacts`: the people whom the customer wants to be notified. A section of the page of step 3.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::rejection::Rejection;
use super::session::{OnboardSession, Posted};
use super::verify;
use crate::domain::contact::{Contact, ContactState, MOST};
use crate::domain::ids::{ContactId, TenantRef};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::admin_api::contacts::{email_taken, too_many, too_many_confirmations};
use crate::http::conventions::extract::InPath;
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::sentence;
use crate::service::mail::contacts::{self, ContactError, ContactFields};
use crate::service::{StoreError, mail};

/// The fields as they were submitted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ContactForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// The section.
pub(crate) struct ContactsView {
    pub rows: Vec<ContactRow>,
    pub fields: Vec<Field>,
    /// Why the entry was refused, if no field is wrong.
    pub fault: Option<String>,
    pub is_full: bool,
}

/// A contact. Anyone with the link sees it, so its address is shown only in part.
pub(crate) struct ContactRow {
    pub id: String,
    pub name: String,
    pub address: String,
    pub state: &'static str,
    /// The customer entered it.
    pub is_own: bool,
}

impl From<Contact> for ContactRow {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id.to_string(),
            address: contact.email.masked(),
            state: match contact.state() {
                ContactState::Unconfirmed => "has not confirmed the address yet",
                ContactState::Confirmed => "is notified by email",
                ContactState::Stopped => "has stopped messages",
            },
            is_own: !contact.is_vouched_for(),
            name: contact.name.to_string(),
        }
    }
}

/// What became of an entry.
#[derive(Default)]
pub(crate) struct Feedback {
    form: ContactForm,
    faults: Vec<FieldError>,
    fault: Option<String>,
}

impl ContactsView {
    /// None if mail is off.
    pub(crate) async fn load(state: &AppState, session: &OnboardSession, feedback: Feedback) -> Result<Option<Self>, StoreError> {
        if state.context.mail.is_none() {
            return Ok(None);
        }
        let rows: Vec<ContactRow> = mail::contact_list(&state.context, session.tenant.id)
            .await?
            .into_iter()
            .map(ContactRow::from)
            .collect();
        let Feedback { form, faults, fault } = feedback;
        let mut fields = vec![
            Field::new("name", "Name", Some(&form.name)).with_hint("Who should get our messages.", "Jo Miller"),
            Field::new("email", "Email", Some(&form.email)).with_hint("We ask this address to confirm first.", "jo@example.com"),
        ];
        for field in &mut fields {
            let fault = faults.iter().find(|fault| fault.field == field.name);
            field.error = fault.map(|fault| match fault.code.as_str() {
                "required" => format!("Enter {}.", if field.name == "name" { "a name" } else { "an email address" }),
                _ => sentence(&fault.detail),
            });
        }
        Ok(Some(Self {
            is_full: rows.len() >= MOST,
            rows,
            fields,
            fault,
        }))
    }
}

pub(crate) async fn add(State(state): State<AppState>, Posted { session, form }: Posted<ContactForm>) -> Result<Response, Rejection> {
    if state.context.mail.is_none() {
        return Err(Rejection::NotFound);
    }
    let fields = ContactFields {
        name: Some(form.name.clone()),
        email: Some(form.email.clone()),
        unreadable: Vec::new(),
    };
    let tenant = TenantRef::Id(session.tenant.id);
    let (faults, fault) = match contacts::add(&state.context, &session.caller(), &tenant, &fields).await {
        Ok(_) => return Ok(Redirect::to("/onboard/verify#contacts").into_response()),
        Err(ContactError::Invalid(faults)) => (faults, None),
        Err(ContactError::EmailTaken) => (vec![email_taken()], None),
        Err(ContactError::TooMany) => (Vec::new(), Some(too_many())),
        Err(ContactError::TooManyConfirmations | ContactError::SentToday) => (Vec::new(), Some(too_many_confirmations())),
        Err(error) => return Err(rejection(error)),
    };
    let page = verify::shown(&state, &session, Feedback { form, faults, fault }).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

pub(crate) async fn remove(
    State(state): State<AppState>,
    InPath(id): InPath<ContactId>,
    Posted { session, .. }: Posted<Nothing>,
) -> Result<Response, Rejection> {
    let tenant = TenantRef::Id(session.tenant.id);
    contacts::remove(&state.context, &session.caller(), &tenant, id)
        .await
        .map_err(rejection)?;
    Ok(Redirect::to("/onboard/verify#contacts").into_response())
}

fn rejection(error: ContactError) -> Rejection {
    match error {
        ContactError::UnknownTenant(_) => Rejection::UnknownLink,
        ContactError::Offboarded => Rejection::Offboarded,
        ContactError::Store(error) => error.into(),
        _ => Rejection::NotFound,
    }
}

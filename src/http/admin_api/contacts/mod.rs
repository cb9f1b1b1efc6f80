//! `/v1/tenants/{tenant}/contacts` and `/v1/tenants/{tenant}/messages`. One file per operation.

mod add;
mod change;
mod get;
mod invite;
mod list;
mod list_messages;
mod remove;
mod request_confirmation;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::contact::{CONFIRMATIONS_PER_ADDRESS, CONFIRMATIONS_PER_TENANT, MOST};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::service::mail::contacts::ContactError;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(add::handle, list::handle))
        .routes(routes!(get::handle, change::handle, remove::handle))
        .routes(routes!(request_confirmation::handle))
        .routes(routes!(invite::handle))
        .routes(routes!(list_messages::handle))
}

/// The error of an address that another contact of the tenant has.
pub(crate) fn email_taken() -> FieldError {
    FieldError::new("email", "email_taken", "this tenant already has a contact with this address")
}

/// Why a contact cannot be added: there are as many as there may be.
pub(crate) fn too_many() -> String {
    format!("A tenant has at most {MOST} contacts. Remove one first.")
}

/// Why nobody is asked to confirm an address.
pub(crate) fn too_many_confirmations() -> String {
    format!(
        "Within 24 hours, an address is asked at most {CONFIRMATIONS_PER_ADDRESS} times to confirm it, and a tenant causes at most \
         {CONFIRMATIONS_PER_TENANT} such mails. Try again tomorrow."
    )
}

impl From<ContactError> for Problem {
    fn from(error: ContactError) -> Self {
        let conflict = |detail: &str| Self::new(ProblemKind::Conflict, detail);
        match error {
            ContactError::UnknownTenant(_) => Self::unknown_tenant(),
            ContactError::UnknownContact => Self::new(ProblemKind::NotFound, problem::UNKNOWN_CONTACT),
            ContactError::Offboarded => Self::offboarded(),
            ContactError::Invalid(faults) => Self::validation(faults),
            ContactError::TooMany => conflict(&too_many()),
            ContactError::EmailTaken => conflict("This tenant already has a contact with this address.").with_errors(vec![email_taken()]),
            ContactError::TooManyConfirmations => {
                Self::new(ProblemKind::TooManyRequests, too_many_confirmations()).retry_after(24 * 60 * 60)
            }
            ContactError::MailOff => conflict("Mail is off. Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM for every Latchkey process."),
            ContactError::AlreadyConfirmed => conflict("This contact has already confirmed the address."),
            ContactError::NotConfirmed => conflict("This contact has not confirmed the address, and gets no other mail before that."),
            ContactError::Stopped => conflict("This contact has asked for no more mail."),
            ContactError::SentToday => conflict("This contact already got this mail today."),
            ContactError::Store(error) => error.into(),
        }
    }
}

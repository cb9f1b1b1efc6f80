//! CSRF protection of forms. Browser headers reveal cross-site requests; a token in each form is the second line of defense.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::AppState;

/// The detail of the problem for a cross-site request.
pub(crate) const OTHER_SITE: &str = "This request was sent by a page on another site. Nothing was changed.";
/// The detail of the problem for a form token of another session.
pub(crate) const OTHER_SESSION: &str =
    "This form belongs to a different session. Nothing was changed. Reload the page and submit the form again.";

/// A submitted form with its token.
#[derive(Debug, Deserialize)]
pub(crate) struct CsrfForm<T> {
    #[serde(default)]
    pub form_token: String,
    #[serde(flatten)]
    pub form: T,
}

/// Why a form could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadableForm {
    TooLarge,
    Malformed,
}

pub(crate) async fn read<T: DeserializeOwned>(request: Request, state: &AppState) -> Result<CsrfForm<T>, UnreadableForm> {
    let read = Form::<CsrfForm<T>>::from_request(request, state).await;
    read.map(|Form(envelope)| envelope).map_err(|rejection| match rejection {
        FormRejection::BytesRejection(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => UnreadableForm::TooLarge,
        _ => UnreadableForm::Malformed,
    })
}

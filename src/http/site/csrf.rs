//! Forms of other sites are refused by what browsers say of where a request comes from; the token in each form is the
//! second lock.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::State;

/// What a form of ours sent.
#[derive(Debug, Deserialize)]
pub struct Envelope<T> {
    #[serde(default)]
    pub form_token: String,
    #[serde(flatten)]
    pub form: T,
}

/// Why a form could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    TooLarge,
    Malformed,
}

pub async fn read<T: DeserializeOwned>(request: Request, state: &State) -> Result<Envelope<T>, Unread> {
    let read = Form::<Envelope<T>>::from_request(request, state).await;
    read.map(|Form(envelope)| envelope).map_err(|rejection| match rejection {
        FormRejection::BytesRejection(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge,
        _ => Unread::Malformed,
    })
}

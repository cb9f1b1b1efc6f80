//! `POST /onboard/send/check`: validates the form as far as it is filled in, without storing anything or calling AWS.

use axum::extract::State;
use axum::response::Response;

use super::rejection::Rejection;
use super::send::{Judged, SendForm, page};
use super::session::Posted;
use crate::http::AppState;

pub(crate) async fn handle(State(state): State<AppState>, Posted { session, form }: Posted<SendForm>) -> Result<Response, Rejection> {
    page(&state, &session, &form, Judged::WhatIsThere, None)
}

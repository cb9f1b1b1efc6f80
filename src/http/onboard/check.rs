//! `POST /onboard/send/check`: the form judged as far as it is filled in. Nothing is stored, and AWS is not asked.

use axum::extract::State as Extract;
use axum::response::Response;

use super::refusal::Refusal;
use super::send::{Judged, SendForm, page};
use super::visitor::Posted;
use crate::http::State;

pub async fn handle(Extract(state): Extract<State>, Posted { visitor, form }: Posted<SendForm>) -> Result<Response, Refusal> {
    page(&state, &visitor, &form, Judged::WhatIsThere, None)
}

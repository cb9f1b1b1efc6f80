//! `GET /onboard/documents/{name}`: downloads one document, or all of them in one file.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use strum::IntoEnumIterator;

use super::apply::{ApplyParams, fill_valid_entries, parties};
use super::rejection::Rejection;
use super::session::OnboardSession;
use crate::domain::templates::format::TemplateFormat;
use crate::domain::templates::json::documents;
use crate::http::AppState;
use crate::http::web_ui::labels::pretty;
use crate::service::issue_templates::numbered;

pub(crate) async fn handle(
    State(state): State<AppState>,
    session: OnboardSession,
    Path(name): Path<String>,
    query: Result<Query<ApplyParams>, QueryRejection>,
) -> Result<Response, Rejection> {
    let Query(query) = query.map_err(|_| Rejection::Unreadable)?;
    let (template_params, _) = fill_valid_entries(&state.context, &session.tenant, &query)?;
    let template_params = numbered(&state.context, template_params).await?;
    if let Some(file) = TemplateFormat::iter()
        .filter_map(|format| {
            format
                .file(&template_params, parties(&state.context, &session.tenant))
                .ok()
                .flatten()
        })
        .find(|file| name.strip_prefix("latchkey.") == Some(file.extension))
    {
        let headers = [
            (header::CONTENT_TYPE, format!("{}; charset=utf-8", file.media_type)),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ];
        return Ok((headers, file.text).into_response());
    }
    let wanted = name.strip_suffix(".json").ok_or(Rejection::NotFound)?;
    let body = documents(&template_params)
        .documents
        .into_iter()
        .find_map(|document| match document.document.into() {
            name if wanted == name => Some(document.body),
            name if wanted.strip_prefix("whole-") == Some(name) => document.new_key_policy,
            _ => None,
        })
        .ok_or(Rejection::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{wanted}.json\"")),
    ];
    Ok((headers, pretty(&body) + "\n").into_response())
}

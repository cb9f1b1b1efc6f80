//! `GET /onboard/documents/{name}`: one document as a file.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Extract};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::apply::{Filling, fill_what_fits};
use super::refusal::Refusal;
use super::visitor::Visitor;
use super::words::pretty;
use crate::domain::templates::json::documents;
use crate::http::State;

pub async fn handle(
    Extract(state): Extract<State>,
    visitor: Visitor,
    Path(name): Path<String>,
    query: Result<Query<Filling>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::Unreadable)?;
    let (blanks, _) = fill_what_fits(&state.context, &visitor.tenant, &query)?;
    let wanted = name.strip_suffix(".json").ok_or(Refusal::NotFound)?;
    let document = documents(&blanks)
        .documents
        .into_iter()
        .find(|document| document.document.to_string() == wanted)
        .ok_or(Refusal::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{wanted}.json\"")),
    ];
    Ok((headers, pretty(&document.body) + "\n").into_response())
}

//! The header `idempotency-key` of every POST of `/v1`: one layer, so that no handler has to know of it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, error};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Required};

use super::extract::unreadable_body;
use super::problem::{Problem, ProblemKind};
use crate::domain::idempotency::{IdempotencyClaim, IdempotencyKey, RequestFingerprint};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth;
use crate::http::middleware::request_layer::RequestId;
use crate::service::idempotency::{self, IdempotencyTurn};
use crate::store;
use crate::store::idempotency::{KeptResponse, Made};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Carries a request with a key out once, and gives its answer again after that.
pub async fn once(Extract(state): Extract<AppState>, request: Request, next: Next) -> Response {
    let keyed = request.method() == Method::POST && request.uri().path().starts_with("/v1/") && request.headers().contains_key(KEY);
    if !keyed {
        return next.run(request).await;
    }
    match admit(&state, request).await {
        Ok((turn, request)) => answer(state, turn, request, next).await,
        Err(problem) => problem.into_response(),
    }
}

/// Whose turn it is, and the request with what was read of it put back.
async fn admit(state: &AppState, request: Request) -> Result<(IdempotencyTurn, Request), Problem> {
    let key = key(&request)?;
    let (mut parts, body) = request.into_parts();
    let sender = auth::identity(&mut parts, state).await?;
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
        .await
        .map_err(|rejection| unreadable_body(&rejection))?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let print = RequestFingerprint::of(&[parts.method.as_str().as_bytes(), path.as_bytes(), &body]);
    let request_id = parts.extensions.get::<RequestId>().map(ToString::to_string);
    let turn = idempotency::begin(&state.context, &sender.actor.opaque(), &key, print, request_id.as_deref()).await?;
    if let IdempotencyTurn::First(claim) = &turn {
        parts.extensions.insert(*claim);
    }
    Ok((turn, Request::from_parts(parts, Body::from(body))))
}

fn key(request: &Request) -> Result<IdempotencyKey, Problem> {
    let mut values = request.headers().get_all(KEY).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        let detail = "one idempotency key for each request: send the header once";
        return Err(Problem::validation(vec![FieldError::new(KEY.as_str(), "repeated", detail)]));
    }
    IdempotencyKey::parse(first.map_or(b"", HeaderValue::as_bytes))
        .map_err(|malformed| Problem::validation(vec![FieldError::of(KEY.as_str(), malformed)]))
}

async fn answer(state: AppState, turn: IdempotencyTurn, request: Request, next: Next) -> Response {
    match turn {
        IdempotencyTurn::First(claim) => first(state, claim, request, next).await,
        IdempotencyTurn::Again(kept) => again(kept),
        IdempotencyTurn::UnderWay => Problem::idempotency_key_in_use().into_response(),
        IdempotencyTurn::OfAnother => {
            let detail = "this key was sent before, with another method, path or body; take a new key for each change";
            Problem::validation(vec![FieldError::new(KEY.as_str(), "key_of_another_request", detail)]).into_response()
        }
        IdempotencyTurn::NotKept { request_id, made } => not_kept(request_id.as_deref(), made.as_ref()).into_response(),
    }
}

/// In a task of its own: whoever hangs up will ask again, and should get the answer then.
async fn first(state: AppState, claim: IdempotencyClaim, request: Request, next: Next) -> Response {
    let context = state.context.clone();
    let carried_out = async move {
        let response = next.run(request).await;
        settle(&state, claim, response).await
    };
    match tokio::spawn(carried_out.in_current_span()).await {
        Ok(response) => response,
        Err(broken) => {
            note(idempotency::release(&context, &claim).await);
            match broken.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Problem::new(ProblemKind::Unavailable, "The server is being stopped.").into_response(),
            }
        }
    }
}

/// Keeps the answer or frees the key. Neither may cost the caller the answer that is there.
async fn settle(state: &AppState, claim: IdempotencyClaim, response: Response) -> Response {
    if !response.status().is_success() {
        note(idempotency::release(&state.context, &claim).await);
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(fault) => {
            error!(%fault, "an answer broke off");
            return Problem::internal().into_response();
        }
    };
    // What must not be stored by others on the way must not be stored here: tokens, links and secrets are shown once.
    let shown_once = parts
        .headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value.as_bytes().windows(8).any(|part| part == b"no-store"));
    let pair = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    let kept = (!shown_once).then(|| KeptResponse {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().filter_map(pair).collect(),
        body: body.to_vec(),
    });
    note(idempotency::keep(&state.context, &claim, kept.as_ref()).await);
    Response::from_parts(parts, Body::from(body))
}

fn note(stored: store::Result<()>) {
    if let Err(fault) = stored {
        error!(%fault, "an idempotency key could not be settled");
    }
}

fn again(kept: KeptResponse) -> Response {
    let mut response = Body::from(kept.body).into_response();
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            headers.append(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Where the first request was carried out, and its answer cannot be given again.
fn not_kept(request_id: Option<&str>, made: Option<&Made>) -> Problem {
    let ids = made
        .into_iter()
        .flat_map(ids)
        .fold(String::new(), |list, (name, id)| format!("{list}, {name} {id}"));
    let action = made.map_or("a change", |made| made.action.as_str());
    let remedy = made.map_or_else(|| GENERAL.to_owned(), remedy);
    let by = request_id.map_or_else(String::new, |id| format!(" by the request {id}"));
    let text = format!(
        "This was done already{by} ({action}{ids}). Its answer was not kept, because it holds what is shown once, or was lost. {remedy}"
    );
    let detail = "it was done already, and is not done again; see the problem's detail for what it made";
    Problem::new(ProblemKind::Conflict, text).with_errors(vec![FieldError::new(KEY.as_str(), "answer_not_kept", detail)])
}

const GENERAL: &str = "Read what it made; for another, send a new idempotency key.";

/// Every id that the audit log has of what was made.
fn ids(made: &Made) -> Vec<(String, String)> {
    let detail = made.detail.as_object().into_iter().flatten();
    let mut ids: Vec<(String, String)> = detail
        .filter(|(name, _)| name.ends_with("_id"))
        .filter_map(|(name, id)| Some((name.clone(), id.as_str()?.to_owned())))
        .collect();
    ids.extend(made.tenant_id.map(|id| ("tenant_id".to_owned(), id.to_string())));
    ids
}

fn remedy(made: &Made) -> String {
    let id = |name: &str| made.detail[name].as_str().unwrap_or_default().to_owned();
    let path = match (made.action.as_str(), made.tenant_id) {
        ("token.created", _) => format!("/v1/tokens/{}", id("token_id")),
        ("webhook.created", _) => format!("/v1/webhooks/{}", id("webhook_id")),
        ("invite.created", Some(tenant)) => format!("/v1/tenants/{tenant}/invites/{}", id("invite_id")),
        _ => return GENERAL.to_owned(),
    };
    format!("If nobody has it, end it with DELETE {path}, and make another with a new idempotency key.")
}

/// Tells of the header at every POST of `/v1`.
pub fn describe(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        if let Some(post) = item.post.as_mut().filter(|_| path.starts_with("/v1/")) {
            post.parameters.get_or_insert_default().push(parameter().into());
        }
    }
}

fn parameter() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255));
    ParameterBuilder::new()
        .name(KEY.as_str())
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "1 to 255 visible ASCII characters, a new UUID for instance. For 24 hours the same request with the same key is carried out \
             once, and repeated ones get the first one's answer with the header `idempotent-replayed: true`; what is shown once is not \
             shown again (409).",
        ))
        .schema(Some(schema.pattern(Some("^[!-~]+$"))))
        .build()
}

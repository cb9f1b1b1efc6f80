//! The `idempotency-key` header of every POST under `/v1` and `/customer/v1` that changes something: one layer for each, so that handlers
//! need not know about it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, error};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Required};

use crate::domain::audit::{Actor, AuditAction, RecordedAction};
use crate::domain::idempotency::{IdempotencyClaim, IdempotencyKey, KeptResponse, MOST_KEYS, RecordedChange, RequestFingerprint};
use crate::domain::ids::TenantRef;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth;
use crate::http::conventions::extract::unreadable_body;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::conventions::request_id::RequestId;
use crate::service::StoreError;
use crate::service::idempotency::{self, IdempotencyTurn, KeyedRequest};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Operations that change nothing. Their keys are ignored, and their responses not stored.
const CHANGE_NOTHING: [&str; 4] = [
    "/v1/validate",
    "/v1/tenants/{tenant}/templates/merge",
    "/customer/v1/validate",
    "/customer/v1/templates/merge",
];

/// Whether keys of requests with this path pattern have an effect.
fn takes_keys(route: &str) -> bool {
    (route.starts_with("/v1/") || route.starts_with("/customer/v1/")) && !CHANGE_NOTHING.contains(&route)
}

/// Who sends a request with a key.
pub(crate) struct KeySender {
    /// The actor, without a name. A key belongs to one actor.
    pub actor: String,
    /// What else a response depends on, and the sender does not choose.
    pub role: &'static str,
    /// The tenant whose erasure also erases the stored response.
    pub tenant: Option<TenantRef>,
}

/// The layer of the admin API: processes a request with a key once, and replays its response afterwards.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !has_key(&request) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let sender = match auth::identity(&mut parts, &state).await {
        Ok(identity) => KeySender {
            actor: identity.actor.opaque(),
            // The role of a user can change, and a response is only for the role that it was made for.
            role: match &identity.actor {
                Actor::User { .. } => identity.role.into(),
                _ => "",
            },
            tenant: tenant_in(parts.uri.path()),
        },
        Err(problem) => return problem.into_response(),
    };
    once(state, &sender, Request::from_parts(parts, body), next).await
}

/// Whether a request has a key that has an effect.
pub(crate) fn has_key(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    request.method() == Method::POST && takes_keys(route) && request.headers().contains_key(KEY)
}

/// Processes a request with a key once, and replays its response afterwards.
pub(crate) async fn once(state: AppState, sender: &KeySender, request: Request, next: Next) -> Response {
    match admit(&state, sender, request).await {
        Ok((turn, request)) => answer(state, turn, request, next).await,
        Err(problem) => problem.into_response(),
    }
}

/// Claims the key, and returns the request with its body restored.
async fn admit(state: &AppState, sender: &KeySender, request: Request) -> Result<(IdempotencyTurn, Request), Problem> {
    let key = key(&request)?;
    let (mut parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
        .await
        .map_err(|rejection| unreadable_body(&rejection))?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request_id = parts.extensions.get::<RequestId>().map(ToString::to_string);
    let request = KeyedRequest {
        sender: &sender.actor,
        key: &key,
        fingerprint: RequestFingerprint::of(&[parts.method.as_str().as_bytes(), path.as_bytes(), &body, sender.role.as_bytes()]),
        tenant: sender.tenant.as_ref(),
        request_id: request_id.as_deref(),
        process: state.presence.process(),
    };
    let turn = idempotency::begin(&state.context, &request).await?;
    if let IdempotencyTurn::First(claim) = &turn {
        parts.extensions.insert(*claim);
    }
    Ok((turn, Request::from_parts(parts, Body::from(body))))
}

/// The tenant in a path, whose erasure also erases the stored response.
fn tenant_in(path: &str) -> Option<TenantRef> {
    let tenant = path.strip_prefix("/v1/tenants/")?.split('/').next()?;
    TenantRef::parse(tenant).ok()
}

fn key(request: &Request) -> Result<IdempotencyKey, Problem> {
    let mut values = request.headers().get_all(KEY).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        let detail = "send this header once per request";
        return Err(Problem::validation(vec![FieldError::new(KEY.as_str(), "repeated", detail)]));
    }
    IdempotencyKey::parse(first.map_or(b"", HeaderValue::as_bytes))
        .map_err(|malformed| Problem::validation(vec![FieldError::of(KEY.as_str(), malformed)]))
}

async fn answer(state: AppState, turn: IdempotencyTurn, request: Request, next: Next) -> Response {
    match turn {
        IdempotencyTurn::First(claim) => process(state, claim, request, next).await,
        IdempotencyTurn::Replay(kept) => replay(kept),
        IdempotencyTurn::InProgress => Problem::idempotency_key_in_use().into_response(),
        IdempotencyTurn::KeyReused => {
            let detail = "this key was used before with another method, path, body or role; use a new key for each change";
            Problem::validation(vec![FieldError::new(KEY.as_str(), "key_of_another_request", detail)]).into_response()
        }
        IdempotencyTurn::TooManyKeys { seconds } => {
            let detail = format!("You have used {MOST_KEYS} idempotency keys within 24 hours, which is the maximum. No changes were made.");
            Problem::new(ProblemKind::TooManyRequests, detail)
                .retry_after(seconds)
                .into_response()
        }
        IdempotencyTurn::NotReplayable { request_id, change } => not_replayable(request_id.as_deref(), change.as_ref()).into_response(),
    }
}

/// Runs in a task of its own: a client that disconnects will retry, and should get the response then.
async fn process(state: AppState, claim: IdempotencyClaim, request: Request, next: Next) -> Response {
    let context = state.context.clone();
    let processing = async move {
        let response = next.run(request).await;
        settle(&state, claim, response).await
    };
    match tokio::spawn(processing.in_current_span()).await {
        Ok(response) => response,
        Err(broken) => {
            log_failure(idempotency::release(&context, &claim).await);
            match broken.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Problem::new(ProblemKind::Unavailable, "The server is shutting down.").into_response(),
            }
        }
    }
}

/// Keeps the response or releases the key. A failure of either must not cost the caller its response.
async fn settle(state: &AppState, claim: IdempotencyClaim, response: Response) -> Response {
    if !response.status().is_success() {
        log_failure(idempotency::release(&state.context, &claim).await);
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(fault) => {
            error!(%fault, "a response body ended early");
            return Problem::internal().into_response();
        }
    };
    // `no-store` responses hold tokens, links and secrets, which are shown once and must not be stored here either.
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
    log_failure(idempotency::keep(&state.context, &claim, kept.as_ref()).await);
    Response::from_parts(parts, Body::from(body))
}

fn log_failure(stored: Result<(), StoreError>) {
    if let Err(fault) = stored {
        error!(%fault, "cannot update an idempotency key");
    }
}

fn replay(kept: KeptResponse) -> Response {
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

/// The first request was processed, but its response cannot be replayed.
fn not_replayable(request_id: Option<&str>, change: Option<&RecordedChange>) -> Problem {
    let ids = change
        .into_iter()
        .flat_map(ids)
        .fold(String::new(), |list, (name, id)| format!("{list}, {name} {id}"));
    let action = change.map_or("a change", |change| change.action.as_str());
    let remedy = change.map_or_else(|| GENERAL.to_owned(), remedy);
    let by = request_id.map_or_else(String::new, |id| format!(" by request {id}"));
    let text = format!(
        "This request was already processed{by} ({action}{ids}). Its response cannot be replayed, because it contained a secret that is shown only once, or because it was lost. {remedy}"
    );
    let detail = "the request was already processed and is not repeated; see `detail` for what it created";
    Problem::new(ProblemKind::Conflict, text).with_errors(vec![FieldError::new(KEY.as_str(), "answer_not_kept", detail)])
}

const GENERAL: &str = "Read what it created. To create another, send a new idempotency key.";

/// The IDs of what was created, from the audit log.
fn ids(change: &RecordedChange) -> Vec<(String, String)> {
    let detail = change.detail.as_object().into_iter().flatten();
    let mut ids: Vec<(String, String)> = detail
        .filter(|(name, _)| name.ends_with("_id"))
        .filter_map(|(name, id)| Some((name.clone(), id.as_str()?.to_owned())))
        .collect();
    ids.extend(change.tenant_id.map(|id| ("tenant_id".to_owned(), id.to_string())));
    ids
}

fn remedy(change: &RecordedChange) -> String {
    let id = |name: &str| change.detail[name].as_str().unwrap_or_default().to_owned();
    let RecordedAction::Known(action) = &change.action else {
        return GENERAL.to_owned();
    };
    let path = match (action, change.tenant_id) {
        (AuditAction::TokenCreated, _) => format!("/v1/tokens/{}", id("token_id")),
        (AuditAction::WebhookCreated, _) => format!("/v1/webhooks/{}", id("webhook_id")),
        (AuditAction::InviteCreated, Some(tenant)) => format!("/v1/tenants/{tenant}/invites/{}", id("invite_id")),
        _ => return GENERAL.to_owned(),
    };
    format!("If the secret is lost, revoke it with DELETE {path} and create another with a new idempotency key.")
}

/// Documents the header on the operations that take it.
pub(crate) fn describe(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        if let Some(post) = item.post.as_mut().filter(|_| takes_keys(path)) {
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
            "1 to 255 visible ASCII characters, such as a new UUID. Repeating a request with the same key within 24 hours returns the first \
             response with the header `idempotent-replayed: true`. Secrets that are shown once are not replayed (409).",
        ))
        .schema(Some(schema.pattern(Some("^[!-~]+$"))))
        .build()
}

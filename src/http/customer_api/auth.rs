//! The token of a request, and the tenant that it belongs to.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::domain::customer_token::{CustomerToken, PREFIX};
use crate::domain::idempotency::IdempotencyClaim;
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::conventions::extract::record_tenant;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::conventions::request_id::RequestId;
use crate::http::middleware::idempotency::KeySender;
use crate::http::verification_stream::StreamReader;
use crate::service::Caller;
use crate::service::open_invite::{EndedInvite, OpenInviteError, TokenSession, resume_with_token};

/// A program of a customer, with a valid token.
#[derive(Clone)]
pub(crate) struct Customer {
    session: Arc<TokenSession>,
    token: CustomerToken,
    address: IpAddr,
    request_id: Option<String>,
}

/// The same, or one whose invite was valid until the tenant was offboarded.
pub(crate) enum FormerCustomer {
    Connected(Customer),
    Ended(Box<EndedInvite>),
}

impl Deref for Customer {
    type Target = TokenSession;

    fn deref(&self) -> &TokenSession {
        &self.session
    }
}

impl Customer {
    /// The caller that the request acts as.
    pub(crate) fn caller(&self, claim: Option<IdempotencyClaim>) -> Caller {
        Caller {
            request_id: self.request_id.clone(),
            address: Some(self.address),
            claim,
            ..Caller::new(self.actor())
        }
    }

    pub(crate) fn tenant_ref(&self) -> TenantRef {
        TenantRef::Id(self.tenant.id)
    }

    pub(crate) fn stream_reader(&self) -> StreamReader {
        StreamReader::Invite(self.invite.id)
    }

    pub(crate) fn key_sender(&self) -> KeySender {
        KeySender {
            actor: self.actor().opaque(),
            role: "",
            tenant: Some(self.tenant_ref()),
        }
    }

    /// The same customer as of now, after a wait.
    ///
    /// # Errors
    /// 401 when the token was revoked or has expired since.
    pub(crate) async fn again(&self, state: &AppState) -> Result<Self, Problem> {
        let session = resume_with_token(&state.context, &self.token).await;
        Ok(Self {
            session: Arc::new(session.map_err(|error| refusal(error, state))?),
            ..self.clone()
        })
    }
}

impl FromRequestParts<AppState> for Customer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        identify(parts, state).await?.map_err(|error| refusal(error, state))
    }
}

impl FromRequestParts<AppState> for FormerCustomer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match identify(parts, state).await? {
            Ok(customer) => Ok(Self::Connected(customer)),
            Err(OpenInviteError::Offboarded(Some(ended))) => Ok(Self::Ended(ended)),
            Err(error) => Err(refusal(error, state)),
        }
    }
}

/// The customer that the token belongs to, determined once per request.
async fn identify(parts: &mut Parts, state: &AppState) -> Result<Result<Customer, OpenInviteError>, Problem> {
    if let Some(customer) = parts.extensions.get::<Customer>() {
        return Ok(Ok(customer.clone()));
    }
    let token = token(&parts.headers)?;
    let session = match resume_with_token(&state.context, &token).await {
        Ok(session) => session,
        Err(error) => return Ok(Err(error)),
    };
    record_tenant(session.tenant.id);
    state.limits.invite(session.invite.id)?;
    let customer = Customer {
        session: Arc::new(session),
        token,
        address: state.client(&parts.extensions, &parts.headers),
        request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
    };
    parts.extensions.insert(customer.clone());
    Ok(Ok(customer))
}

fn token(headers: &HeaderMap) -> Result<CustomerToken, Problem> {
    let expected = format!("the API token of your invite in the header `Authorization: Bearer {PREFIX}…`");
    let unauthenticated = |detail| Problem::new(ProblemKind::Unauthenticated, detail);
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match text.and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => CustomerToken::from_text(token.trim())
            .ok_or_else(|| unauthenticated(format!("This token is of another kind. Send {expected}."))),
        _ => Err(unauthenticated(format!("Send {expected}."))),
    }
}

/// Why the token does not work, and what to do.
fn refusal(error: OpenInviteError, state: &AppState) -> Problem {
    let vendor = &state.context.vendor.name;
    let contact = state.onboarding.web.contact.as_ref();
    let contact = contact.map_or_else(String::new, |contact| format!(" ({contact})"));
    let ask = format!("Ask {vendor}{contact} for a new invite. Everything submitted so far is saved.");
    let unauthenticated = |what: &str| Problem::new(ProblemKind::Unauthenticated, format!("{what} {ask}"));
    match error {
        OpenInviteError::Unknown => Problem::new(
            ProblemKind::Unauthenticated,
            format!("The token is unknown. Make sure that it is complete, or create another one at your invite link. {ask}"),
        ),
        OpenInviteError::Expired => unauthenticated("The invite that the token belongs to has expired."),
        OpenInviteError::Revoked => unauthenticated("The invite that the token belongs to was revoked."),
        OpenInviteError::SessionEnded => unauthenticated("The token was revoked."),
        OpenInviteError::Offboarded(ended) => {
            let removal = if ended.is_some() {
                " `GET /customer/v1/removal` lists how to remove the access that you granted."
            } else {
                ""
            };
            let detail = format!("This storage connection has ended and can no longer be changed.{removal}");
            Problem::new(ProblemKind::Offboarded, detail)
        }
        OpenInviteError::Store(error) => error.into(),
    }
}

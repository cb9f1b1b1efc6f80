//! Outbound HTTP to URLs that customers or operators chose, guarded against server-side request forgery (SSRF).
//!
//! A request connects only to an allowed address: redirects are not followed, the environment's proxy settings are ignored,
//! and names are resolved once, by [`guarded_resolver`], which filters the addresses. Which networks are allowed is decided
//! by [`AllowedNetworks`].

mod guarded_resolver;

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use crate::domain::ids::MessageId;
use crate::domain::webhook::target::{AllowedNetworks, WebhookUrl};
use crate::domain::webhook::{DeliveryFailure, DeliveryFailureKind};
use guarded_resolver::{BlockedAddress, GuardedResolver};

/// Timeout of connecting, including DNS and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout of the whole request.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// One attempt to deliver a webhook message.
#[derive(Debug)]
pub struct OutboundRequest<'a> {
    pub url: &'a WebhookUrl,
    pub id: MessageId,
    /// When this attempt was made.
    pub at: DateTime<Utc>,
    pub signature: String,
    pub payload: &'a str,
}

/// The HTTP client for outbound requests. Clones share its connections.
#[derive(Debug, Clone)]
pub struct OutboundClient {
    allowed: Arc<AllowedNetworks>,
    https: Client,
    /// For plain http, which is limited to networks that the settings allow explicitly.
    http: Client,
}

impl OutboundClient {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allowed: AllowedNetworks) -> Result<Self, reqwest::Error> {
        let allowed = Arc::new(allowed);
        let client = |named_only| {
            let resolver = GuardedResolver {
                allowed: allowed.clone(),
                named_only,
            };
            Client::builder()
                .dns_resolver(resolver)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TIMEOUT)
                .build()
        };
        Ok(Self {
            https: client(false)?,
            http: client(true)?,
            allowed,
        })
    }

    /// Sends a request once, without retries. Returns the status of a successful response; its body is not read.
    ///
    /// # Errors
    /// Why the message was not delivered, without the URL or the response body.
    pub async fn send(&self, request: OutboundRequest<'_>) -> Result<u16, DeliveryFailure> {
        let url = request.url;
        // The resolver never sees a URL whose host is an IP address.
        if url
            .address()
            .is_some_and(|address| !guarded_resolver::is_allowed(&self.allowed, address, !url.is_https()))
        {
            return Err(DeliveryFailureKind::RefusedTarget.into());
        }
        let client = if url.is_https() { &self.https } else { &self.http };
        let response = client
            .post(url.as_url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, request.id.to_string())
            .header(HEADER_WEBHOOK_TIMESTAMP, request.at.timestamp().to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, request.signature)
            .body(request.payload.to_owned())
            .send()
            .await
            .map_err(|error| DeliveryFailure::from(failure_kind(&error)))?;
        check_status(&response, request.at)
    }
}

fn check_status(response: &Response, now: DateTime<Utc>) -> Result<u16, DeliveryFailure> {
    let status = response.status();
    let kind = match status {
        _ if status.is_success() => return Ok(status.as_u16()),
        StatusCode::GONE => DeliveryFailureKind::Gone,
        _ if status.is_redirection() => DeliveryFailureKind::Redirected,
        _ => DeliveryFailureKind::Status,
    };
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(DeliveryFailure {
        kind,
        status: Some(status.as_u16()),
        retry_after: retry_after.and_then(|text| retry_delay(text, now)),
    })
}

/// The delay in a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
fn retry_delay(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    (until.to_utc() - now).to_std().ok()
}

/// The error itself is not kept or logged: it contains the URL.
fn failure_kind(error: &reqwest::Error) -> DeliveryFailureKind {
    let mut causes: Vec<&(dyn StdError + 'static)> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    if causes.iter().any(|cause| cause.is::<BlockedAddress>()) {
        return DeliveryFailureKind::RefusedTarget;
    }
    if error.is_timeout() {
        return DeliveryFailureKind::TimedOut;
    }
    match () {
        () if error.is_dns() => DeliveryFailureKind::Unresolvable,
        () if error.is_connect() && causes.iter().any(|cause| is_tls_failure(*cause)) => DeliveryFailureKind::Tls,
        () if error.is_connect() => DeliveryFailureKind::Unreachable,
        () => DeliveryFailureKind::BrokenOff,
    }
}

/// rustls reports a failed handshake as an I/O error of kind `InvalidData`, sometimes wrapped in another one.
fn is_tls_failure(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|fault| {
        let inner = fault.get_ref().map(|inner| -> &(dyn StdError + 'static) { inner });
        fault.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_tls_failure)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("120", Some(120))]
    #[case(" 0 ", Some(0))]
    #[case("Fri, 15 Jan 2027 08:01:00 GMT", Some(60))]
    #[case("Fri, 15 Jan 2027 07:00:00 GMT", None)]
    #[case("soon", None)]
    #[case("-1", None)]
    fn a_retry_after_is_seconds_or_a_date(#[case] text: &str, #[case] seconds: Option<u64>) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(retry_delay(text, now), seconds.map(Duration::from_secs));
    }
}

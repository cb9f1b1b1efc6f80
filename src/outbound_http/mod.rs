//! The way out: what Latchkey sends to addresses that others chose. A message goes to an address that was judged, and nowhere
//! else: no redirect is followed, no proxy of the environment is asked, and a name is resolved once, by who judges its addresses.

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

/// For a connection, with its name's addresses and TLS.
const CONNECT: Duration = Duration::from_secs(5);

/// For all of it.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// What is sent.
#[derive(Debug)]
pub struct OutboundRequest<'a> {
    pub url: &'a WebhookUrl,
    pub id: MessageId,
    /// Of this attempt.
    pub at: DateTime<Utc>,
    pub signature: String,
    pub payload: &'a str,
}

/// Shared by all that send.
#[derive(Debug, Clone)]
pub struct OutboundClient {
    allowed: Arc<AllowedNetworks>,
    https: Client,
    /// Over http only what a setting names is reached.
    http: Client,
}

impl OutboundClient {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allowed: AllowedNetworks) -> Result<Self, reqwest::Error> {
        let allowed = Arc::new(allowed);
        let client = |named_only| {
            let judge = GuardedResolver {
                allowed: allowed.clone(),
                named_only,
            };
            Client::builder()
                .dns_resolver(judge)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .timeout(TIMEOUT)
                .build()
        };
        Ok(Self {
            https: client(false)?,
            http: client(true)?,
            allowed,
        })
    }

    /// Sends a letter once. The status of the answer when it is delivered; nothing else of an answer is read.
    pub async fn send(&self, letter: OutboundRequest<'_>) -> Result<u16, DeliveryFailure> {
        let url = letter.url;
        // What has an address in the place of a name is not resolved.
        if url
            .address()
            .is_some_and(|address| !guarded_resolver::may_be_reached(&self.allowed, address, !url.is_https()))
        {
            return Err(DeliveryFailureKind::RefusedTarget.into());
        }
        let client = if url.is_https() { &self.https } else { &self.http };
        let answer = client
            .post(url.as_url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, letter.id.to_string())
            .header(HEADER_WEBHOOK_TIMESTAMP, letter.at.timestamp().to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, letter.signature)
            .body(letter.payload.to_owned())
            .send()
            .await
            .map_err(|error| DeliveryFailure::from(kind_of(&error)))?;
        judge(&answer, letter.at)
    }
}

fn judge(answer: &Response, now: DateTime<Utc>) -> Result<u16, DeliveryFailure> {
    let status = answer.status();
    let kind = match status {
        _ if status.is_success() => return Ok(status.as_u16()),
        StatusCode::GONE => DeliveryFailureKind::Gone,
        _ if status.is_redirection() => DeliveryFailureKind::Redirected,
        _ => DeliveryFailureKind::Status,
    };
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(DeliveryFailure {
        kind,
        status: Some(status.as_u16()),
        retry_after: retry_after.and_then(|text| gap(text, now)),
    })
}

/// Seconds or a date, as RFC 9110 has it.
fn gap(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    (until.to_utc() - now).to_std().ok()
}

/// The error itself is told nowhere: it names the URL.
fn kind_of(error: &reqwest::Error) -> DeliveryFailureKind {
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
        () if error.is_connect() && causes.iter().any(|cause| is_of_tls(*cause)) => DeliveryFailureKind::Tls,
        () if error.is_connect() => DeliveryFailureKind::Unreachable,
        () => DeliveryFailureKind::BrokenOff,
    }
}

/// What TLS refuses comes as an I/O error of this kind, at times inside another one.
fn is_of_tls(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|fault| {
        let inner = fault.get_ref().map(|inner| -> &(dyn StdError + 'static) { inner });
        fault.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_of_tls)
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
        assert_eq!(gap(text, now), seconds.map(Duration::from_secs));
    }
}

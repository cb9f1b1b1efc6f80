//! Fetches the provider's discovery document and keys.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};
use serde::Deserialize;

use super::keys::VerificationKeys;
use crate::settings::is_https_or_loopback;

/// Timeout of each request.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
/// Key sets are a few kilobytes.
const MAX: usize = 256 * 1024;

/// Why no keys are available.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("{url} did not respond: {cause}")]
    Silent { url: String, cause: String },
    #[error("{url} responded with status {status}")]
    Status { url: String, status: StatusCode },
    #[error("the response from {url} exceeds {MAX} bytes")]
    TooLarge { url: String },
    #[error("the response from {url} is not a valid {what}")]
    Unreadable { url: String, what: &'static str },
    #[error("{url} names the issuer {found:?} instead of {wanted:?}")]
    OtherIssuer { url: String, found: String, wanted: String },
    #[error("jwks_uri in {url} is {found:?}, which is not an https URL")]
    Unsafe { url: String, found: String },
    #[error("{url} has no key for an accepted signature algorithm")]
    NoKey { url: String },
}

impl FetchError {
    /// Whether a retry may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            Self::Status { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            _ => false,
        }
    }
}

/// The fields of the discovery document that Latchkey needs:
/// <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>
#[derive(Deserialize)]
struct ProviderMetadata {
    issuer: String,
    jwks_uri: String,
}

pub(crate) struct Fetcher {
    http: Client,
    issuer: String,
    jwks_url: Option<Url>,
}

impl Fetcher {
    pub(crate) fn new(issuer: String, jwks_url: Option<Url>) -> Self {
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client needs nothing that could be missing");
        Self { http, issuer, jwks_url }
    }

    pub(crate) async fn fetch(&self) -> Result<VerificationKeys, FetchError> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let keys = VerificationKeys::read(self.get(&url).await?).ok_or_else(|| FetchError::Unreadable {
            url: url.to_string(),
            what: "key set",
        })?;
        if keys.is_empty() {
            return Err(FetchError::NoKey { url: url.to_string() });
        }
        Ok(keys)
    }

    async fn discover(&self) -> Result<Url, FetchError> {
        let text = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let url = Url::parse(&text).expect("the issuer is a valid URL");
        let document = self.get(&url).await?;
        let url = url.to_string();
        let discovered: ProviderMetadata = serde_json::from_slice(&document).map_err(|_| FetchError::Unreadable {
            url: url.clone(),
            what: "discovery document",
        })?;
        if discovered.issuer != self.issuer {
            return Err(FetchError::OtherIssuer {
                url,
                found: discovered.issuer,
                wanted: self.issuer.clone(),
            });
        }
        match Url::parse(&discovered.jwks_uri) {
            Ok(keys) if is_https_or_loopback(&keys) => Ok(keys),
            _ => Err(FetchError::Unsafe {
                url,
                found: discovered.jwks_uri,
            }),
        }
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let silent = |error: reqwest::Error| FetchError::Silent {
            url: url.to_string(),
            cause: root_cause(&error),
        };
        let mut answer = self.http.get(url.clone()).send().await.map_err(silent)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status {
                url: url.to_string(),
                status: answer.status(),
            });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(silent)? {
            if body.len() + chunk.len() > MAX {
                return Err(FetchError::TooLarge { url: url.to_string() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

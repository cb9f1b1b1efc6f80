//! Temporary credentials in the form that AWS SDKs read.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::document_session::CredentialsRefused;
use crate::clock::SharedClock;
use crate::cloud::AwsSession;

/// SDKs refresh credentials when less than ten minutes remain, so those handed out must last longer.
const MIN_VALIDITY: TimeDelta = TimeDelta::minutes(10);
/// How long before they must no longer be handed out credentials are renewed in the background.
const RENEW_AHEAD: TimeDelta = TimeDelta::minutes(5);
/// Spreads the renewal of credentials that were made at the same time.
const JITTER_SECONDS: i64 = 120;

/// Temporary credentials, serialized once. `Debug` does not show them.
pub struct Credentials {
    body: Bytes,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) usable_until: DateTime<Utc>,
    pub(super) renew_at: DateTime<Utc>,
    is_recorded: AtomicBool,
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CredentialsBody<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// # Errors
    /// When the session has no expiry: it could not be cached safely.
    pub(super) fn new(session: &AwsSession, clock: &SharedClock) -> Result<Self, CredentialsRefused> {
        let expires_at = session.expires_at().ok_or(CredentialsRefused::UNANSWERED)?;
        let keys = session.keys();
        let body = CredentialsBody {
            access_key_id: keys.id,
            secret_access_key: keys.secret,
            token: keys.token,
            expiration: expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        };
        let body = serde_json::to_vec(&body).expect("strings can be serialized");
        let jitter = i64::from(u32::from_be_bytes(clock.random())) % JITTER_SECONDS;
        let usable_until = expires_at - MIN_VALIDITY - TimeDelta::seconds(jitter);
        // A short session would be due for renewal at once.
        let ahead = RENEW_AHEAD.min((usable_until - clock.now()) / 4);
        Ok(Self {
            body: body.into_boxed_slice().into(),
            expires_at,
            usable_until,
            renew_at: usable_until - ahead,
            is_recorded: AtomicBool::new(false),
        })
    }

    /// Whether the database knows that these credentials were handed out.
    pub fn is_recorded(&self) -> bool {
        self.is_recorded.load(Ordering::Relaxed)
    }

    pub(crate) fn set_recorded(&self) {
        self.is_recorded.store(true, Ordering::Relaxed);
    }

    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

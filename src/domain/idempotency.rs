//! Idempotency keys: a request that is sent twice is processed once.

use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit::RecordedAction;
use super::ids::TenantId;
use super::text::Malformed;

/// How long a key is remembered.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How many keys of one sender are remembered at a time.
pub(crate) const MOST_KEYS: i64 = 10_000;

/// After this time, a request counts as lost even if its process lives: it may be frozen.
pub(crate) const LOST_AFTER: TimeDelta = TimeDelta::minutes(1);

/// The value of the header `idempotency-key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    const LONGEST: usize = 255;

    /// # Errors
    /// `malformed_idempotency_key`.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let malformed = || {
            let detail =
                "an idempotency key consists of 1 to 255 visible ASCII characters without whitespace, such as a new UUID for each change";
            Malformed::new("malformed_idempotency_key", detail)
        };
        if !(1..=Self::LONGEST).contains(&text.len()) || !text.iter().all(u8::is_ascii_graphic) {
            return Err(malformed());
        }
        String::from_utf8(text.to_vec()).map(Self).map_err(|_| malformed())
    }

    /// The key as it is stored, scoped to the sender.
    pub fn of_sender(&self, sender: &str) -> RequestFingerprint {
        RequestFingerprint::of(&[sender.as_bytes(), self.0.as_bytes()])
    }
}

/// SHA-256 of several parts, each with its length, so that different lists never have the same input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestFingerprint([u8; 32]);

impl RequestFingerprint {
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The right to process the request of a key. A request that takes over a lost one invalidates its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyClaim {
    pub key: RequestFingerprint,
    pub id: Uuid,
}

/// A response that is stored to be replayed.
#[derive(Debug)]
pub struct KeptResponse {
    pub status: u16,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a processed request changed, from its entry in the audit log.
#[derive(Debug)]
pub struct RecordedChange {
    pub action: RecordedAction,
    pub tenant_id: Option<TenantId>,
    pub detail: Value,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b"k", true)]
    #[case(b"8e03978e-40d5-43e8-bc93-6894a57f9324", true)]
    #[case(b"!~", true)]
    #[case(&[b'k'; 255], true)]
    #[case(&[b'k'; 256], false)]
    #[case(b"", false)]
    #[case(b"a b", false)]
    #[case(b"a\x7f", false)]
    #[case("k\u{fc}".as_bytes(), false)]
    fn a_key_consists_of_visible_ascii(#[case] text: &[u8], #[case] good: bool) {
        assert_eq!(IdempotencyKey::parse(text).is_ok(), good);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(RequestFingerprint::of(&[b"ab", b"c"]), RequestFingerprint::of(&[b"a", b"bc"]));
    }
}

//! Signing secrets. They are never stored: each is derived from a key in the settings, the webhook's ID and the secret's number.
//! The database alone reveals none of them.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chrono::{DateTime, Utc};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;
use standardwebhooks::Webhook as SigningSecret;

use super::Webhook;
use crate::domain::ids::{MessageId, WebhookId};
use crate::domain::text::{Malformed, checked_text};

/// Identifies a key without revealing it. It is derived from the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyId(String);

impl SigningKeyId {
    /// # Errors
    /// `malformed_key_id`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Malformed::new("malformed_key_id", "a key ID consists of 16 hexadecimal digits"));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(SigningKeyId);

/// The inputs that a webhook's secrets are derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The number of the current secret, starting at 1.
    pub generation: i32,
    pub key: SigningKeyId,
    /// The key of the previous secret, and when it stops signing.
    pub previous: Option<(SigningKeyId, DateTime<Utc>)>,
}

/// A key in the settings.
struct SigningKey {
    id: SigningKeyId,
    bytes: SecretBox<[u8; 32]>,
}

/// The keys in the settings. New secrets use the first. The others remain for existing secrets.
#[derive(Default, Clone)]
pub struct SigningKeys(Arc<[SigningKey]>);

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// The key that a webhook's secret is derived from is not in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("LATCHKEY_WEBHOOK_KEY does not contain the key that this webhook's secret is derived from")]
pub struct NoSigningKey;

impl SigningKeys {
    /// Keys separated by commas, each 32 bytes in hexadecimal digits or in base64.
    ///
    /// # Errors
    /// What is wrong, without the key.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for (at, text) in text
            .expose_secret()
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .enumerate()
        {
            let bytes = hex::decode(text)
                .ok()
                .or_else(|| STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok())
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or_else(|| format!("key {} is not 32 bytes in hexadecimal digits or base64", at + 1))?;
            let key = SigningKey::new(bytes);
            if keys.iter().any(|other| other.id == key.id) {
                return Err(format!("key {} appears twice", at + 1));
            }
            keys.push(key);
        }
        Ok(Self(keys.into()))
    }

    /// The key for new secrets, if there is one.
    pub fn first(&self) -> Option<SigningKeyId> {
        self.0.first().map(|key| key.id.clone())
    }

    /// The webhook's current secret, in the format that receivers use.
    pub fn secret(&self, webhook: WebhookId, signing: &Signing) -> Result<SecretString, NoSigningKey> {
        let bytes = self.derive(webhook, &signing.key, signing.generation)?;
        Ok(format!("whsec_{}", STANDARD.encode(bytes.expose_secret())).into())
    }

    /// The header `webhook-signature`: one signature for each secret that is valid at that time, separated by spaces.
    pub fn sign(&self, webhook: &Webhook, message: MessageId, at: DateTime<Utc>, payload: &str) -> Result<String, NoSigningKey> {
        let Signing { generation, key, previous } = &webhook.signing;
        let mut secrets = vec![self.derive(webhook.id, key, *generation)?];
        if let Some((key, _)) = previous.as_ref().filter(|(_, until)| *until > at) {
            // The receiver may already use the new secret, so a missing previous key must not prevent sending.
            secrets.extend(self.derive(webhook.id, key, generation - 1));
        }
        let sign = |secret: &SecretBox<[u8; 32]>| {
            SigningSecret::from_bytes(secret.expose_secret().to_vec())
                .and_then(|signer| signer.sign(&message.to_string(), at.timestamp(), payload.as_bytes()))
                .expect("a key of any bytes signs any text")
        };
        Ok(secrets.iter().map(sign).collect::<Vec<_>>().join(" "))
    }

    fn derive(&self, webhook: WebhookId, key: &SigningKeyId, generation: i32) -> Result<SecretBox<[u8; 32]>, NoSigningKey> {
        let key = self.0.iter().find(|own| own.id == *key).ok_or(NoSigningKey)?;
        let generation = generation.to_be_bytes();
        Ok(SecretBox::new(Box::new(expand(
            key.bytes.expose_secret(),
            &[b"latchkey webhook secret", webhook.as_uuid().as_bytes(), &generation],
        ))))
    }
}

impl SigningKey {
    fn new(bytes: [u8; 32]) -> Self {
        let id: [u8; 8] = expand(&bytes, &[b"latchkey webhook key id"]);
        Self {
            id: SigningKeyId(hex::encode(id)),
            bytes: SecretBox::new(Box::new(bytes)),
        }
    }
}

/// HKDF of RFC 5869, with SHA-256.
fn expand<const N: usize>(key: &[u8], info: &[&[u8]]) -> [u8; N] {
    let mut derived = [0; N];
    Hkdf::<Sha256>::new(None, key)
        .expand_multi_info(info, &mut derived)
        .expect("so few bytes can be derived");
    derived
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn keys(text: &str) -> SigningKeys {
        SigningKeys::parse(&SecretString::from(text)).unwrap()
    }

    fn webhook() -> WebhookId {
        WebhookId::parse("01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11").unwrap()
    }

    fn signing(keys: &SigningKeys, generation: i32) -> Signing {
        Signing {
            generation,
            key: keys.first().unwrap(),
            previous: None,
        }
    }

    /// Secrets must never change. These were computed with another implementation of HKDF.
    #[test]
    fn a_secret_is_always_the_same() {
        let keys = keys(&"0b".repeat(32));
        assert_eq!(keys.first().unwrap().as_str(), "07f15b198abf4f82");
        let secret = keys.secret(webhook(), &signing(&keys, 1)).unwrap();
        assert_eq!(secret.expose_secret(), "whsec_R8RmgaksX6QgcwRUFcCyZ03749yoB5M92xyAr3x+ylU=");
        let next = keys.secret(webhook(), &signing(&keys, 2)).unwrap();
        assert_ne!(next.expose_secret(), secret.expose_secret());
    }

    #[test]
    fn a_key_is_read_in_either_form_and_never_shown() {
        let hexadecimal = keys(&"ab".repeat(32));
        let base64 = keys(&STANDARD.encode([0xab; 32]));
        assert_eq!(hexadecimal.first(), base64.first());
        let both = keys(&format!("{},{}", "0b".repeat(32), "ab".repeat(32)));
        let shown = format!("{both:?}");
        assert!(!shown.contains("0b0b") && !shown.contains("abab"), "{shown}");
        assert!(keys("").first().is_none());
    }

    #[rstest]
    #[case("secret")]
    #[case("ab")]
    #[case(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b,0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
    )]
    fn an_invalid_key_is_reported_without_revealing_it(#[case] text: &str) {
        let fault = SigningKeys::parse(&SecretString::from(text)).unwrap_err();
        assert!(!fault.contains(text), "{fault}");
    }

    #[test]
    fn older_keys_still_derive_their_secrets_and_missing_keys_derive_nothing() {
        let old = keys(&"0b".repeat(32));
        let both = keys(&format!("{},{}", "ab".repeat(32), "0b".repeat(32)));
        let signing = signing(&old, 3);
        let secret = |keys: &SigningKeys| keys.secret(webhook(), &signing).map(|secret| secret.expose_secret().to_owned());
        assert_eq!(secret(&old), secret(&both));
        assert_eq!(secret(&keys(&"ab".repeat(32))), Err(NoSigningKey));
    }
}

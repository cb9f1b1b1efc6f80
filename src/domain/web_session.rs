//! Session secrets in browser cookies, and the CSRF tokens of forms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::token::TokenHash;

/// The secret of a session.
#[derive(Debug, Clone)]
pub struct WebSession(SecretString);

impl WebSession {
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(encoded(&bytes))
    }

    /// Derives a session's secret from another secret, one-way.
    pub fn derived(purpose: &str, secret: &str) -> Self {
        Self(derived(purpose, secret))
    }

    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }

    /// The CSRF token in the forms of this session. Neither another site nor another session in the same browser has it.
    pub fn form_token(&self) -> String {
        derived("latchkey form token", self.expose()).expose_secret().to_owned()
    }

    pub fn is_form_token(&self, text: &str) -> bool {
        // Compares hashes, so that the timing reveals nothing about the token.
        TokenHash::of(text) == TokenHash::of(&self.form_token())
    }
}

fn derived(purpose: &str, secret: &str) -> SecretString {
    let mut digest = Sha256::new();
    digest.update(purpose.as_bytes());
    digest.update([0]);
    digest.update(secret.as_bytes());
    encoded(&digest.finalize())
}

/// 32 bytes, encoded for URLs and cookies.
pub(crate) fn encoded(bytes: &[u8]) -> SecretString {
    URL_SAFE_NO_PAD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_belongs_to_one_session() {
        let (one, other) = (WebSession::from_random([7; 32]), WebSession::from_random([8; 32]));
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.form_token(), one.expose());
        assert!(one.is_form_token(&one.form_token()));
        assert!(!one.is_form_token(&other.form_token()) && !one.is_form_token(""));
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}

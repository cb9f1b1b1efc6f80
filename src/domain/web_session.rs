//! The secrets of browser sessions: the cookie's value, and the CSRF token of the session's forms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::token::TokenHash;

/// The secret of a session.
#[derive(Debug, Clone)]
pub struct WebSession(SecretString);

impl WebSession {
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(encoded(&bytes))
    }

    /// Derives a session's secret from another secret. The other secret cannot be computed from it.
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

    /// The CSRF token in every form of this session. Other sites do not know it, and neither do other sessions in the same
    /// browser.
    pub fn form_token(&self) -> String {
        derived("latchkey form token", self.expose()).expose_secret().to_owned()
    }

    pub fn is_form_token(&self, text: &str) -> bool {
        self.form_token().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// HKDF of RFC 5869, with SHA-256.
fn derived(purpose: &str, secret: &str) -> SecretString {
    let mut bytes = [0; 32];
    Hkdf::<Sha256>::new(None, secret.as_bytes())
        .expand(purpose.as_bytes(), &mut bytes)
        .expect("32 bytes can be derived");
    encoded(&bytes)
}

/// Base64 for URLs and cookies.
pub(crate) fn encoded(bytes: &[u8]) -> SecretString {
    URL_SAFE_NO_PAD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_is_valid_only_in_its_session() {
        let (one, other) = (WebSession::from_random([7; 32]), WebSession::from_random([8; 32]));
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.form_token(), one.expose());
        assert!(one.is_form_token(&one.form_token()));
        assert!(!one.is_form_token(&other.form_token()) && !one.is_form_token(""));
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}

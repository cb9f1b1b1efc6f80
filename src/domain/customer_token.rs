//! API tokens of customers. Each belongs to an invite, and is valid as long as the invite is.

use secrecy::{ExposeSecret, SecretString};

use super::token::TokenHash;

/// The prefix of every customer's token. Not the one of the vendor's tokens, so that either API can say which one it was sent.
pub const PREFIX: &str = "lkc_";

/// The text of a token: `lkc_<64 hexadecimal digits>`. It is shown once; only its hash is stored.
#[derive(Debug, Clone)]
pub struct CustomerToken(SecretString);

impl CustomerToken {
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", hex::encode(bytes)).into())
    }

    /// A token from a request. None if it is of another kind.
    pub fn from_text(text: &str) -> Option<Self> {
        text.starts_with(PREFIX).then(|| Self(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::token::{self, Role};

    #[test]
    fn it_differs_from_the_vendors_tokens_and_is_not_printed() {
        let token = CustomerToken::from_random([0xab; 32]);
        assert_eq!(token.expose(), format!("lkc_{}", "ab".repeat(32)));
        assert_eq!(CustomerToken::from_text(token.expose()).map(|read| read.hash()), Some(token.hash()));
        assert!(!token.expose().starts_with(token::PREFIX));
        assert!(CustomerToken::from_text(token::text_of(Role::Admin, [1; 32]).expose_secret()).is_none());
        assert!(!format!("{token:?}").contains("abab"));
    }
}

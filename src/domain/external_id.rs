//! The external ID: what ties a tenant's grants to that tenant.

use super::text::{Malformed, checked_text};

/// Issued by Latchkey, one for each tenant. `[A-Za-z0-9-]`, so that it fits `sts:ExternalId`, a session tag's value
/// and every template alike. Not a secret, but not to be guessed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// # Errors
    /// `malformed_external_id`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if (8..=128).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(Malformed::new(
            "malformed_external_id",
            "an external ID has 8 to 128 letters, digits and hyphens; it is issued and cannot be chosen",
        ))
    }

    /// An ID made of 20 random bytes, in the form that all issued ones have.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        Self(format!("lk-{}", hex::encode(bytes)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(ExternalId, "lk-3f1c9a5e7b2d4860a1b2c3d4e5f60718293a4b5c");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_issued_parses_and_prints_back(bytes in any::<[u8; 20]>()) {
            let issued = ExternalId::from_random(bytes);
            prop_assert_eq!(ExternalId::parse(issued.as_str()).unwrap(), issued);
        }

        #[test]
        fn garbage_never_panics(text in any::<String>()) {
            let _ = ExternalId::parse(&text);
        }
    }
}

//! External IDs, which tie a tenant's grants to that tenant.

use super::text::{Malformed, checked_text};

/// An external ID, issued by Latchkey for each tenant. Consists of `[A-Za-z0-9-]`, which `sts:ExternalId`, session tags and
/// all templates allow. It is not a secret, but it must not be guessable.
///
/// ```
/// use latchkey::domain::external_id::ExternalId;
///
/// let id = ExternalId::from_random([0xab; 20]);
/// assert_eq!(id.as_str(), "lk-abababababababababababababababababababab");
/// assert_eq!(ExternalId::parse("my id").unwrap_err().code, "malformed_external_id");
/// ```
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
            "an external ID consists of 8 to 128 letters, digits and hyphens; it is issued by the vendor and cannot be chosen",
        ))
    }

    /// An external ID made of 20 random bytes, in the issued format.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        Self(format!("lk-{}", hex::encode(bytes)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(ExternalId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn issued_ids_can_be_parsed(bytes in any::<[u8; 20]>()) {
            let issued = ExternalId::from_random(bytes);
            prop_assert_eq!(ExternalId::parse(issued.as_str()).unwrap(), issued);
        }

        #[test]
        fn garbage_never_panics(text in any::<String>()) {
            let _ = ExternalId::parse(&text);
        }
    }
}

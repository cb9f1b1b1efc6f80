//! IDs: UUIDs of version 7, which sort by creation time.

use smol_str::SmolStr;
use uuid::Uuid;

use super::text::{Malformed, checked_text, is_line};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// # Errors
            /// `malformed_id` unless the text is a UUID in its hyphenated form.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                Uuid::try_parse(text).map(Self).map_err(|_| {
                    Malformed::new("malformed_id", "expected a UUID, such as 01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11")
                })
            }

            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Uuid::deserialize(deserializer).map(Self)
            }
        }
    };
}

id!(TenantId);
id!(
    /// One submitted storage config, which is one version of a tenant.
    StorageConfigId
);
id!(VerificationId);
id!(TokenId);
id!(InviteId);
id!(AuditEventId);
id!(WebhookId);
id!(
    /// A webhook message: the same ID for all webhooks and all attempts.
    MessageId
);
id!(
    /// One message to one webhook.
    DeliveryId
);
id!(SessionId);
id!(DriftId);
id!(
    /// A campaign for an update of the documents.
    CampaignId
);
id!(IncidentId);
id!(
    /// A person at the customer who gets mail.
    ContactId
);
id!(
    /// One mail to one contact.
    MailId
);
id!(
    /// A browser that opened an invite, or an API token that belongs to it.
    InviteSessionId
);

/// A tenant's short name in URLs: unique, immutable, `[a-z0-9-]{2,63}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug(SmolStr);

impl Slug {
    /// # Errors
    /// `malformed_slug`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(2..=63).contains(&text.len()) || !text.chars().all(allowed) {
            return Err(Malformed::new(
                "malformed_slug",
                "a slug consists of 2 to 63 lowercase letters, digits and hyphens, such as acme-corp",
            ));
        }
        // URLs accept either a slug or an ID in the same place, so a slug must not look like an ID.
        if Uuid::try_parse(text).is_ok() {
            return Err(Malformed::new("slug_is_a_uuid", "a slug must not look like a UUID; choose a name"));
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(Slug);

/// A tenant's display name: 1 to 200 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName(String);

impl TenantName {
    /// # Errors
    /// `malformed_name`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if !is_line(text, 200) {
            return Err(Malformed::new(
                "malformed_name",
                "a name must be a single line of 1 to 200 characters, such as Acme Corporation",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(TenantName);

/// A tenant's ID or slug, as in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRef {
    Id(TenantId),
    Slug(Slug),
}

impl TenantRef {
    /// # Errors
    /// `malformed_slug`, because any text that is not a UUID is parsed as a slug.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match TenantId::parse(text) {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Slug::parse(text).map(Self::Slug),
        }
    }
}

impl std::fmt::Display for TenantRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

impl std::str::FromStr for TenantRef {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_slug_prints_back_the_same(text in "[a-z0-9-]{2,31}") {
            prop_assert_eq!(Slug::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn garbage_never_panics(text in any::<String>()) {
            let _ = (Slug::parse(&text), TenantId::parse(&text), TenantRef::parse(&text), TenantName::parse(&text));
        }

        #[test]
        fn an_id_prints_back_the_same(bits in any::<u128>()) {
            let id = TenantId::from(Uuid::from_u128(bits));
            prop_assert_eq!(TenantId::parse(&id.to_string()).unwrap(), id);
        }
    }

    #[test]
    fn a_slug_cannot_be_a_uuid() {
        let code = Slug::parse("01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11").unwrap_err().code;
        assert_eq!(code, "slug_is_a_uuid");
    }

    #[test]
    fn a_slug_has_limits() {
        for bad in ["", "a", "Acme", "a_b", "a b", &"a".repeat(64), "é-é"] {
            assert_eq!(Slug::parse(bad).unwrap_err().code, "malformed_slug", "{bad:?}");
        }
    }
}

//! Contacts of a tenant: people at the customer who are notified by mail of what happens to their storage.

use chrono::{DateTime, TimeDelta, Utc};
use lettre::Address;
use serde::Serialize;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::ids::{ContactId, InviteId, TenantId};
use super::text::{Malformed, checked_text, is_line};
use super::token::TokenHash;

/// The maximum number of contacts of a tenant.
pub const MOST: usize = 10;

/// How long the link for confirming an address is valid.
pub const CONFIRMATION_LIFETIME: TimeDelta = TimeDelta::days(7);

/// How long the link for stopping mail is valid: long after the mail that it is in.
pub const STOP_LIFETIME: TimeDelta = TimeDelta::days(365);

/// How many confirmations an address gets within 24 hours, from all tenants together.
pub const CONFIRMATIONS_PER_ADDRESS: i64 = 3;

/// How many confirmations a tenant causes within 24 hours.
pub const CONFIRMATIONS_PER_TENANT: i64 = 20;

/// An address that mail can be sent to: ASCII, without a quoted part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The longest address that fits into an SMTP path: RFC 5321, 4.5.3.1.3.
    const LONGEST: usize = 254;

    /// # Errors
    /// `malformed_email`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let is_plain =
            is_line(text, Self::LONGEST) && text.is_ascii() && !text.contains(['"', '\\', '<', '>', ',', ';', '(', ')', '[', ']', ' ']);
        let address = text.parse::<Address>().ok().filter(|_| is_plain);
        let Some(address) = address.filter(|address| address.domain().contains(|c: char| c.is_ascii_alphabetic())) else {
            return Err(Malformed::new(
                "malformed_email",
                "enter one email address, such as jo@example.com, in ASCII characters (the xn-- form of an internationalized domain)",
            ));
        };
        Ok(Self(address.to_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Identifies the address, whatever its case.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0.to_ascii_lowercase())
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Enough to recognize one's own address: `j…@example.com`.
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or_default();
        let first = local.chars().next().unwrap_or_default();
        format!("{first}…@{domain}")
    }
}

checked_text!(EmailAddress);

/// A contact's name: 1 to 100 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactName(String);

impl ContactName {
    /// # Errors
    /// `malformed_name`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if !is_line(text, 100) {
            return Err(Malformed::new(
                "malformed_name",
                "a name must be a single line of 1 to 100 characters, such as Jo Miller",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(ContactName);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub id: ContactId,
    pub tenant_id: TenantId,
    pub name: ContactName,
    pub email: EmailAddress,
    /// The invite with which the customer entered the address. None if operators did.
    pub invite_id: Option<InviteId>,
    pub created_at: DateTime<Utc>,
    /// When the address was confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When the contact asked for no more mail.
    pub stopped_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ContactState {
    /// Gets nothing but the confirmation.
    Unconfirmed,
    Confirmed,
    /// Asked for no more mail.
    Stopped,
}

impl Contact {
    pub fn state(&self) -> ContactState {
        match (self.stopped_at, self.confirmed_at) {
            (Some(_), _) => ContactState::Stopped,
            (None, Some(_)) => ContactState::Confirmed,
            (None, None) => ContactState::Unconfirmed,
        }
    }

    /// Whether operators entered it. An address that came through an invite's link must not get a link that can do more: somebody with a
    /// leaked link could otherwise keep its rights forever.
    pub fn is_vouched_for(&self) -> bool {
        self.invite_id.is_none()
    }
}

/// What a link in a mail does, besides opening the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ContactLinkPurpose {
    Confirm,
    Stop,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("jo@example.com")]
    #[case(" jo.miller+storage@mail.example.co.uk ")]
    #[case("o'brien@xn--bcher-kva.example")]
    fn an_address_is_kept_as_it_was_entered(#[case] text: &str) {
        assert_eq!(EmailAddress::parse(text).unwrap().as_str(), text.trim());
    }

    #[rstest]
    #[case("")]
    #[case("jo")]
    #[case("jo@")]
    #[case("@example.com")]
    #[case("jo@example.com, al@example.com")]
    #[case("Jo <jo@example.com>")]
    #[case("jo@example.com\r\nBcc: al@example.com")]
    #[case("jo@example.com\nx")]
    #[case("jo@127.0.0.1")]
    #[case("jo@[127.0.0.1]")]
    #[case("\"a b\"@example.com")]
    #[case("jö@example.com")]
    #[case("jo@bücher.example")]
    fn anything_but_one_plain_address_is_refused(#[case] text: &str) {
        assert_eq!(EmailAddress::parse(text).unwrap_err().code, "malformed_email", "{text:?}");
    }

    #[test]
    fn an_address_is_the_same_in_any_case_and_shown_only_in_part() {
        let (one, other) = (
            EmailAddress::parse("Jo@Example.com").unwrap(),
            EmailAddress::parse("jo@example.COM").unwrap(),
        );
        assert!(one.is_same(&other));
        assert_eq!(one.hash(), other.hash());
        assert_eq!(one.masked(), "J…@Example.com");
    }

    proptest! {
        #[test]
        fn no_address_or_name_can_add_a_header(text in any::<String>()) {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().chars().all(|c| c.is_ascii_graphic()));
            }
            if let Ok(name) = ContactName::parse(&text) {
                prop_assert!(!name.as_str().chars().any(char::is_control));
            }
        }
    }
}

//! Sentences for two audiences.
//!
//! A finding is read by the customer, who knows the vendor by its name and is addressed as "you", and by the vendor's
//! operations team, for whom the customer is somebody else. Each sentence is written once, with a placeholder wherever the
//! two audiences read different words:
//!
//! | placeholder | customer | operations |
//! | --- | --- | --- |
//! | `[vendor]`, `[Vendor]` | the vendor's name | the vendor's name |
//! | `[your]`, `[Your]` | your | the customer's |
//! | `[you]`, `[You]` | you | the customer |
//! | `[another customer]` | another customer of the vendor | another tenant |
//!
//! ```
//! use latchkey::domain::message::{Audience, Message};
//!
//! let message = Message::from("[Your] role denied access to [vendor].");
//! assert_eq!(message.render(Audience::Customer, "Nimbus Docs"), "Your role denied access to Nimbus Docs.");
//! assert_eq!(message.render(Audience::Operations, "Nimbus Docs"), "The customer's role denied access to Nimbus Docs.");
//! ```

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::text::capital;

/// Declares a table of messages: a function for each one, and a list for tests.
///
/// A line is `name(parameters) "sentence"`. Parameters are named in braces, as in `format!`.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident($($parameter:ident),*) $text:literal)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name($($parameter: impl std::fmt::Display),*) -> super::Message {
                format!($text).into()
            }
        )*

        /// Every message of this table, with its parameters still in braces.
        pub const ALL: &[&str] = &[$($text),*];
    };
}

pub mod findings;
pub mod fixes;

/// Who reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The customer.
    Customer,
    /// The vendor's operations team, on the dashboard, in the API and on the command line.
    Operations,
}

/// A sentence with placeholders for its audience. It can only be shown through [`Message::render`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(Cow<'static, str>);

impl Message {
    /// This, and then another sentence.
    #[must_use]
    pub fn followed_by(self, next: &Self) -> Self {
        format!("{} {}", self.as_template(), next.as_template()).into()
    }

    /// The sentence for this audience, with the vendor's name in it.
    pub fn render(&self, audience: Audience, vendor: &str) -> String {
        let mut text = String::with_capacity(self.0.len());
        let mut rest = self.0.as_ref();
        while let Some((before, placeholder, after)) = next_placeholder(rest) {
            text.push_str(before);
            match words(placeholder, audience, vendor) {
                Some(words) => text.push_str(&words),
                None => text.extend(["[", placeholder, "]"]),
            }
            rest = after;
        }
        text + rest
    }

    /// The sentence with its placeholders, as it is stored.
    pub fn as_template(&self) -> &str {
        &self.0
    }
}

fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (placeholder, after) = rest.split_once(']')?;
    Some((before, placeholder, after))
}

fn words<'a>(placeholder: &str, audience: Audience, vendor: &'a str) -> Option<Cow<'a, str>> {
    let words = match (placeholder, audience) {
        ("vendor", _) => vendor.into(),
        ("Vendor", _) => capital(vendor).into(),
        ("your", Audience::Customer) => "your".into(),
        ("your", Audience::Operations) => "the customer's".into(),
        ("Your", Audience::Customer) => "Your".into(),
        ("Your", Audience::Operations) => "The customer's".into(),
        ("you", Audience::Customer) => "you".into(),
        ("you", Audience::Operations) => "the customer".into(),
        ("You", Audience::Customer) => "You".into(),
        ("You", Audience::Operations) => "The customer".into(),
        ("another customer", Audience::Customer) => format!("another customer of {vendor}").into(),
        ("another customer", Audience::Operations) => "another tenant".into(),
        _ => return None,
    };
    Some(words)
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use strum::IntoEnumIterator;

    use super::*;
    use crate::domain::check::CheckName;

    #[rstest]
    #[case(
        "[Vendor] is denied access without [your] external ID.",
        "Nimbus is denied access without your external ID.",
        "Nimbus is denied access without the customer's external ID."
    )]
    #[case(
        "[You] and [another customer].",
        "You and another customer of nimbus.",
        "The customer and another tenant."
    )]
    #[case("[unknown] and [open", "[unknown] and [open", "[unknown] and [open")]
    fn each_audience_reads_its_own_words(#[case] template: &'static str, #[case] customer: &str, #[case] operations: &str) {
        let message = Message::from(template);
        assert_eq!(message.render(Audience::Customer, "nimbus"), customer);
        assert_eq!(message.render(Audience::Operations, "nimbus"), operations);
    }

    #[test]
    fn no_message_speaks_to_the_wrong_audience() {
        let claims: Vec<&str> = CheckName::iter().map(|check| check.entry().proves).collect();
        for text in claims.iter().chain(findings::ALL).chain(fixes::ALL) {
            let message = Message::from(*text);
            let customer = message.render(Audience::Customer, "Nimbus Docs");
            let operations = message.render(Audience::Operations, "Nimbus Docs");
            let has = |text: &str, word: &str| text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|other| other == word);
            assert!(!text.to_lowercase().contains("the vendor"), "names no vendor: {text}");
            assert!(!has(&customer, "tenant"), "names tenants to a customer: {customer}");
            assert!(
                !has(&operations, "you") && !has(&operations, "your"),
                "addresses operations: {operations}"
            );
            assert!(!customer.contains('[') && !operations.contains('['), "unknown placeholder: {text}");
        }
    }
}

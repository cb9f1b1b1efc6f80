//! What was just done, told once on the page that one is sent to after it.

use serde::Deserialize;
use strum::{EnumString, IntoStaticStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Notice {
    Created,
    Changed,
    Suspended,
    Resumed,
    Offboarded,
    Erased,
    Rotated,
    Abandoned,
    Ended,
    InviteRevoked,
    TokenRevoked,
    TestSent,
    SentAgain,
    WebhookEnabled,
    WebhookDeleted,
    SignedOut,
}

/// A page's query, where it has nothing else in it.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    done: Option<String>,
}

impl Asked {
    pub fn notice(&self) -> Option<Notice> {
        Notice::of(self.done.as_deref())
    }
}

impl Notice {
    /// As it stands in an address. A word that is not known says nothing.
    pub fn of(text: Option<&str>) -> Option<Self> {
        text?.parse().ok()
    }

    /// That page, with the notice.
    pub fn at(self, path: &str) -> String {
        let word: &str = self.into();
        format!("{path}?done={word}")
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Created => "The tenant was created. Invite its people, and they can begin.",
            Self::Changed => "The tenant was changed.",
            Self::Suspended => "The tenant is suspended: internal services are refused from now on.",
            Self::Resumed => "The tenant was resumed: internal services get its storage again, if it has any that works.",
            Self::Offboarded => "The tenant is offboarded. Its people can read at their link what to take away in AWS.",
            Self::Erased => "The tenant’s personal data was erased. What was done stays in the audit log, without names.",
            Self::Rotated => "The next external ID was issued. The documents list both; the next verification proves the new one.",
            Self::Abandoned => "The next external ID was taken back. Nothing else changed.",
            Self::Ended => "The previous external ID has ended. A verification is proving that it is refused.",
            Self::InviteRevoked => "The invite was revoked: its link does nothing any more.",
            Self::TokenRevoked => "The token was revoked: it is refused from now on, and so is whoever signed in with it.",
            Self::TestSent => "A test is being sent. Load the page anew in a moment to see what came of it.",
            Self::SentAgain => "It is being sent again. Load the page anew in a moment to see what came of it.",
            Self::WebhookEnabled => "The webhook was enabled. What happened while it was disabled is not sent.",
            Self::WebhookDeleted => "The webhook was deleted: nothing more is sent to it.",
            Self::SignedOut => "You are signed out.",
        }
    }
}

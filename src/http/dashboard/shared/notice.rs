//! A confirmation of the last action, shown once on the next page (a flash message).

use serde::Deserialize;
use strum::{EnumString, IntoStaticStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Notice {
    Created,
    Changed,
    Suspended,
    Resumed,
    Offboarded,
    Erased,
    ChangeApproved,
    ChangeDeclined,
    Rotated,
    Abandoned,
    Ended,
    InviteRevoked,
    InviteSessionEnded,
    ContactSaved,
    ContactRemoved,
    MailQueued,
    TokenRevoked,
    TestSent,
    SentAgain,
    CampaignStarted,
    CampaignEnded,
    WebhookEnabled,
    WebhookDeleted,
    SignedOut,
}

/// The query string of a page that has no other parameters.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    done: Option<String>,
}

impl PageQuery {
    pub(crate) fn notice(&self) -> Option<Notice> {
        Notice::of(self.done.as_deref())
    }
}

impl Notice {
    /// Parses the notice in a query string. Unknown values are ignored.
    pub(crate) fn of(text: Option<&str>) -> Option<Self> {
        text?.parse().ok()
    }

    /// A redirect to a page with this notice.
    pub(crate) fn at(self, path: &str) -> String {
        let word: &str = self.into();
        format!("{path}?done={word}")
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Created => "Tenant created. Next, invite the customer.",
            Self::Changed => "Tenant updated.",
            Self::Suspended => "Tenant suspended. Internal services no longer get its storage config.",
            Self::Resumed => "Tenant resumed. Internal services get its storage config again if a version is active.",
            Self::Offboarded => "Tenant offboarded. The customer's link now shows how to remove the granted access in AWS.",
            Self::Erased => "Personal data erased. The audit log keeps what was done, without names.",
            Self::ChangeApproved => "Change approved. It takes effect once the version has been verified again.",
            Self::ChangeDeclined => "Change declined. The active version stays in use.",
            Self::Rotated => "New external ID issued. The documents now contain both; the next verification checks the new one.",
            Self::Abandoned => "New external ID abandoned. Nothing else changed.",
            Self::Ended => {
                "Use of the previous external ID has ended. A verification is checking that it is denied; until then, the rotation is not complete."
            }
            Self::InviteSessionEnded => "Session ended. That browser must open the link again; to stop that too, revoke the invite.",
            Self::InviteRevoked => "Invite revoked. Its link no longer works.",
            Self::ContactSaved => "Contact saved. A new address is asked to confirm before it gets any other mail.",
            Self::ContactRemoved => "Contact removed. Nothing is sent to it any more.",
            Self::MailQueued => "Mail queued. Reload the page in a moment to see whether it was sent.",
            Self::TokenRevoked => {
                "Token revoked. It no longer works, and dashboard sessions opened with it have ended. AWS credentials that it already obtained work until they expire, within an hour."
            }
            Self::TestSent => "Test message queued. Reload the page in a moment to see the result.",
            Self::SentAgain => "Message queued again. Reload the page in a moment to see the result.",
            Self::CampaignStarted => "Campaign started. Reload the page in a moment to see its tenants.",
            Self::CampaignEnded => "Campaign ended. Nobody is notified any more.",
            Self::WebhookEnabled => "Webhook enabled. Events that occurred while it was disabled are not sent.",
            Self::WebhookDeleted => "Webhook deleted. No more messages are sent to it.",
            Self::SignedOut => "You are signed out.",
        }
    }
}

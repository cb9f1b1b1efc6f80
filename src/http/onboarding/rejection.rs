//! Why a session cannot be shown the form: what happened, and what to do.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::customer_limits::LimitReached;
use crate::service::StoreError;
use crate::service::open_invite::{self, EndedInvite};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// There is no session cookie.
    NoSession,
    UnknownLink,
    Expired,
    Revoked,
    /// An operator ended this browser's session.
    SessionEnded,
    /// The invite was for onboarding, which is complete.
    NeedsChangeLink,
    Offboarded,
    /// Offboarded, with the steps for removing the granted access.
    Ended(Arc<EndedInvite>),
    /// The form belongs to another session or another site.
    StaleForm,
    TooMany {
        seconds: u32,
    },
    /// The limit for a day is reached.
    TooManyToday {
        seconds: u32,
    },
    NotFound,
    MethodNotAllowed,
    Unreadable,
    TooLarge,
    Unavailable,
    Broken,
}

pub(crate) struct ErrorText {
    pub status: StatusCode,
    pub title: &'static str,
    pub text: &'static str,
    /// Whether to offer a way back.
    pub again: bool,
    /// Whether to name a contact.
    pub ask: bool,
}

impl Rejection {
    pub(crate) fn text(&self) -> ErrorText {
        let error = |status, title, text, again, ask| ErrorText {
            status,
            title,
            text,
            again,
            ask,
        };
        match self {
            Self::NoSession => error(
                StatusCode::FORBIDDEN,
                "Open your invite link",
                "This page requires an invitation. Open the link you received in this browser. Everything submitted so far is saved.",
                false,
                true,
            ),
            Self::UnknownLink => error(
                StatusCode::NOT_FOUND,
                "Unknown link",
                "The link may have been cut off in an email. Make sure the address bar contains all of it, or ask for a new link.",
                false,
                true,
            ),
            Self::Expired => error(
                StatusCode::GONE,
                "This link has expired",
                "Links are valid for a limited time. Everything submitted so far is saved. Ask for a new link to continue.",
                false,
                true,
            ),
            Self::Revoked => error(
                StatusCode::GONE,
                "This link was revoked",
                "It can no longer be used. Everything submitted so far is saved. If you still need access, ask for a new link.",
                false,
                true,
            ),
            Self::SessionEnded => error(
                StatusCode::FORBIDDEN,
                "This session was ended",
                "We ended the session of this browser. Everything submitted so far is saved. If you still need access, contact us.",
                false,
                true,
            ),
            Self::NeedsChangeLink => error(
                StatusCode::FORBIDDEN,
                "Ask for a link that allows changes",
                "This link was for setting up your storage, which is complete. To use another bucket, key or role, ask us for a new link. You can still see your storage here and verify it again.",
                true,
                true,
            ),
            Self::Offboarded | Self::Ended(_) => error(
                StatusCode::GONE,
                "Your storage is disconnected",
                "This storage connection has ended and can no longer be changed. You can remove the access that you granted.",
                false,
                true,
            ),
            Self::StaleForm => error(
                StatusCode::FORBIDDEN,
                "Nothing was submitted",
                "This form belongs to another link or another site. Go back, reload the page, and submit it again.",
                true,
                false,
            ),
            Self::TooMany { .. } => error(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "Wait a few seconds, then go back and try again. Nothing is lost.",
                true,
                false,
            ),
            Self::TooManyToday { .. } => error(
                StatusCode::TOO_MANY_REQUESTS,
                "Verify again tomorrow",
                "This link has been used for many verifications today. Everything submitted so far is saved. Try again tomorrow, or contact us if it is urgent.",
                true,
                true,
            ),
            Self::NotFound => error(
                StatusCode::NOT_FOUND,
                "Page not found",
                "There is no page at this address. If you received a link, open it again.",
                true,
                true,
            ),
            Self::MethodNotAllowed => error(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not possible here",
                "This page does not support that request. Go back and try again.",
                true,
                false,
            ),
            Self::Unreadable => error(
                StatusCode::BAD_REQUEST,
                "Unexpected input",
                "The request did not match the form. Go back, reload the page, and try again.",
                true,
                true,
            ),
            Self::TooLarge => error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Input too large",
                "The fields expect ARNs and names, which are short. Go back and check what you pasted.",
                true,
                false,
            ),
            Self::Unavailable => error(
                StatusCode::SERVICE_UNAVAILABLE,
                "Temporarily unavailable",
                "A service that this page depends on does not respond. You don't need to do anything; try again in a few seconds.",
                true,
                true,
            ),
            Self::Broken => error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "The error was logged. Try again; if it happens again, tell us the request ID below.",
                true,
                true,
            ),
        }
    }
}

/// The rejection travels in the response's extensions until the form's layer, which knows the vendor, renders it.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = self.text().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<open_invite::OpenInviteError> for Rejection {
    fn from(error: open_invite::OpenInviteError) -> Self {
        match error {
            open_invite::OpenInviteError::Unknown => Self::UnknownLink,
            open_invite::OpenInviteError::Expired => Self::Expired,
            open_invite::OpenInviteError::SessionEnded => Self::SessionEnded,
            open_invite::OpenInviteError::Revoked => Self::Revoked,
            open_invite::OpenInviteError::Offboarded(ended) => ended.map_or(Self::Offboarded, |ended| Self::Ended(ended.into())),
            open_invite::OpenInviteError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl From<LimitReached> for Rejection {
    fn from(reached: LimitReached) -> Self {
        Problem::from(reached).into()
    }
}

/// Problems that the API's conventions return.
impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        match problem.kind() {
            ProblemKind::NotFound => Self::NotFound,
            ProblemKind::MethodNotAllowed => Self::MethodNotAllowed,
            ProblemKind::TooLarge => Self::TooLarge,
            ProblemKind::Unavailable => Self::Unavailable,
            ProblemKind::Internal => Self::Broken,
            ProblemKind::Offboarded => Self::Offboarded,
            ProblemKind::TooManyRequests => Self::TooMany {
                seconds: problem.seconds_to_wait().unwrap_or(1),
            },
            _ => Self::Unreadable,
        }
    }
}

//! What a visitor reads who cannot be shown the form: what happened, and what to do.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::service::open_invite::{self, EndedInvite};
use crate::store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// No cookie of ours.
    NoSession,
    UnknownLink,
    Expired,
    Revoked,
    Offboarded,
    /// Offboarded too: with what there is to take away.
    Ended(Arc<EndedInvite>),
    /// A form of another session than the present one, or of another site.
    StaleForm,
    TooMany {
        seconds: u32,
    },
    NotFound,
    MethodNotAllowed,
    Unreadable,
    TooLarge,
    Unavailable,
    Broken,
}

pub struct ErrorText {
    pub status: StatusCode,
    pub title: &'static str,
    pub text: &'static str,
    /// Whether trying again is a way out.
    pub again: bool,
    /// Whether the vendor has to be asked.
    pub ask: bool,
}

impl Rejection {
    pub fn text(&self) -> ErrorText {
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
                "Please open your link",
                "This page belongs to an invitation. Open the link that you were sent in this browser; everything that was sent is still there.",
                false,
                true,
            ),
            Self::UnknownLink => error(
                StatusCode::NOT_FOUND,
                "This link is not known",
                "It may have been cut off in an e-mail: make sure that all of it is in the address bar. If it is, ask for a new one.",
                false,
                true,
            ),
            Self::Expired => error(
                StatusCode::GONE,
                "This link has expired",
                "Links are good for a limited time. Everything that was sent with it is kept; ask for a new link to go on.",
                false,
                true,
            ),
            Self::Revoked => error(
                StatusCode::GONE,
                "This link was withdrawn",
                "It can no longer be used. Everything that was sent with it is kept; if you still need it, ask for a new link.",
                false,
                true,
            ),
            Self::Offboarded | Self::Ended(_) => error(
                StatusCode::GONE,
                "This has ended",
                "The onboarding that this link belonged to is over, and nothing can be changed any more. You can remove what you granted.",
                false,
                true,
            ),
            Self::StaleForm => error(
                StatusCode::FORBIDDEN,
                "Nothing was sent",
                "This form came from another link or another site than the one that is open now. Go back, load the page anew, and send it again.",
                true,
                false,
            ),
            Self::TooMany { .. } => error(
                StatusCode::TOO_MANY_REQUESTS,
                "One moment, please",
                "There were very many requests from here. Wait a few seconds, then go back and try again; nothing is lost.",
                true,
                false,
            ),
            Self::NotFound => error(
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "No page has this address. If you were sent a link, open it once more.",
                true,
                true,
            ),
            Self::MethodNotAllowed => error(
                StatusCode::METHOD_NOT_ALLOWED,
                "This cannot be done here",
                "The page exists, but not for this. Go back to where you came from.",
                true,
                false,
            ),
            Self::Unreadable => error(
                StatusCode::BAD_REQUEST,
                "This could not be read",
                "What was sent is not what the form sends. Go back, load the page anew, and try again.",
                true,
                true,
            ),
            Self::TooLarge => error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "That was too much",
                "The form's fields take ARNs and names, which are short. Go back and check what was pasted.",
                true,
                false,
            ),
            Self::Unavailable => error(
                StatusCode::SERVICE_UNAVAILABLE,
                "Not available right now",
                "A part that this page needs does not answer. Nothing is needed from you: try again in a few seconds.",
                true,
                true,
            ),
            Self::Broken => error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke on our side",
                "It was noted, and nothing is needed from you. Try again; if it happens once more, tell us the number below.",
                true,
                true,
            ),
        }
    }
}

/// The refusal travels in the response's extensions until the form's own layer, which knows the vendor, renders it.
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
            open_invite::OpenInviteError::Revoked => Self::Revoked,
            open_invite::OpenInviteError::Offboarded(ended) => ended.map_or(Self::Offboarded, |ended| Self::Ended(ended.into())),
            open_invite::OpenInviteError::Store(error) => error.into(),
        }
    }
}

impl From<store::StoreError> for Rejection {
    fn from(error: store::StoreError) -> Self {
        Problem::from(error).into()
    }
}

/// What the rest of the HTTP side has problems for.
impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        match problem.kind() {
            ProblemKind::NotFound => Self::NotFound,
            ProblemKind::MethodNotAllowed => Self::MethodNotAllowed,
            ProblemKind::TooLarge => Self::TooLarge,
            ProblemKind::Unavailable => Self::Unavailable,
            ProblemKind::Internal => Self::Broken,
            ProblemKind::Offboarded => Self::Offboarded,
            _ => Self::Unreadable,
        }
    }
}

//! Errors of services in the words of the customers' API: what a customer can do about them.

use chrono::SecondsFormat;

use crate::domain::limits::VersionLimit;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::service::request_verification::RequestVerificationError;
use crate::service::submit_by_customer::CustomerSubmissionError;
use crate::service::submit_config::SubmitConfigError;

pub(super) fn of_submission(error: CustomerSubmissionError, vendor: &str) -> Problem {
    let error = match error {
        CustomerSubmissionError::Submit(error) => error,
        CustomerSubmissionError::Verify(error) => return of_verification(error, vendor),
    };
    match error {
        SubmitConfigError::NeedsChangeInvite => Problem::new(
            ProblemKind::Forbidden,
            format!(
                "The invite of this token is for setting up your storage, which is complete. To use another bucket, key or role, ask {vendor} for an invite that allows changes."
            ),
        ),
        SubmitConfigError::InviteEnded(_) => Problem::new(
            ProblemKind::Unauthenticated,
            format!("The invite that the token belongs to has ended. Ask {vendor} for a new invite."),
        ),
        SubmitConfigError::LimitReached(limit) => of_limit(limit, vendor),
        SubmitConfigError::UnknownTenant(_) | SubmitConfigError::Offboarded => ended(),
        SubmitConfigError::Invalid(errors) => Problem::validation(errors),
        SubmitConfigError::Store(error) => error.into(),
    }
}

pub(super) fn of_verification(error: RequestVerificationError, vendor: &str) -> Problem {
    match error {
        RequestVerificationError::UnknownTenant(_) | RequestVerificationError::Offboarded => ended(),
        RequestVerificationError::NothingSubmitted => Problem::new(ProblemKind::Conflict, "You have not submitted a storage config yet."),
        RequestVerificationError::AnotherWaits(id) => Problem::new(
            ProblemKind::Conflict,
            format!("Verification {id} of another version is already queued. Try again when it has finished."),
        )
        .retry_after(5),
        RequestVerificationError::TooMany { seconds } => Problem::new(
            ProblemKind::TooManyRequests,
            format!("Your invite has been used for as many verifications as possible within 24 hours. If it is urgent, contact {vendor}."),
        )
        .retry_after(seconds),
        other @ (RequestVerificationError::NotThatVersion | RequestVerificationError::Store(_)) => other.into(),
    }
}

/// Without the setting, which is the vendor's.
fn of_limit(reached: VersionLimit, vendor: &str) -> Problem {
    match reached {
        VersionLimit::Day { limit, until, seconds } => {
            let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
            let detail = format!(
                "You have submitted {limit} versions within 24 hours, which is the maximum. The next one is possible after {until}."
            );
            Problem::new(ProblemKind::TooManyRequests, detail).retry_after(seconds)
        }
        VersionLimit::Total { limit } => Problem::new(
            ProblemKind::Conflict,
            format!("You have submitted {limit} versions, which is the maximum. Contact {vendor} to submit another one."),
        ),
    }
}

fn ended() -> Problem {
    Problem::new(
        ProblemKind::Offboarded,
        "This storage connection has ended and can no longer be changed.",
    )
}

//! The reason that suspending, resuming and offboarding ask for.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::audit::Reason;
use crate::domain::tenant::IllegalChange;
use crate::domain::text::FieldError;
use crate::http::extract::JsonBody;
use crate::http::problem::{Kind, Problem};
use crate::service::change_standing::Error;
use crate::store;

#[derive(Debug, Deserialize, ToSchema)]
pub struct Because {
    /// Why, for those who read the audit log: 1 to 500 characters.
    #[schema(required, nullable = false, min_length = 1, max_length = 500, example = "Contract ended")]
    reason: Option<String>,
}

pub fn reason(body: JsonBody<Because>) -> Result<Reason, Problem> {
    let mut faults = body.unreadable;
    // A field of a wrong type was named already.
    let named = faults.iter().any(|fault| fault.field == "reason");
    match Reason::parse(body.value.reason.as_deref().unwrap_or_default()) {
        Ok(reason) if faults.is_empty() => return Ok(reason),
        Err(malformed) if !named => faults.push(FieldError::of("reason", malformed)),
        _ => {}
    }
    Err(Problem::validation(faults))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownTenant => Self::unknown_tenant(),
            Error::Illegal(IllegalChange::Offboarded) => Self::offboarded(),
            Error::Illegal(IllegalChange::AlreadySuspended) => Self::new(Kind::Conflict, "This tenant is suspended already."),
            Error::Illegal(IllegalChange::NotSuspended) => {
                Self::new(Kind::Conflict, "This tenant is not suspended, so there is nothing to resume.")
            }
            Error::Illegal(IllegalChange::NotOffboarded) => Self::new(
                Kind::Conflict,
                "This tenant is not offboarded: its names and references are needed until it is.",
            ),
            Error::Store(error) => store::Error::into(error),
        }
    }
}

//! The reason that is required to suspend, resume or offboard a tenant.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::audit::AuditReason;
use crate::domain::tenant::IllegalChange;
use crate::domain::text::FieldError;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::service::tenant_lifecycle::LifecycleError;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReasonBody {
    /// The reason, for the audit log: one line of 1 to 500 characters.
    #[schema(required, nullable = false, min_length = 1, max_length = 500, example = "Contract ended")]
    reason: Option<String>,
}

pub(crate) fn reason(body: JsonBody<ReasonBody>) -> Result<AuditReason, Problem> {
    let mut faults = body.unreadable;
    // A field of the wrong type was already reported.
    let named = faults.iter().any(|fault| fault.field == "reason");
    match AuditReason::parse(body.value.reason.as_deref().unwrap_or_default()) {
        Ok(reason) if faults.is_empty() => return Ok(reason),
        Err(malformed) if !named => faults.push(FieldError::of("reason", malformed)),
        _ => {}
    }
    Err(Problem::validation(faults))
}

impl From<LifecycleError> for Problem {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::UnknownTenant(_) => Self::unknown_tenant(),
            LifecycleError::Illegal(IllegalChange::Offboarded) => Self::offboarded(),
            LifecycleError::Illegal(IllegalChange::AlreadySuspended) => {
                Self::new(ProblemKind::Conflict, "This tenant is already suspended.")
            }
            LifecycleError::Illegal(IllegalChange::NotSuspended) => Self::new(ProblemKind::Conflict, "This tenant is not suspended."),
            LifecycleError::Illegal(IllegalChange::NotOffboarded) => Self::new(
                ProblemKind::Conflict,
                "This tenant is not offboarded. Its name and reference are needed until then.",
            ),
            LifecycleError::Store(error) => error.into(),
        }
    }
}

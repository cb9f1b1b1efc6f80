//! `/v1/campaigns`. One file per operation.

mod end;
mod get;
mod list;
mod list_tenants;
pub(crate) mod start;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::AppState;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::service::campaigns::CampaignError;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start::handle, list::handle))
        .routes(routes!(get::handle))
        .routes(routes!(end::handle))
        .routes(routes!(list_tenants::handle))
}

impl From<CampaignError> for Problem {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::Unknown => Self::new(ProblemKind::NotFound, problem::UNKNOWN_CAMPAIGN),
            CampaignError::UnknownVersion => Self::validation(vec![start::unknown_version()]),
            CampaignError::MailOff => Self::new(
                ProblemKind::Conflict,
                "Mail is off. Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM for every Latchkey process.",
            ),
            CampaignError::Store(error) => error.into(),
        }
    }
}

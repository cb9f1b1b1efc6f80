//! `GET /tenants/{tenant}/message`: what the customer needs to fix, as text to email.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::domain::ids::TenantRef;
use crate::domain::mail::Problem as MailProblem;
use crate::domain::mail::content::problems;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::vendor::Vendor;
use crate::domain::verification::Verification;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::dashboard::shared::relative_time::utc;
use crate::http::dashboard::shared::session::DashboardUser;
use crate::service::read;

pub(crate) async fn handle(
    State(state): State<AppState>,
    _: DashboardUser<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let nothing = || {
        Problem::new(
            ProblemKind::NotFound,
            "There is nothing to send: no failed check requires the customer to act.",
        )
    };
    let detail = read::tenants::detail(&state.context, &tenant)
        .await?
        .ok_or_else(Problem::unknown_tenant)?;
    let verification = detail.last_verification.ok_or_else(nothing)?;
    let config = read::storage_configs::find(&state.context, detail.tenant.id, verification.version)
        .await?
        .ok_or_else(nothing)?;
    let text = text(&detail.tenant, &verification, &config, &state.context.vendor).ok_or_else(nothing)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// None when the customer does not need to act.
pub(crate) fn text(tenant: &Tenant, verification: &Verification, config: &StorageConfig, vendor: &Vendor) -> Option<String> {
    let failures = problems(verification, config, vendor);
    let at = verification.finished_at?;
    if failures.is_empty() {
        return None;
    }
    let things = if failures.len() == 1 {
        "One thing needs".to_owned()
    } else {
        format!("{} things need", failures.len())
    };
    let begins = match tenant.status() {
        TenantStatus::Quarantined => "We have stopped using your storage, because others can access it or it is no longer in your account",
        TenantStatus::Degraded => "Our access to your storage no longer works",
        TenantStatus::Active => "We checked your storage again and found a problem",
        _ => "We checked the storage that you set up for us, and it is not complete yet",
    };
    let mut text = format!(
        "Hello,\n\n{begins}. {things} to be changed in your AWS account.\n\nBucket: {}\nChecked: {}\n",
        config.storage.bucket_and_prefix(),
        utc(at),
    );
    for (at, problem) in failures.iter().enumerate() {
        let _ = write!(text, "\n{}. {}\n", at + 1, problem.summary);
        if let Some(detail) = &problem.detail {
            let _ = writeln!(text, "   {detail}");
        }
        text.push_str(&remedy(problem));
    }
    let _ = write!(
        text,
        "\nWhen you are done, open your link and choose \"Verify again\", or let us know. You won't need to re-enter anything.\n\n\
         If you ask about this, please name the verification {}.\n",
        verification.id,
    );
    Some(text)
}

fn remedy(problem: &MailProblem) -> String {
    let mut text = String::new();
    if let Some(remedy) = &problem.remedy {
        let _ = write!(text, "\n   What to do: {remedy}\n");
    }
    if let Some(place) = &problem.place {
        let _ = writeln!(text, "   Where: {place}");
    }
    if let Some(statement) = &problem.statement {
        text.push('\n');
        for line in statement.lines() {
            let _ = writeln!(text, "   {line}");
        }
    }
    text
}

//! `POST /onboard/merge`: merges the issued statements into the customer's existing policy.

use askama::Template;
use axum::extract::State;
use axum::response::{Redirect, Response};
use serde::Deserialize;
use serde_json::Value;

use super::apply::ApplyParams;
use super::layout::Layout;
use super::rejection::Rejection;
use super::session::{OnboardSession, Posted};
use crate::domain::templates::merge::{MergeCode, MergeFinding, MergeTarget, MergedDocument};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::web_ui::labels::pretty;
use crate::http::web_ui::status::CheckState;
use crate::http::web_ui::{render, sentence};
use crate::service::merge_template::{MergeRequest, merge_template};

#[derive(Debug, Deserialize)]
pub(crate) struct MergeForm {
    #[serde(default)]
    document: String,
    #[serde(default)]
    current: String,
    #[serde(flatten)]
    names: ApplyParams,
}

#[derive(Template)]
#[template(path = "onboarding/pages/merge.html")]
struct Page<'a> {
    frame: Layout<'a>,
    form_token: String,
    names: Vec<(&'static str, String)>,
    back: String,
    is_key_policy: bool,
    current: &'a str,
    faults: Vec<(&'static str, String)>,
    result: Option<ResultView>,
}

struct ResultView {
    text: String,
    size: usize,
    limit: usize,
    findings: Vec<FindingView>,
}

struct FindingView {
    state: CheckState,
    title: &'static str,
    statement: Option<String>,
    detail: String,
}

impl From<MergedDocument> for ResultView {
    fn from(merged: MergedDocument) -> Self {
        Self {
            text: pretty(&merged.merged),
            size: merged.size,
            limit: merged.limit,
            findings: merged.findings.into_iter().map(FindingView::from).collect(),
        }
    }
}

impl From<MergeFinding> for FindingView {
    fn from(finding: MergeFinding) -> Self {
        let (state, title) = match finding.code {
            MergeCode::TooLarge | MergeCode::Denied => (CheckState::Failed, "Blocks access"),
            MergeCode::MayBeDenied | MergeCode::UnboundAccess | MergeCode::OtherExternalIds | MergeCode::RootStatementMissing => {
                (CheckState::Warning, "Please check")
            }
            MergeCode::WiderPrincipals => (CheckState::Passed, "Corrected"),
            MergeCode::Unchanged => (CheckState::Passed, "Already in place"),
        };
        Self {
            state,
            title,
            statement: finding.statement,
            detail: sentence(&finding.detail),
        }
    }
}

pub(crate) async fn handle(State(state): State<AppState>, Posted { session, form }: Posted<MergeForm>) -> Result<Response, Rejection> {
    let request = MergeRequest {
        document: Some(form.document.clone()),
        current: Some(Value::String(form.current.clone())),
        typed: form.names.typed(),
    };
    let merged = merge_template(&state.context, &session.tenant, request).await;
    let (result, faults) = match merged {
        Ok(merged) => (Some(merged.into()), Vec::new()),
        Err(faults) => {
            // Names are entered on the previous page; the policy is pasted here.
            let said = faults.into_iter().map(|fault| {
                let here = fault.field == "current";
                (if here { "#current" } else { "" }, words_of(&fault))
            });
            (None, said.collect())
        }
    };
    Ok(render(&Page {
        frame: Layout::new(&state, &session, 1, "Merge with a policy"),
        form_token: session.session.form_token(),
        names: form.names.names(),
        back: format!("/onboard/apply?{}", form.names.query()),
        is_key_policy: form.document.parse() == Ok(MergeTarget::KeyPolicy),
        current: &form.current,
        faults,
        result,
    }))
}

/// The error in words of the page, which has no names of the API.
fn words_of(fault: &FieldError) -> String {
    let label = match fault.field.as_str() {
        "current" => return sentence(&fault.detail),
        "bucket" => "Bucket name",
        "key_arn" => "Key ARN",
        "role_name" => "Role name",
        "account_id" => "AWS account ID",
        "bucket_account_id" => "AWS account ID of the bucket",
        "document" => "Policy",
        _ => "Mode",
    };
    match fault.code.as_str() {
        "required" => format!("{label}: enter it in step 1; it is part of the statements to merge."),
        _ => format!("{label}: {}", sentence(&fault.detail)),
    }
}

/// A reloaded page has no policy to merge.
pub(crate) async fn elsewhere(_: OnboardSession) -> Redirect {
    Redirect::to("/onboard/apply")
}

//! The offboarding steps of a customer.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::fix::FixDocument;
use crate::domain::templates::removal::{Removal, RemovalStep};

/// The steps. The first one alone revokes all access.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Removal)]
pub(crate) struct RemovalView {
    steps: Vec<RemovalStepView>,
    /// What to do if the documents were applied as a file.
    files: Vec<&'static str>,
    /// What to keep, and why.
    keep: Vec<&'static str>,
    /// All steps as text for an email.
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovalStep)]
pub(crate) struct RemovalStepView {
    document: FixDocument,
    title: String,
    /// Where it is in the AWS console.
    apply_to: String,
    /// What to do.
    summary: String,
    /// The Sids of the statements to remove, if present.
    statements: Vec<String>,
    /// The same with the AWS CLI and jq. Null if the names are not known.
    command: Option<String>,
}

impl From<Removal> for RemovalView {
    fn from(removal: Removal) -> Self {
        Self {
            steps: removal.steps.into_iter().map(RemovalStepView::from).collect(),
            files: removal.files,
            keep: removal.keep,
            text: removal.text,
        }
    }
}

impl From<RemovalStep> for RemovalStepView {
    fn from(step: RemovalStep) -> Self {
        Self {
            document: step.document,
            title: step.title,
            apply_to: step.apply_to,
            summary: step.summary,
            statements: step.statements,
            command: step.command,
        }
    }
}

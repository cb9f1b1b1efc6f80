//! A policy with the issued statements merged in.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::templates::merge::{MergeCode, MergeFinding, MergedDocument};

/// A policy with the issued statements.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MergedDocument)]
pub(crate) struct MergedDocumentView {
    /// The complete policy, which replaces the current one.
    #[schema(value_type = Object)]
    merged: Value,
    /// In bytes, without whitespace.
    size: usize,
    /// The size limit of AWS, in bytes.
    limit: usize,
    /// Statements that conflict, or need a review.
    findings: Vec<MergeFindingView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MergeFinding)]
pub(crate) struct MergeFindingView {
    code: MergeCode,
    /// The `Sid` of the statement, or its position in the current policy: `#1` is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    /// What it means and how to fix it.
    detail: String,
}

impl From<MergedDocument> for MergedDocumentView {
    fn from(document: MergedDocument) -> Self {
        Self {
            merged: document.merged,
            size: document.size,
            limit: document.limit,
            findings: document.findings.into_iter().map(MergeFindingView::from).collect(),
        }
    }
}

impl From<MergeFinding> for MergeFindingView {
    fn from(finding: MergeFinding) -> Self {
        Self {
            code: finding.code,
            statement: finding.statement,
            detail: finding.detail,
        }
    }
}

//! The documents of a tenant as JSON.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::fix::FixDocument;
use crate::domain::storage_config::Mode;
use crate::domain::templates::json::{Document, DocumentKind, Documents, Setting};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Documents)]
pub(crate) struct DocumentsView {
    mode: Mode,
    /// The version of these documents, which is another one whenever they change. Null with a `posture` other than the vendor's setting.
    document_version: Option<i32>,
    /// In the order in which to apply them. AWS rejects a policy that names a role that does not exist.
    documents: Vec<DocumentView>,
    settings: Vec<SettingView>,
    /// The link that opens the AWS console with the vendor's hosted `CloudFormation` template and all parameters filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    quick_create_url: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    document: FixDocument,
    title: String,
    /// The AWS account in which to apply it, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// Where to apply it in the AWS console.
    apply_to: String,
    form: DocumentKind,
    #[schema(value_type = Object)]
    body: Value,
    /// The complete policy for a new key. To the policy of an existing key, only add the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    new_key_policy: Option<Value>,
}

/// A setting to choose in the AWS console.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setting)]
pub(crate) struct SettingView {
    name: &'static str,
    value: Cow<'static, str>,
    why: &'static str,
}

impl From<Documents> for DocumentsView {
    fn from(documents: Documents) -> Self {
        Self {
            mode: documents.mode,
            document_version: documents.version,
            documents: documents.documents.into_iter().map(DocumentView::from).collect(),
            settings: documents.settings.into_iter().map(SettingView::from).collect(),
            quick_create_url: documents.quick_create_url,
        }
    }
}

impl From<Document> for DocumentView {
    fn from(document: Document) -> Self {
        Self {
            document: document.document,
            title: document.title,
            account: document.account.map(|account| account.to_string()),
            apply_to: document.apply_to,
            form: document.form,
            body: document.body,
            new_key_policy: document.new_key_policy,
        }
    }
}

impl From<Setting> for SettingView {
    fn from(setting: Setting) -> Self {
        Self {
            name: setting.name,
            value: setting.value,
            why: setting.why,
        }
    }
}

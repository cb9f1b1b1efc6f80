//! `GET /onboard/apply`: choose a mode and apply its documents.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use super::labels::{self, FormatLabels, ModeLabels};
use super::layout::Layout;
use super::rejection::Rejection;
use super::session::OnboardSession;
use super::update::UpdateView;
use crate::domain::access_level::AccessLevel;
use crate::domain::arn::KeyArn;
use crate::domain::storage_config::Mode;
use crate::domain::templates::format::TemplateFormat;
use crate::domain::templates::json::{Document, DocumentKind, Setting};
use crate::domain::templates::{Parties, TemplateParams};
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::labels::pretty;
use crate::http::web_ui::{render, sentence};
use crate::service::issue_templates::{TypedParams, fill, fill_valid, issue_documents, numbered};
use crate::service::{Context, read};

/// The entries so far, carried in the query string.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(crate) struct ApplyParams {
    pub mode: Option<String>,
    pub bucket: Option<String>,
    pub key_arn: Option<String>,
    pub role_name: Option<String>,
    pub account_id: Option<String>,
    pub bucket_account_id: Option<String>,
    pub prefix: Option<String>,
    pub access: Option<String>,
    /// Entered in step 2, and kept for it.
    pub sample_object: Option<String>,
    pub role_path: Option<String>,
    pub permissions_boundary: Option<String>,
    pub tags: Option<String>,
    /// The format of the documents.
    pub format: Option<String>,
    /// The field whose suggestion was accepted.
    #[serde(skip_serializing)]
    pub take: Option<String>,
}

impl ApplyParams {
    pub(crate) fn typed(&self) -> TypedParams {
        TypedParams {
            mode: self.mode.clone(),
            bucket: self.bucket.clone(),
            key_arn: self.key_arn.clone(),
            role_name: self.role_name.clone(),
            account_id: self.account_id.clone(),
            bucket_account_id: self.bucket_account_id.clone(),
            prefix: self.prefix.clone(),
            access: self.access.clone(),
            role_path: self.role_path.clone(),
            permissions_boundary: self.permissions_boundary.clone(),
            tags: self.tags.clone(),
            posture: None,
        }
    }

    /// The entries by field name.
    pub(crate) fn names(&self) -> Vec<(&'static str, String)> {
        [
            ("mode", &self.mode),
            ("bucket", &self.bucket),
            ("key_arn", &self.key_arn),
            ("role_name", &self.role_name),
            ("account_id", &self.account_id),
            ("bucket_account_id", &self.bucket_account_id),
            ("prefix", &self.prefix),
            ("access", &self.access),
            ("sample_object", &self.sample_object),
            ("role_path", &self.role_path),
            ("permissions_boundary", &self.permissions_boundary),
            ("tags", &self.tags),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.clone().map(|value| (name, value)))
        .collect()
    }

    /// The entries as a query string.
    pub(crate) fn query(&self) -> String {
        serde_urlencoded::to_string(self).unwrap_or_default()
    }

    /// Replaces a field's entry with its suggestion.
    fn take_offered(&mut self, context: &Context, tenant: &Tenant) {
        let Some(taken) = self.take.take() else { return };
        let faults = fill(context, tenant, &self.typed()).err().unwrap_or_default();
        let offered = faults
            .into_iter()
            .find(|fault| fault.field == taken)
            .and_then(|fault| fault.suggestion);
        let field = match taken.as_str() {
            "bucket" => &mut self.bucket,
            "key_arn" => &mut self.key_arn,
            "role_name" => &mut self.role_name,
            "account_id" => &mut self.account_id,
            "bucket_account_id" => &mut self.bucket_account_id,
            "prefix" => &mut self.prefix,
            _ => return,
        };
        if offered.is_some() {
            *field = offered;
        }
    }

    fn format(&self) -> TemplateFormat {
        self.format
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(TemplateFormat::Json)
    }

    fn with_format(&self, format: TemplateFormat) -> Self {
        Self {
            format: (format != TemplateFormat::Json).then(|| format.to_string()),
            ..self.clone()
        }
    }

    fn with_mode(&self, mode: Mode) -> Self {
        Self {
            mode: Some(mode.to_string()),
            ..self.clone()
        }
    }
}

#[derive(Template)]
#[template(path = "onboarding/pages/apply.html")]
struct Page<'a> {
    frame: Layout<'a>,
    update: Option<UpdateView>,
    /// The number of the documents.
    version: Option<i32>,
    choices: Vec<Choice>,
    /// What the vendor will be able to do.
    grants: [String; 2],
    mode: &'static str,
    fields: Vec<Field>,
    /// What the customer's organization may require. Folded unless one of them is filled in.
    creation: Vec<Field>,
    creation_open: bool,
    /// Two during a rotation.
    external_ids: Vec<String>,
    vendor_role: String,
    tabs: Vec<Tab>,
    /// The selected format. None for the console.
    format: Option<String>,
    sample_object: Option<String>,
    file: Option<FileView>,
    /// Why the selected format has no file.
    no_file: Option<String>,
    quick_create: Option<String>,
    names: Vec<(&'static str, String)>,
    form_token: String,
    /// The merge form, which is empty on this page.
    is_key_policy: bool,
    current: &'static str,
    documents: Vec<DocumentView>,
    /// How many documents still contain placeholders.
    incomplete: usize,
    settings: Vec<Setting>,
}

fn grants(params: &TemplateParams) -> [String; 2] {
    let place = if params.prefix.is_some() {
        "below your prefix in this one bucket"
    } else {
        "in this one bucket"
    };
    match params.level {
        AccessLevel::ReadWrite => [
            format!("Write, read, restore and delete objects {place}, and list them"),
            "Encrypt and decrypt with this one key".to_owned(),
        ],
        AccessLevel::Read => [
            format!("Read objects {place}, and list them"),
            "Decrypt with this one key".to_owned(),
        ],
    }
}

struct Choice {
    words: ModeLabels,
    href: String,
    chosen: bool,
    recommended: bool,
}

/// A tab of the format selection.
struct Tab {
    label: &'static str,
    href: String,
    chosen: bool,
}

/// A format with all documents in one file.
struct FileView {
    words: FormatLabels,
    name: String,
    text: String,
    href: String,
    has_placeholders: bool,
}

struct DocumentView {
    id: String,
    title: String,
    place: String,
    instruction: &'static str,
    text: String,
    new_key_policy: Option<String>,
    href: String,
    whole_href: String,
    has_placeholders: bool,
}

impl DocumentView {
    fn of(document: &Document, query: &str) -> Self {
        let text = pretty(&document.body);
        Self {
            id: document.document.to_string(),
            title: document.title.clone(),
            place: document.apply_to.clone(),
            instruction: match document.form {
                DocumentKind::Policy => "Paste this as the complete policy. If a policy already exists, add these statements to it.",
                DocumentKind::Statement => "Add this statement to the existing policy. Don't remove any others.",
                DocumentKind::Statements => "Add each statement of this list to the existing policy. Don't remove any others.",
                DocumentKind::Configuration => "Choose these values in the console, or pass this to the AWS CLI.",
            },
            has_placeholders: text.contains('<'),
            text,
            new_key_policy: document.new_key_policy.as_ref().map(pretty),
            href: format!("/onboard/documents/{}.json?{query}", document.document),
            whole_href: format!("/onboard/documents/whole-{}.json?{query}", document.document),
        }
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    session: OnboardSession,
    query: Result<Query<ApplyParams>, QueryRejection>,
) -> Result<Response, Rejection> {
    let Query(mut query) = query.map_err(|_| Rejection::Unreadable)?;
    if query.query().is_empty()
        && let Some(sent) = read::storage_configs::newest(&state.context, session.tenant.id).await?
    {
        query = of_config(&sent.storage);
    }
    query.take_offered(&state.context, &session.tenant);
    let (template_params, faults) = fill_valid_entries(&state.context, &session.tenant, &query)?;
    let template_params = numbered(&state.context, template_params).await?;
    let issued = issue_documents(&state.context, &template_params);
    let chosen = query.with_mode(template_params.mode);
    let documents: Vec<DocumentView> = issued
        .documents
        .iter()
        .map(|document| DocumentView::of(document, &chosen.query()))
        .collect();
    let offered = offered(&state.context, &session.tenant);
    let format = query.format();
    let (file, no_file) = match format.file(&template_params, parties(&state.context, &session.tenant)) {
        Ok(file) => (file, None),
        Err(several) => (None, Some(sentence(&several.to_string()))),
    };
    let file = file.map(|file| {
        let name = format!("latchkey.{}", file.extension);
        FileView {
            words: labels::format(format),
            href: format!("/onboard/documents/{name}?{}", chosen.query()),
            has_placeholders: documents.iter().any(|document| document.has_placeholders),
            text: file.text,
            name,
        }
    });
    let page = Page {
        frame: Layout::new(&state, &session, 1, "Choose and apply"),
        update: UpdateView::load(&state, &session).await?,
        version: issued.version,
        grants: grants(&template_params),
        choices: offered
            .iter()
            .map(|mode| Choice {
                words: labels::mode(*mode),
                href: format!("/onboard/apply?{}", query.with_mode(*mode).query()),
                chosen: *mode == template_params.mode,
                recommended: offered.len() > 1 && Some(mode) == offered.first(),
            })
            .collect(),
        mode: template_params.mode.into(),
        fields: fields(&state.context, &chosen, template_params.mode, &faults),
        creation: creation_fields(&chosen, template_params.mode, &faults),
        creation_open: [&chosen.role_path, &chosen.permissions_boundary, &chosen.tags]
            .iter()
            .any(|typed| typed.as_ref().is_some_and(|text| !text.trim().is_empty())),
        external_ids: session.tenant.accepted_ids().iter().map(ToString::to_string).collect(),
        vendor_role: template_params.vendor_role.to_string(),
        tabs: TemplateFormat::iter()
            .map(|format| Tab {
                label: labels::format(format).name,
                href: format!("/onboard/apply?{}", chosen.with_format(format).query()),
                chosen: format == query.format(),
            })
            .collect(),
        format: chosen.format.clone(),
        sample_object: chosen.sample_object.clone(),
        file,
        no_file,
        quick_create: issued.quick_create_url.filter(|_| format == TemplateFormat::Cloudformation),
        names: chosen.names(),
        form_token: session.session.form_token(),
        is_key_policy: false,
        current: "",
        incomplete: documents.iter().filter(|document| document.has_placeholders).count(),
        documents,
        settings: issued.settings,
    };
    Ok(render(&page))
}

/// The parties that the files name.
pub(crate) fn parties<'a>(context: &'a Context, tenant: &'a Tenant) -> Parties<'a> {
    Parties {
        vendor: &context.vendor.name,
        tenant: tenant.name.as_str(),
    }
}

/// The modes available to the tenant, the recommended one first.
pub(crate) fn offered(context: &Context, tenant: &Tenant) -> Vec<Mode> {
    context
        .vendor
        .modes()
        .into_iter()
        .filter(|mode| tenant.modes.contains(mode))
        .collect()
}

/// Fills the documents with the valid entries.
///
/// # Errors
/// When no mode is available to this tenant.
pub(crate) fn fill_valid_entries(
    context: &Context,
    tenant: &Tenant,
    query: &ApplyParams,
) -> Result<(TemplateParams, Vec<FieldError>), Rejection> {
    fill_valid(context, tenant, query.typed()).map_err(|_| Rejection::Unavailable)
}

pub(crate) fn of_config(storage: &crate::domain::storage_config::Storage) -> ApplyParams {
    let role = storage.access.client_role();
    ApplyParams {
        mode: Some(storage.mode().to_string()),
        bucket: Some(storage.bucket.name().to_string()),
        key_arn: Some(storage.key.to_string()),
        role_name: role.map(|role| role.name().to_string()),
        account_id: role.map(|role| role.account().to_string()),
        bucket_account_id: Some(&storage.bucket_account)
            .filter(|account| *account != storage.default_bucket_account())
            .map(ToString::to_string),
        prefix: storage.prefix.as_ref().map(ToString::to_string),
        access: Some(storage.level.to_string()),
        sample_object: storage.sample_object.clone(),
        role_path: role.map(|role| role.path().to_owned()).filter(|path| path != "/"),
        ..ApplyParams::default()
    }
}

fn fields(context: &Context, query: &ApplyParams, mode: Mode, faults: &[FieldError]) -> Vec<Field> {
    let words = |fault: &FieldError| sentence(fault.reason());
    let mut fields = vec![
        Field::new("key_arn", "Key ARN", query.key_arn.as_deref())
            .with_hint(
                "A customer managed, symmetric KMS key. The KMS console shows its ARN on the key's page.",
                "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            )
            .judged(faults, words),
        Field::new("bucket", "Bucket name", query.bucket.as_deref())
            .with_hint(&bucket_hint(query), "acme-documents")
            .judged(faults, words),
    ];
    if mode == Mode::AssumeRole {
        let prefix = context.vendor.client_role_prefix.as_ref();
        let hint = prefix.map_or_else(
            || "You will create this role. Choose any name.".to_owned(),
            |prefix| format!("You will create this role. Its name must start with {prefix}."),
        );
        fields.push(
            Field::new("role_name", "Role name", query.role_name.as_deref())
                .with_hint(&hint, &format!("{}documents", prefix.map_or("", |prefix| prefix.as_str())))
                .judged(faults, words),
        );
        fields.push(
            Field::new("account_id", "AWS account ID", query.account_id.as_deref())
                .with_hint("The account in which you create the role: 12 digits.", "123456789012")
                .judged(faults, words),
        );
    }
    let other = match mode {
        Mode::AssumeRole => "role",
        Mode::Direct => "key",
    };
    fields.push(Field {
        optional: true,
        ..Field::new(
            "bucket_account_id",
            "AWS account ID of the bucket",
            query.bucket_account_id.as_deref(),
        )
        .with_hint(
            &format!("Only needed if the bucket is in a different account than the {other}."),
            "123456789012",
        )
        .judged(faults, words)
    });
    fields.push(Field {
        optional: true,
        ..Field::new("prefix", "Prefix", query.prefix.as_deref())
            .with_hint(
                "Only needed if not the whole bucket is for us. All object keys start with it.",
                "documents/",
            )
            .judged(faults, words)
    });
    if context.vendor.levels.len() > 1 {
        fields.push(labels::access(context, query.access.as_deref(), faults));
    }
    fields
}

/// What the customer's organization may require of new resources.
fn creation_fields(query: &ApplyParams, mode: Mode, faults: &[FieldError]) -> Vec<Field> {
    let field = |name: &'static str, label, value: Option<&str>, hint: &str, example: &str| {
        Field::new(name, label, value)
            .with_hint(hint, example)
            .judged(faults, |fault| sentence(fault.reason()))
    };
    let mut fields = Vec::new();
    if mode == Mode::AssumeRole {
        fields.push(field(
            "permissions_boundary",
            "Permissions boundary",
            query.permissions_boundary.as_deref(),
            "The policy that limits what the role can be granted. It must allow the permissions of the role below.",
            "arn:aws:iam::123456789012:policy/boundary",
        ));
        fields.push(field(
            "role_path",
            "Role path",
            query.role_path.as_deref(),
            "It is part of the role's ARN.",
            "/vendors/",
        ));
    }
    fields.push(field(
        "tags",
        "Tags",
        query.tags.as_deref(),
        "Of everything that is created. Separate them with commas.",
        "Team=Records,Stage=prod",
    ));
    fields
}

/// Proposes a name that nobody outside the account can ever have, as far as it is known.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html>
fn bucket_hint(query: &ApplyParams) -> String {
    let key = query.key_arn.as_deref().and_then(|text| KeyArn::parse(text.trim()).ok());
    let (account, region) = key
        .as_ref()
        .map_or(("ACCOUNT", "REGION"), |key| (key.account().as_str(), key.region().as_str()));
    format!(
        "A new or existing bucket, in the key's region. A new one whose name ends in -{account}-{region}-an is reserved for your account."
    )
}

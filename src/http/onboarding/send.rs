//! `GET /onboard/send`: the form for ARNs and region. The same page is the response to an invalid submission.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde::Deserialize;

use super::apply::{ApplyParams, offered};
use super::labels::{self, ModeLabels};
use super::layout::Layout;
use super::rejection::Rejection;
use super::session::OnboardSession;
use crate::domain::access_level::AccessLevel;
use crate::domain::account::AccountId;
use crate::domain::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use crate::domain::limits::VersionLimit;
use crate::domain::partition::Partition;
use crate::domain::storage_config::{Mode, Storage};
use crate::domain::submission::Submission;
use crate::domain::suggestions;
use crate::domain::templates::creation::RolePath;
use crate::domain::tenant::Tenant;
use crate::domain::text::{FieldError, capital, words};
use crate::http::AppState;
use crate::http::conventions::problem::Problem;
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::{render, sentence};
use crate::service::{Context, read};

/// The fields as they were submitted.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct SendForm {
    pub mode: Option<String>,
    #[serde(default)]
    pub bucket_arn: String,
    #[serde(default)]
    pub bucket_region: String,
    #[serde(default)]
    pub key_arn: String,
    #[serde(default)]
    pub role_arn: String,
    #[serde(default)]
    pub bucket_account_id: String,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub access: String,
    #[serde(default)]
    pub sample_object: String,
    /// Not a field of the page, but judged if it is sent.
    pub external_id: Option<String>,
    /// The field whose suggestion was accepted. Nothing else is done then.
    pub take: Option<String>,
}

impl SendForm {
    fn of_storage(storage: &Storage) -> Self {
        Self {
            mode: Some(storage.mode().to_string()),
            bucket_arn: storage.bucket.to_string(),
            // It is always the key's, and follows when the key is replaced.
            bucket_region: String::new(),
            key_arn: storage.key.to_string(),
            role_arn: storage.access.client_role().map(RoleArn::to_string).unwrap_or_default(),
            prefix: storage.prefix.as_ref().map(ToString::to_string).unwrap_or_default(),
            access: storage.level.to_string(),
            sample_object: storage.sample_object.clone().unwrap_or_default(),
            // It follows from the role or the key, unless it is another one.
            bucket_account_id: Some(&storage.bucket_account)
                .filter(|account| *account != storage.default_bucket_account())
                .map(AccountId::to_string)
                .unwrap_or_default(),
            external_id: None,
            take: None,
        }
    }

    /// Values derived from the entries on the previous page.
    fn of_filling(filling: &ApplyParams, partition: Partition) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let bucket = text(&filling.bucket);
        let (account, role) = (text(&filling.account_id), text(&filling.role_name));
        let key = text(&filling.key_arn);
        Self {
            mode: filling.mode.clone(),
            bucket_arn: BucketName::parse(&bucket).map_or(bucket, |name| BucketArn::of(partition, name).to_string()),
            bucket_region: String::new(),
            key_arn: key,
            role_arn: if account.is_empty() || role.is_empty() {
                String::new()
            } else {
                let path = RolePath::parse(&text(&filling.role_path)).unwrap_or_default();
                format!("arn:{partition}:iam::{account}:role{path}{role}")
            },
            prefix: text(&filling.prefix),
            access: text(&filling.access),
            sample_object: text(&filling.sample_object),
            bucket_account_id: text(&filling.bucket_account_id),
            external_id: None,
            take: None,
        }
    }

    /// In the mode `direct`, the role field is hidden.
    fn role_arn(&self, mode: Mode) -> Option<String> {
        (mode == Mode::AssumeRole).then(|| self.role_arn.clone())
    }

    /// The submission to validate. An empty region defaults to the key's, since both must be the same.
    pub(crate) fn submission(&self, mode: Mode) -> Submission {
        let region = Some(self.bucket_region.clone()).filter(|text| !text.trim().is_empty());
        Submission {
            mode: Some(self.mode.clone().unwrap_or_else(|| mode.to_string())),
            bucket_arn: Some(self.bucket_arn.clone()),
            bucket_region: region.or_else(|| self.key_region()),
            key_arn: Some(self.key_arn.clone()),
            role_arn: self.role_arn(mode),
            bucket_account_id: Some(self.bucket_account_id.clone()),
            prefix: Some(self.prefix.clone()),
            access: Some(self.access.clone()),
            sample_object: Some(self.sample_object.clone()),
            external_id: self.external_id.clone(),
            ..Submission::default()
        }
    }

    fn key_region(&self) -> Option<String> {
        KeyArn::parse(self.key_arn.trim()).ok().map(|key| key.region().to_string())
    }

    /// The selected mode, or else the first available one.
    ///
    /// # Errors
    /// When no mode is available to this tenant.
    pub(crate) fn mode(&self, context: &Context, tenant: &Tenant) -> Result<Mode, Rejection> {
        let offered = offered(context, tenant);
        let named = self.mode.as_deref().and_then(|text| text.parse().ok());
        named
            .filter(|mode| offered.contains(mode))
            .or_else(|| offered.first().copied())
            .ok_or(Rejection::Unavailable)
    }

    /// Every error, or the valid submission.
    pub(crate) fn validate(&self, context: &Context, tenant: &Tenant, mode: Mode) -> Result<Storage, Vec<FieldError>> {
        let issued = &tenant.accepted_ids();
        self.submission(mode).validate(&context.vendor, &tenant.modes, Some(issued))
    }

    /// The region, if it follows from the key.
    fn derived_region(&self) -> Option<String> {
        let region = self.key_region().filter(|_| self.bucket_region.trim().is_empty())?;
        Some(format!("Taken from the key ARN: {region}."))
    }

    /// The bucket's account, if it follows from the role or the key.
    fn derived_account(&self, context: &Context, mode: Mode) -> Option<String> {
        if !self.bucket_account_id.trim().is_empty() {
            return None;
        }
        let (source, account) = match mode {
            Mode::AssumeRole => ("role", RoleArn::parse(self.role_arn.trim()).ok()?.account().clone()),
            Mode::Direct => ("key", KeyArn::parse(self.key_arn.trim()).ok()?.account().clone()),
        };
        (!context.vendor.refuses_account(&account)).then(|| format!("Taken from the {source} ARN: {account}."))
    }

    /// Accepts a field's suggestion.
    pub(crate) fn take(&mut self, field: &str, context: &Context, tenant: &Tenant, mode: Mode) {
        let faults = self.validate(context, tenant, mode).err().unwrap_or_default();
        let offered = faults
            .into_iter()
            .find(|fault| fault.field == field)
            .and_then(|fault| fault.suggestion);
        let Some(value) = offered else { return };
        match field {
            "bucket_arn" => {
                if self.prefix.trim().is_empty() {
                    self.prefix = suggestions::prefix_in(self.bucket_arn.trim()).map_or_else(String::new, |prefix| prefix.to_string());
                }
                self.bucket_arn = value;
            }
            "prefix" => self.prefix = value,
            "bucket_region" => self.bucket_region = value,
            "key_arn" => self.key_arn = value,
            "role_arn" => self.role_arn = value,
            "bucket_account_id" => self.bucket_account_id = value,
            _ => {}
        }
    }
}

#[derive(Template)]
#[template(path = "onboarding/pages/send.html")]
struct Page<'a> {
    frame: Layout<'a>,
    form_token: String,
    modes: Vec<(ModeLabels, bool)>,
    fields: Vec<Field>,
    /// Each error with its field.
    faults: Vec<(String, String)>,
    external_id: &'a str,
    regions: Vec<String>,
    apply: String,
    /// The newest version.
    version: Option<i32>,
    /// Why nothing was submitted, if the tenant has too many versions.
    limit: Option<String>,
}

/// Which fields to comment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Only fields that are not empty.
    WhatIsThere,
    Whole,
    /// Complete and valid, but the tenant cannot submit another version.
    LimitReached(VersionLimit),
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    session: OnboardSession,
    query: Result<Query<ApplyParams>, QueryRejection>,
) -> Result<Response, Rejection> {
    let Query(filling) = query.map_err(|_| Rejection::Unreadable)?;
    if !session.may_submit() {
        return Err(Rejection::NeedsChangeLink);
    }
    let sent = read::storage_configs::newest(&state.context, session.tenant.id).await?;
    let typed = filling.bucket.is_some() || filling.key_arn.is_some();
    let form = match &sent {
        Some(sent) if !typed => SendForm::of_storage(&sent.storage),
        _ => SendForm::of_filling(&filling, state.context.vendor.partition()),
    };
    page(&state, &session, &form, Judged::WhatIsThere, sent.map(|sent| sent.version))
}

/// The form with its entries, errors and suggestions.
pub(crate) fn page(
    state: &AppState,
    session: &OnboardSession,
    form: &SendForm,
    judged: Judged,
    version: Option<i32>,
) -> Result<Response, Rejection> {
    let mode = form.mode(&state.context, &session.tenant)?;
    let mut faults = form.validate(&state.context, &session.tenant, mode).err().unwrap_or_default();
    if judged == Judged::WhatIsThere {
        // What is missing may have been pasted into another field.
        faults.retain(|fault| !matches!(fault.code.as_str(), "required" | "role_arn_required") || fault.suggestion.is_some());
    }
    let rejected = judged == Judged::Whole && !faults.is_empty();
    let limit = match judged {
        Judged::LimitReached(limit) => Some(limit),
        Judged::WhatIsThere | Judged::Whole => None,
    };
    // The region follows from the key's ARN once that is valid.
    let key_is_wrong = faults.iter().any(|fault| fault.field == "key_arn");
    faults.retain(|fault| !(key_is_wrong && fault.field == "bucket_region" && fault.code == "required"));
    let fields = fields(&state.context, form, mode, &faults, rejected);
    faults.sort_by_key(|fault| fields.iter().position(|field| field.name == fault.field));
    let listed = faults.iter().filter(|_| rejected).map(|fault| {
        let field = fields.iter().find(|field| field.name == fault.field);
        let error = field.and_then(|field| Some(format!("{}: {}", field.label, field.error.as_ref()?)));
        (fault.field.clone(), error.unwrap_or_else(|| words_of(fault)))
    });
    let page = Page {
        form_token: session.session.form_token(),
        modes: offered(&state.context, &session.tenant)
            .into_iter()
            .map(|each| (labels::mode(each), each == mode))
            .collect(),
        faults: listed.collect(),
        external_id: session.tenant.external_id.as_str(),
        regions: {
            let known = state.context.vendor.regions.of(state.context.vendor.partition());
            known.iter().map(ToString::to_string).collect()
        },
        apply: apply_query(form, mode),
        frame: Layout::new(
            state,
            session,
            2,
            match limit {
                Some(_) => "Not submitted",
                None if rejected => "Some fields need your attention",
                None => "Enter details",
            },
        ),
        limit: limit.map(limit_text),
        fields,
        version,
    };
    let status = match limit {
        Some(limit) => Problem::from(limit).kind().status(),
        None if rejected => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok((status, render(&page)).into_response())
}

/// The link to the previous page, with the entries of this one.
fn apply_query(form: &SendForm, mode: Mode) -> String {
    let role = RoleArn::parse(form.role_arn.trim()).ok();
    let filling = ApplyParams {
        mode: Some(mode.to_string()),
        bucket: BucketArn::parse(form.bucket_arn.trim()).ok().map(|arn| arn.name().to_string()),
        key_arn: KeyArn::parse(form.key_arn.trim()).ok().map(|arn| arn.to_string()),
        role_name: role.as_ref().map(|role| role.name().to_string()),
        role_path: role.as_ref().map(|role| role.path().to_owned()).filter(|path| path != "/"),
        account_id: role.map(|role| role.account().to_string()),
        bucket_account_id: AccountId::parse(form.bucket_account_id.trim())
            .ok()
            .map(|account| account.to_string()),
        prefix: Some(form.prefix.trim().to_owned()).filter(|prefix| !prefix.is_empty()),
        access: Some(form.access.trim().to_owned()).filter(|access| !access.is_empty()),
        sample_object: Some(form.sample_object.trim().to_owned()).filter(|key| !key.is_empty()),
        ..ApplyParams::default()
    };
    filling.query()
}

/// Why nothing was submitted, and what the customer can do.
fn limit_text(limit: VersionLimit) -> String {
    match limit {
        VersionLimit::Day { limit, until, .. } => {
            // The next full minute.
            let until = (until + TimeDelta::minutes(1)).format("%Y-%m-%d %H:%M UTC");
            let versions = if limit == 1 {
                "1 version".to_owned()
            } else {
                format!("{limit} versions")
            };
            format!("You can submit {versions} within 24 hours. The next one is possible from {until}. If you need it sooner, contact us.")
        }
        VersionLimit::Total { limit } => {
            format!("You have submitted {limit} versions, which is the maximum. Contact us to have it raised.")
        }
    }
}

fn words_of(fault: &FieldError) -> String {
    match (fault.field.as_str(), fault.code.as_str()) {
        ("bucket_arn", "required") => "Enter the bucket ARN, such as arn:aws:s3:::acme-documents.".into(),
        ("key_arn", "required") => "Enter the key ARN. The KMS console shows it on the key's page.".into(),
        ("bucket_region", "required") => "Enter the region of the bucket and key, such as eu-central-1.".into(),
        (_, "role_arn_required") => "Enter the ARN of the role that you created.".into(),
        ("bucket_arn" | "key_arn" | "bucket_region" | "role_arn" | "bucket_account_id", _) => sentence(fault.reason()),
        // The form has no such field.
        (field, _) => format!("{}: {}", capital(&words(field)), sentence(fault.reason())),
    }
}

fn fields(context: &Context, form: &SendForm, mode: Mode, faults: &[FieldError], rejected: bool) -> Vec<Field> {
    let mut fields = vec![
        Field::new("bucket_arn", "Bucket ARN", Some(&form.bucket_arn))
            .with_hint(
                "In the S3 console: your bucket > Properties. It contains no region and no account ID.",
                "arn:aws:s3:::acme-documents",
            )
            .judged(faults, words_of),
        Field::new("key_arn", "Key ARN", Some(&form.key_arn))
            .with_hint(
                "In the KMS console: your key > General configuration. Not an alias.",
                "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            )
            .judged(faults, words_of),
        Field {
            list: Some("regions"),
            derived: form.derived_region(),
            ..Field::new("bucket_region", "Region", Some(&form.bucket_region))
                .with_hint(
                    "The bucket and the key must be in the same region. If empty, it is taken from the key ARN.",
                    "eu-central-1",
                )
                .judged(faults, words_of)
        },
        Field {
            class: "of-role",
            ..Field::new("role_arn", "Role ARN", Some(&form.role_arn))
                .with_hint(
                    "In the IAM console: your role > Summary. The role that you created in step 1.",
                    "arn:aws:iam::123456789012:role/vendor-documents",
                )
                .judged(faults, words_of)
        },
        Field {
            optional: true,
            derived: form.derived_account(context, mode),
            ..Field::new("bucket_account_id", "AWS account ID of the bucket", Some(&form.bucket_account_id))
                .with_hint(
                    "Only needed if the bucket is in a different account than the role or key. If empty, it is taken from the ARNs.",
                    "123456789012",
                )
                .judged(faults, words_of)
        },
        Field {
            optional: true,
            ..Field::new("prefix", "Prefix", Some(&form.prefix))
                .with_hint(
                    "Only needed if not the whole bucket is for us. All object keys start with it.",
                    "documents/",
                )
                .judged(faults, words_of)
        },
    ];
    if context.vendor.levels.len() > 1 {
        fields.push(labels::access(context, Some(&form.access), faults));
    }
    if context.vendor.levels.contains(&AccessLevel::Read) {
        fields.push(Field {
            optional: true,
            ..Field::new("sample_object", "Sample object", Some(&form.sample_object))
                .with_hint(
                    "With read access only: the key of an object that we may read to verify the connection. If empty, we choose one.",
                    "documents/sample.pdf",
                )
                .judged(faults, words_of)
        });
    }
    for field in &mut fields {
        field.right = field.error.is_none() && field.choices.is_empty() && !field.value.trim().is_empty();
    }
    if rejected && let Some(first) = fields.iter_mut().find(|field| field.error.is_some()) {
        first.autofocus = true;
    }
    fields
}

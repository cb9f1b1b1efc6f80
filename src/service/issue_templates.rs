//! The templates that a customer applies, filled in with the known values.

use super::{Context, Outage, document_versions};
use crate::domain::account::AccountId;
use crate::domain::arn::{BucketName, KeyArn, PolicyArn, RoleName};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::storage_config::Mode;
use crate::domain::submission::{self, account_errors, key_errors, partition_error, role_name_error, without_vendors_account};
use crate::domain::suggestions::{self, ArnField, FormContext};
use crate::domain::templates::TemplateParams;
use crate::domain::templates::cloudformation::quick_create_link;
use crate::domain::templates::creation::{Creation, RolePath, Tags, parse_boundary};
use crate::domain::templates::format::TemplateFormat;
use crate::domain::templates::json::{Documents, documents};
use crate::domain::templates::sid::SidSuffix;
use crate::domain::tenant::Tenant;
use crate::domain::text::{FieldError, Malformed};
use crate::store;

/// The customer's entries so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypedParams {
    pub mode: Option<String>,
    pub bucket: Option<String>,
    pub key_arn: Option<String>,
    pub role_name: Option<String>,
    pub account_id: Option<String>,
    /// Of the bucket. Defaults to the role's or the key's.
    pub bucket_account_id: Option<String>,
    pub prefix: Option<String>,
    /// Defaults to the vendor's setting.
    pub access: Option<String>,
    pub role_path: Option<String>,
    pub permissions_boundary: Option<String>,
    pub tags: Option<String>,
    /// Defaults to the vendor's setting.
    pub posture: Option<bool>,
}

/// Fills in a tenant's templates.
///
/// # Errors
/// Every invalid entry.
pub(crate) fn fill(context: &Context, tenant: &Tenant, typed: &TypedParams) -> Result<TemplateParams, Vec<FieldError>> {
    fn parse<T>(field: &str, text: Option<&str>, parse: impl Fn(&str) -> Result<T, Malformed>, faults: &mut Vec<FieldError>) -> Option<T> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        parse(text).map_err(|malformed| faults.push(FieldError::of(field, malformed))).ok()
    }

    let vendor = &context.vendor;
    let typed_account = typed.account_id.as_deref().and_then(|text| AccountId::parse(text.trim()).ok());
    let around = FormContext {
        vendor,
        account: typed_account.as_ref().filter(|account| !vendor.refuses_account(account)),
        region: None,
    };

    let mut faults = Vec::new();
    let offered: Vec<Mode> = context
        .vendor
        .modes()
        .into_iter()
        .filter(|mode| tenant.modes.contains(mode))
        .collect();
    let mode = match typed.mode.as_deref() {
        None => offered.first().copied(),
        Some(text) => text.parse().ok().filter(|mode| offered.contains(mode)),
    };
    let vendor_role = mode.and_then(|mode| context.vendor.role(mode).cloned());
    if vendor_role.is_none() {
        let names = offered.iter().map(Mode::to_string).collect::<Vec<_>>().join(" or ");
        faults.push(FieldError::new(
            "mode",
            "mode_not_offered",
            format!("this mode is not available; use {names}"),
        ));
    }
    let bucket = |text: &str| BucketName::parse(text).map_err(|malformed| suggestions::explain_bucket_name(text, malformed, around));
    let bucket = parse("bucket", typed.bucket.as_deref(), bucket, &mut faults);
    let key = |text: &str| KeyArn::parse(text).map_err(|malformed| suggestions::explain(ArnField::Key, text, malformed, around));
    let key = parse("key_arn", typed.key_arn.as_deref(), key, &mut faults);
    let role_name = |text: &str| RoleName::parse(text).map_err(|malformed| suggestions::explain_role_name(text, malformed, around));
    let role_name = parse("role_name", typed.role_name.as_deref(), role_name, &mut faults);
    let account = |text: &str| AccountId::parse(text).map_err(|malformed| without_vendors_account(malformed, vendor));
    let bucket_account = parse("bucket_account_id", typed.bucket_account_id.as_deref(), account, &mut faults);
    let account = parse("account_id", typed.account_id.as_deref(), account, &mut faults);
    faults.extend(key.iter().flat_map(|key| key_errors("key_arn", key, vendor)));
    faults.extend(role_name.iter().filter_map(|name| role_name_error("role_name", name, vendor)));
    for (field, account) in [("account_id", &account), ("bucket_account_id", &bucket_account)] {
        faults.extend(account.iter().flat_map(|account| account_errors(field, account, vendor)));
    }
    let prefix = |text: &str| StoragePrefix::parse(text).map_err(|malformed| suggestions::explain_prefix(text, malformed));
    let prefix = parse("prefix", typed.prefix.as_deref(), prefix, &mut faults);
    let level = parse(
        "access",
        typed.access.as_deref(),
        |text| submission::parse_level(text, &context.vendor),
        &mut faults,
    );
    let boundary = parse(
        "permissions_boundary",
        typed.permissions_boundary.as_deref(),
        parse_boundary,
        &mut faults,
    );
    let elsewhere = |policy: &PolicyArn| partition_error("permissions_boundary", "policy", policy.partition(), vendor);
    faults.extend(boundary.iter().filter_map(elsewhere));
    let creation = Creation {
        permissions_boundary: boundary,
        role_path: parse("role_path", typed.role_path.as_deref(), RolePath::parse, &mut faults).unwrap_or_default(),
        tags: parse("tags", typed.tags.as_deref(), Tags::parse, &mut faults).unwrap_or_default(),
    };
    match (mode, vendor_role) {
        (Some(mode), Some(vendor_role)) if faults.is_empty() => Ok(TemplateParams {
            bucket,
            key,
            role_name,
            account,
            bucket_account,
            prefix,
            level: level.unwrap_or_else(|| context.vendor.level()),
            posture: typed.posture.unwrap_or(context.vendor.posture),
            extra: context.vendor.extra.clone(),
            sid_suffix: Some(SidSuffix::of(tenant.id)),
            network: context.vendor.network.clone(),
            creation,
            ..TemplateParams::empty(mode, vendor_role, tenant.accepted_ids())
        }),
        _ => Err(faults),
    }
}

/// Fills in a tenant's templates with the valid entries, and returns the errors of the others.
///
/// # Errors
/// When no mode is available to this tenant.
pub(crate) fn fill_valid(
    context: &Context,
    tenant: &Tenant,
    typed: TypedParams,
) -> Result<(TemplateParams, Vec<FieldError>), Vec<FieldError>> {
    let faults = match fill(context, tenant, &typed) {
        Ok(params) => return Ok((params, Vec::new())),
        Err(faults) => faults,
    };
    let valid = |field: &str, text: Option<String>| text.filter(|_| faults.iter().all(|fault| fault.field != field));
    let fitting = TypedParams {
        mode: valid("mode", typed.mode),
        bucket: valid("bucket", typed.bucket),
        key_arn: valid("key_arn", typed.key_arn),
        role_name: valid("role_name", typed.role_name),
        account_id: valid("account_id", typed.account_id),
        bucket_account_id: valid("bucket_account_id", typed.bucket_account_id),
        prefix: valid("prefix", typed.prefix),
        access: valid("access", typed.access),
        role_path: valid("role_path", typed.role_path),
        permissions_boundary: valid("permissions_boundary", typed.permissions_boundary),
        tags: valid("tags", typed.tags),
        posture: typed.posture,
    };
    Ok((fill(context, tenant, &fitting)?, faults))
}

/// The same documents with their number, unless their permissions are not those that the vendor's setting asks for.
pub(crate) async fn numbered(context: &Context, params: TemplateParams) -> store::Result<TemplateParams> {
    if params.posture != context.vendor.posture {
        return Ok(params);
    }
    let version = match document_versions::current(context).await {
        Ok(version) => Some(version.number),
        // A read-only database may not know them yet.
        Err(error) if error.outage() == Some(Outage::RefusesChanges) => None,
        Err(error) => return Err(error),
    };
    Ok(TemplateParams { version, ..params })
}

/// The documents as JSON, and the quick-create link if the vendor hosts the CloudFormation template.
pub(crate) fn issue_documents(context: &Context, params: &TemplateParams) -> Documents {
    Documents {
        quick_create_url: context
            .vendor
            .cloudformation_url
            .as_deref()
            .filter(|_| TemplateFormat::Cloudformation.check_accounts(params).is_ok())
            .map(|hosted| quick_create_link(hosted, params)),
        ..documents(params)
    }
}

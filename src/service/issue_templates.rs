//! The templates that a customer applies, filled in with the known values.

use super::{Context, Outage, document_versions};
use crate::domain::account::AccountId;
use crate::domain::arn::{BucketName, KeyArn, RoleName};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::partition::Partition;
use crate::domain::storage_config::Mode;
use crate::domain::submission;
use crate::domain::templates::TemplateParams;
use crate::domain::templates::cloudformation::quick_create_link;
use crate::domain::templates::creation::{Creation, RolePath, Tags, parse_boundary};
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
    let bucket = parse("bucket", typed.bucket.as_deref(), BucketName::parse, &mut faults);
    let ours = context.vendor.partition();
    let key = |text: &str| {
        let key = KeyArn::parse(text)?;
        in_partition(ours, key.as_str()).map(|()| key)
    };
    let key = parse("key_arn", typed.key_arn.as_deref(), key, &mut faults);
    let role_name = parse("role_name", typed.role_name.as_deref(), RoleName::parse, &mut faults);
    let account = parse("account_id", typed.account_id.as_deref(), AccountId::parse, &mut faults);
    let prefix = parse("prefix", typed.prefix.as_deref(), StoragePrefix::parse, &mut faults);
    let level = parse(
        "access",
        typed.access.as_deref(),
        |text| submission::parse_level(text, &context.vendor),
        &mut faults,
    );
    if let (Some(name), Some(prefix)) = (&role_name, &context.vendor.client_role_prefix)
        && !name.as_str().starts_with(prefix.as_str())
    {
        faults.push(FieldError::new(
            "role_name",
            "role_name_prefix",
            format!("the role name must start with {prefix}"),
        ));
    }
    let boundary = |text: &str| {
        let policy = parse_boundary(text)?;
        in_partition(ours, policy.as_str()).map(|()| policy)
    };
    let creation = Creation {
        permissions_boundary: parse("permissions_boundary", typed.permissions_boundary.as_deref(), boundary, &mut faults),
        role_path: parse("role_path", typed.role_path.as_deref(), RolePath::parse, &mut faults).unwrap_or_default(),
        tags: parse("tags", typed.tags.as_deref(), Tags::parse, &mut faults).unwrap_or_default(),
    };
    match (mode, vendor_role) {
        (Some(mode), Some(vendor_role)) if faults.is_empty() => Ok(TemplateParams {
            bucket,
            key,
            role_name,
            account,
            prefix,
            level: level.unwrap_or_else(|| context.vendor.level()),
            posture: typed.posture.unwrap_or(context.vendor.posture),
            sid_suffix: Some(SidSuffix::of(tenant.id)),
            creation,
            ..TemplateParams::empty(mode, vendor_role, tenant.accepted_ids())
        }),
        _ => Err(faults),
    }
}

/// Identities do not cross partitions, so documents never name ARNs of two.
fn in_partition(ours: Partition, arn: &str) -> Result<(), Malformed> {
    if arn.starts_with(&format!("arn:{ours}:")) {
        return Ok(());
    }
    Err(Malformed::new(
        "other_partition",
        format!("this ARN is in another AWS partition; it must be in {ours}, because identities do not cross partitions"),
    ))
}

/// The same documents with their number, unless their permissions are not those that the vendor's setting asks for.
pub(crate) async fn numbered(context: &Context, params: TemplateParams) -> store::Result<TemplateParams> {
    if params.posture != context.vendor.posture || params.level != context.vendor.level() {
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
            .map(|hosted| quick_create_link(hosted, params)),
        ..documents(params)
    }
}

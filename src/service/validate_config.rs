//! Validating a submission without storing it or calling AWS, and saying what that does not judge.

use super::Context;
use crate::domain::access_level::AccessLevel;
use crate::domain::storage_config::Storage;
use crate::domain::submission::Submission;
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::store::{self, active_configs};

/// A valid submission, and how far it was judged.
#[derive(Debug)]
pub(crate) struct ValidatedConfig {
    pub(crate) storage: Storage,
    /// The submitted fields, and the other subjects, that were judged.
    pub(crate) judged: Vec<&'static str>,
    /// The subjects that were not judged, each with the reason.
    pub(crate) not_judged: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ValidateConfigError {
    #[error("invalid submission")]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// What only AWS can answer.
const NEEDS_AWS: (&str, &str) = (
    "aws",
    "whether the bucket, the key and the role exist and grant access is for a verification to find out, which calls AWS",
);

/// What customers are not told before they have proven access: it would tell them who else is a customer.
const NEEDS_ACCESS: (&str, &str) = (
    "claims",
    "whether another customer uses the bucket or the role is for a verification to find out, once access was proven",
);

/// What only a tenant's record can answer.
const NEED_A_TENANT: [(&str, &str); 3] = [
    (
        "external_id",
        "only its format was judged, because no tenant is named; send tenant to compare it with the issued ones",
    ),
    (
        "tenant_modes",
        "the mode was compared with those that the vendor offers, because no tenant is named",
    ),
    (
        "claims",
        "whether another tenant uses the bucket or the role was not looked up, because no tenant is named",
    ),
];

/// Validates a submission, for a tenant if one is named.
///
/// # Errors
/// Every error.
pub(crate) async fn validate_config(
    context: &Context,
    tenant: Option<&Tenant>,
    submission: &Submission,
) -> Result<ValidatedConfig, ValidateConfigError> {
    let vendor = &context.vendor;
    let mut judged = submission.submitted();
    let Some(tenant) = tenant else {
        let storage = submission
            .validate(vendor, &vendor.modes(), None)
            .map_err(ValidateConfigError::Invalid)?;
        judged.retain(|field| *field != "external_id");
        let not_judged = NEED_A_TENANT.into_iter().chain([NEEDS_AWS]).collect();
        return Ok(ValidatedConfig {
            storage,
            judged,
            not_judged,
        });
    };
    let storage = validate_own(context, tenant, submission)?;
    let mut db = context.pool.acquire().await.map_err(store::StoreError::from)?;
    let claims = active_configs::claims(&mut db, tenant.id, &storage).await?;
    let claimed = |field: &str, what: &str, remedy: &str| {
        let detail = format!("another tenant uses {what}, so a verification would reject it; enter {remedy}");
        FieldError::new(field, "claimed", detail)
    };
    let faults: Vec<FieldError> = [
        claims.bucket.then(|| {
            let what = "this bucket, or a part of it that overlaps with this one";
            claimed("bucket_arn", what, "another bucket, or a prefix that no other one contains")
        }),
        claims.role.then(|| claimed("role_arn", "this role", "one that is not shared")),
        // Customers learn it from the bucket itself, once a verification has shown that it is theirs.
        (claims.key && !claims.bucket && storage.level == AccessLevel::ReadWrite).then(|| {
            let detail = "another tenant uses another part of this bucket with another key, but a bucket encrypts with one key by default; \
                          use the key that is the bucket's default";
            FieldError::new("key_arn", "not_the_default_key", detail)
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !faults.is_empty() {
        return Err(ValidateConfigError::Invalid(faults));
    }
    judged.extend(["tenant_modes", "claims"]);
    Ok(ValidatedConfig {
        storage,
        judged,
        not_judged: vec![NEEDS_AWS],
    })
}

/// The same for the tenant's own customer, who learns nothing about other tenants.
///
/// # Errors
/// Every error.
pub(crate) fn validate_for_customer(
    context: &Context,
    tenant: &Tenant,
    submission: &Submission,
) -> Result<ValidatedConfig, ValidateConfigError> {
    let storage = validate_own(context, tenant, submission)?;
    let mut judged = submission.submitted();
    judged.push("tenant_modes");
    Ok(ValidatedConfig {
        storage,
        judged,
        not_judged: vec![NEEDS_ACCESS, NEEDS_AWS],
    })
}

/// The part that needs only the tenant itself.
fn validate_own(context: &Context, tenant: &Tenant, submission: &Submission) -> Result<Storage, ValidateConfigError> {
    submission
        .validate(&context.vendor, &tenant.modes, Some(&tenant.accepted_ids()))
        .map_err(ValidateConfigError::Invalid)
}

//! The issued statements put into a policy that the customer has already.

use serde_json::Value;

use super::Context;
use super::issue_templates::{TypedParams, fill};
use crate::domain::storage_config::Mode;
use crate::domain::templates::merge::{MergeTarget, MergedDocument, merge, read};
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;

/// Merges the tenant's statements into a policy as it is now.
///
/// # Errors
/// Every fault of what was typed. Nothing that the statements need may be left out here.
pub fn merge_template(
    context: &Context,
    tenant: &Tenant,
    document: Option<&str>,
    current: Option<&Value>,
    typed: &TypedParams,
) -> Result<MergedDocument, Vec<FieldError>> {
    let mut faults = Vec::new();
    let target: Option<MergeTarget> = document.and_then(|text| text.trim().parse().ok());
    if target.is_none() {
        let detail = "the document is bucket-policy or key-policy: the others are the customer's role's own";
        faults.push(match document {
            None => FieldError::new("document", "required", format!("document is missing; {detail}")),
            Some(_) => FieldError::new("document", "unknown_document", detail),
        });
    }
    let present = match (target, current) {
        (_, None) => {
            let detail = "current is missing; give the policy as it is now, or an empty text where a bucket has none";
            faults.push(FieldError::new("current", "required", detail));
            None
        }
        (None, _) => None,
        (Some(target), Some(current)) => read(target, current)
            .map_err(|malformed| faults.push(FieldError::of("current", malformed)))
            .ok(),
    };
    let blanks = fill(context, tenant, typed).map_err(|found| faults.extend(found)).ok();
    let blanks = blanks.map(|mut blanks| {
        blanks.account = blanks
            .account
            .take()
            .or_else(|| blanks.key.as_ref().map(|key| key.account().clone()));
        let assumed = blanks.mode == Mode::AssumeRole;
        let needed = [
            ("bucket", target == Some(MergeTarget::BucketPolicy) && blanks.bucket.is_none()),
            ("role_name", assumed && blanks.role_name.is_none()),
            ("account_id", assumed && blanks.account.is_none()),
        ];
        for (field, _) in needed.into_iter().filter(|(_, missing)| *missing) {
            faults.push(FieldError::new(
                field,
                "required",
                format!("{field} is missing: the statements name it"),
            ));
        }
        blanks
    });
    match (target, present, blanks) {
        (Some(target), Some(present), Some(blanks)) if faults.is_empty() => Ok(merge(target, present, &blanks)),
        _ => Err(faults),
    }
}

//! Reading a customer's current policy, as it was pasted or sent.

use serde_json::Value;

use super::super::statements;
use super::{MergeTarget, label};
use crate::domain::text::Malformed;

/// How many times the size limit of AWS is accepted, because white space does not count towards that limit.
pub(super) const WHITE_SPACE: usize = 2;

/// Parses the current policy, as it was pasted or sent.
///
/// # Errors
/// `too_large`, `not_json`, `not_a_policy`, or a specific code for each kind of document that is often pasted by mistake.
pub fn read(target: MergeTarget, current: &Value) -> Result<Value, Malformed> {
    let size = match current {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    };
    if size > target.limit() * WHITE_SPACE {
        let limit = target.limit();
        return Err(Malformed::new(
            "too_large",
            format!("this has {size} bytes; the maximum is {limit} without whitespace"),
        ));
    }
    let policy = match current {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        // PowerShell writes files with a byte order mark.
        Value::String(text) => serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            Malformed::new(
                "not_json",
                format!("this is not JSON ({error}); paste the complete policy as AWS shows it"),
            )
        })?,
        other => other.clone(),
    };
    if policy.is_null() || policy.as_object().is_some_and(serde_json::Map::is_empty) {
        return match target {
            MergeTarget::BucketPolicy => Ok(statements::policy(&[])),
            MergeTarget::KeyPolicy => Err(Malformed::new(
                "key_policy_missing",
                "a key always has a policy; paste the output of aws kms get-key-policy",
            )),
        };
    }
    let not_a_policy = |detail: &str| Err(Malformed::new("not_a_policy", detail));
    if policy["Policy"].is_string() {
        return not_a_policy(
            "this is the whole output of the AWS CLI; paste the value of Policy, or add --query Policy --output text to the command",
        );
    }
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        one @ Value::Object(_) => std::slice::from_ref(one),
        _ if policy["Effect"].is_string() => return not_a_policy("this is a single statement; paste the complete policy"),
        _ => return not_a_policy("this is not a policy: it must be an object with a list of statements in Statement"),
    };
    for (at, statement) in statements.iter().enumerate() {
        let label = label(statement, at);
        if !matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")) {
            return not_a_policy(&format!("statement {label} must have the Effect Allow or Deny"));
        }
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return Err(Malformed::new(
                "not_a_resource_policy",
                format!(
                    "statement {label} has no Principal, so this is the policy of a role or user; paste the policy of the {}",
                    match target {
                        MergeTarget::BucketPolicy => "bucket",
                        MergeTarget::KeyPolicy => "key",
                    }
                ),
            ));
        }
    }
    Ok(policy)
}

//! Evaluates whether a statement of an existing policy applies to a caller, and what a policy decides about its calls, as far as AWS's
//! evaluation can be known in advance.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
//!
//! | module | contents |
//! | --- | --- |
//! | [`patterns`] | wildcards in actions, resources and values |
//! | [`context`] | the condition keys of a call, as far as they are known |
//! | [`conditions`] | condition operators and policy variables |

mod conditions;
mod context;
mod patterns;
#[cfg(test)]
mod rules;

use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) use context::PolicyCaller;
pub(super) use patterns::covers;
#[cfg(test)]
pub(super) use patterns::steps;

use crate::domain::arn::RoleArn;
use crate::domain::vendor_network::CallOrigin;

/// What is known about a call before it is made. Ordered from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AccessDecision {
    No,
    /// It depends on unknown values, such as the caller's IP address.
    Maybe,
    Yes,
}

impl AccessDecision {
    fn sure(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }

    /// Of two cases of which nobody knows which one it is.
    fn of_either(one: Self, other: Self) -> Self {
        if one == other { one } else { Self::Maybe }
    }
}

/// Whether a statement applies to any of the caller's calls, and the condition keys that this depends on.
pub(super) fn evaluate(statement: &Value, caller: &PolicyCaller) -> (AccessDecision, BTreeSet<String>) {
    let action = caller
        .actions
        .iter()
        .map(|action| listed(statement, "Action", "NotAction", |pattern| covers(pattern, action)));
    let resource = caller.resources.iter().map(|resource| {
        listed(statement, "Resource", "NotResource", |pattern| {
            conditions::resource_covers(pattern, resource, caller)
        })
    });
    let all = [
        principal(statement, caller),
        action.max().unwrap_or(AccessDecision::No),
        resource.max().unwrap_or(AccessDecision::No),
    ];
    let (conditions, keys) = conditions::hold(&statement["Condition"], caller);
    (all.into_iter().min().unwrap_or(AccessDecision::No).min(conditions), keys)
}

/// The same for calls that each come from one of these origins, nobody knows which. Those of S3 on the caller's behalf are made in any
/// case.
pub(super) fn evaluate_from(origins: &[CallOrigin], statement: &Value, caller: &PolicyCaller) -> (AccessDecision, BTreeSet<String>) {
    let from = |origin: &CallOrigin| {
        let caller = PolicyCaller {
            origin: *origin,
            ..caller.clone()
        };
        evaluate(statement, &caller)
    };
    let (by_s3, own): (Vec<_>, Vec<_>) = origins.iter().partition(|origin| **origin == CallOrigin::S3);
    let mut keys = BTreeSet::new();
    let mut gather = |(decision, depends_on): (AccessDecision, BTreeSet<String>)| {
        keys.extend(depends_on);
        decision
    };
    let own = own.into_iter().map(|origin| gather(from(origin))).reduce(AccessDecision::of_either);
    let by_s3 = by_s3.into_iter().map(|origin| gather(from(origin))).max();
    (own.max(by_s3).unwrap_or(AccessDecision::No), keys)
}

/// Whether these policies allow all of the caller's calls: for each, a statement of one of them allows it, and none denies it. A Deny
/// overrides every Allow.
#[cfg(test)]
pub(crate) fn allow(policies: &[&Value], caller: &PolicyCaller) -> AccessDecision {
    let statements: Vec<&Value> = policies.iter().flat_map(|policy| statements(policy)).collect();
    let calls = caller
        .actions
        .iter()
        .flat_map(|action| caller.resources.iter().map(move |resource| (action, resource)));
    let decided = calls.map(|(action, resource)| {
        let call = PolicyCaller {
            actions: vec![action.clone()],
            resources: vec![resource.clone()],
            ..caller.clone()
        };
        let strongest = |effect: &str| {
            let of_effect = statements.iter().filter(|statement| statement["Effect"] == effect);
            of_effect
                .map(|statement| evaluate(statement, &call).0)
                .max()
                .unwrap_or(AccessDecision::No)
        };
        strongest("Allow").min(strongest("Deny").not())
    });
    decided.min().unwrap_or(AccessDecision::No)
}

/// The statements of a policy, which may be a single one.
#[cfg(test)]
fn statements(policy: &Value) -> &[Value] {
    match &policy["Statement"] {
        Value::Array(statements) => statements,
        one => std::slice::from_ref(one),
    }
}

/// Whether a pattern of the element matches, or no pattern of the negated element. A missing element matches everything,
/// because a key policy may omit its resource.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>
fn listed(statement: &Value, element: &str, negated: &str, matches: impl Fn(&str) -> AccessDecision) -> AccessDecision {
    let best = |value: &Value| texts(value).into_iter().map(&matches).max().unwrap_or(AccessDecision::No);
    match (statement.get(element), statement.get(negated)) {
        (Some(value), _) => best(value),
        (None, Some(value)) => best(value).not(),
        (None, None) => AccessDecision::Yes,
    }
}

fn principal(statement: &Value, caller: &PolicyCaller) -> AccessDecision {
    let is_deny = statement["Effect"] == "Deny";
    let best = |value: &Value| {
        if value.as_str() == Some("*") {
            return AccessDecision::Yes;
        }
        let named = texts(&value["AWS"]).into_iter().map(|text| names(text, caller.role)).max();
        // The canonical ID of the role's account is not known. As a grantee it is usually a CloudFront distribution.
        let canonical = (is_deny && value.get("CanonicalUser").is_some()).then_some(AccessDecision::Maybe);
        named.max(canonical).unwrap_or(AccessDecision::No)
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), _) => best(value),
        (None, Some(value)) if is_deny => spared(value, caller.role).not(),
        (None, Some(value)) => best(value).not(),
        (None, None) => AccessDecision::No,
    }
}

/// Whether a Deny with `NotPrincipal` spares this role. It has to name the account, the role, and its session, whose name changes: the
/// account alone spares nobody, and what names the role may still deny its sessions.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
fn spared(listed: &Value, role: &RoleArn) -> AccessDecision {
    let named = texts(&listed["AWS"]);
    if listed.as_str() == Some("*") || named.contains(&"*") {
        return AccessDecision::Yes;
    }
    let session = format!("arn:{}:sts::{}:assumed-role/{}/", role.partition(), role.account(), role.name());
    if named.iter().any(|text| *text == role.as_str() || text.starts_with(&session)) {
        AccessDecision::Maybe
    } else {
        AccessDecision::No
    }
}

/// Whether a principal matches this role. A principal other than `*` has no wildcards, and an ID such as `AROAEXAMPLE` in its place means
/// that a role was deleted, even if another one has its name now.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn names(principal: &str, role: &RoleArn) -> AccessDecision {
    let account = role.account().as_str();
    if principal == "*" || principal == role.as_str() || principal == account || principal == root_of(role) {
        return AccessDecision::Yes;
    }
    // A session of the role, which may be the caller's.
    let session = format!("arn:{}:sts::{account}:assumed-role/{}/", role.partition(), role.name());
    if principal.starts_with(&session) {
        AccessDecision::Maybe
    } else {
        AccessDecision::No
    }
}

/// The root principal of the role's account.
fn root_of(role: &RoleArn) -> String {
    format!("arn:{}:iam::{}:root", role.partition(), role.account())
}

/// The values of a condition. YAML turns some of them into numbers.
pub(super) fn scalars(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(scalars).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// A string or a list of strings; policies may contain either.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

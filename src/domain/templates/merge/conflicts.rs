//! Statements of a customer's policy that conflict with the issued ones.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::TemplateParams;
use super::super::policy_eval::{AccessDecision, PolicyCaller, covers, evaluate, texts};
use super::super::statements::TAG;
use super::{MergeCode, MergeFinding, MergeTarget, label, same_name};
use crate::domain::arn::RoleArn;
use crate::domain::external_id::ExternalId;
use crate::domain::storage_config::Mode;

/// The statements of the current policy that conflict with the issued ones, or need a review.
pub(super) fn find(target: MergeTarget, before: &[Value], issued: &[Value], params: &TemplateParams) -> Vec<MergeFinding> {
    let mut findings = Vec::new();
    let Ok(role) = RoleArn::parse(&principal(params)) else {
        return findings;
    };
    for (at, statement) in before.iter().enumerate() {
        let name = Some(label(statement, at));
        // In a key policy, every resource means this key.
        let mut statement = statement.clone();
        if target == MergeTarget::KeyPolicy {
            statement.as_object_mut().and_then(|members| members.shift_remove("Resource"));
        }
        if let Some(ours) = issued.iter().find(|ours| same_name(ours, &statement)) {
            if let Some(wider) = wider(ours, &statement) {
                findings.push(MergeFinding::new(
                    MergeCode::WiderPrincipals,
                    name,
                    format!("This statement also granted access to {wider}. In the merged policy it grants access only to {role}."),
                ));
            }
            continue;
        }
        if statement["Effect"] == "Deny" {
            findings.extend(denial(&statement, name, &role, issued, params));
        } else if grants_unbound_access(&statement, &role, issued, params) {
            let whom = match params.mode {
                Mode::Direct => "the vendor's role on behalf of any customer, because it has no condition on the session tag",
                Mode::AssumeRole => "anyone",
            };
            findings.push(MergeFinding::new(
                MergeCode::UnboundAccess,
                name,
                format!("This statement grants access to {whom}. Remove or restrict it: the verification rejects access without the external ID."),
            ));
        }
    }
    if target == MergeTarget::KeyPolicy && !before.iter().any(|statement| administers(statement, params)) {
        findings.push(MergeFinding::new(
            MergeCode::RootStatementMissing,
            None,
            "No statement allows kms:* to the root of the key's account. Without one, the key policy may become unchangeable.",
        ));
    }
    findings
}

/// The principal of the issued statements.
fn principal(params: &TemplateParams) -> String {
    match params.mode {
        Mode::Direct => params.vendor_role.to_string(),
        Mode::AssumeRole => params.role_arn(),
    }
}

fn caller<'a>(role: &'a RoleArn, issued: &[Value], params: &'a TemplateParams) -> PolicyCaller<'a> {
    let every = |element: &str| -> BTreeSet<String> {
        let texts = issued.iter().flat_map(|ours| texts(&ours[element]));
        texts.map(str::to_owned).collect()
    };
    // Expands the wildcards in our statements to the actions of the actual calls.
    let actions = every("Action").into_iter().flat_map(|action| match action.as_str() {
        "kms:ReEncrypt*" => vec!["kms:ReEncryptFrom".to_owned(), "kms:ReEncryptTo".to_owned()],
        "kms:GenerateDataKey*" => vec!["kms:GenerateDataKey".to_owned(), "kms:GenerateDataKeyWithoutPlaintext".to_owned()],
        _ => vec![action],
    });
    PolicyCaller {
        role,
        tags: match params.mode {
            Mode::Direct => params.external_ids.iter().map(ExternalId::as_str).collect(),
            Mode::AssumeRole => Vec::new(),
        },
        tag: TAG,
        actions: actions.collect(),
        resources: every("Resource").into_iter().collect(),
    }
}

/// The strongest decision of a statement about the calls that each of our statements allows.
fn strongest_decision(
    statement: &Value,
    role: &RoleArn,
    issued: &[Value],
    params: &TemplateParams,
    tagged: bool,
) -> (AccessDecision, BTreeSet<String>) {
    let each = issued.iter().map(|ours| {
        let mut caller = caller(role, std::slice::from_ref(ours), params);
        if !tagged {
            caller.tags.clear();
        }
        evaluate(statement, &caller)
    });
    each.max_by_key(|(reach, _)| *reach)
        .unwrap_or((AccessDecision::No, BTreeSet::new()))
}

fn denial(statement: &Value, name: Option<String>, role: &RoleArn, issued: &[Value], params: &TemplateParams) -> Option<MergeFinding> {
    let (reach, keys) = strongest_decision(statement, role, issued, params, true);
    match reach {
        AccessDecision::No => None,
        AccessDecision::Yes => Some(MergeFinding::new(
            MergeCode::Denied,
            name,
            format!("This Deny statement denies access to {role}. Add an exception: a condition ArnNotEquals on aws:PrincipalArn."),
        )),
        AccessDecision::Maybe => {
            let keys: Vec<String> = keys.into_iter().collect();
            let why = if keys.is_empty() {
                "for some of the calls".to_owned()
            } else {
                format!("depending on {}", keys.join(", "))
            };
            let detail = format!(
                "This Deny statement may deny access to {role}, {why}. If it does, add an exception: a condition ArnNotEquals on aws:PrincipalArn."
            );
            Some(MergeFinding::new(MergeCode::MayBeDenied, name, detail))
        }
    }
}

/// Whether a statement grants access without the tenant's external ID: in `direct` to the vendor's role without the session tag,
/// in `assume_role` to anyone.
fn grants_unbound_access(statement: &Value, role: &RoleArn, issued: &[Value], params: &TemplateParams) -> bool {
    let anyone = statement["Principal"] == "*" || texts(&statement["Principal"]["AWS"]).contains(&"*");
    match (strongest_decision(statement, role, issued, params, false).0, params.mode) {
        (AccessDecision::No, _) => false,
        (AccessDecision::Yes, Mode::Direct) => true,
        // Public statements usually have a condition on the source, which the vendor does not meet.
        (AccessDecision::Maybe, Mode::Direct) => !anyone,
        (_, Mode::AssumeRole) => anyone && statement["Condition"].as_object().is_none_or(serde_json::Map::is_empty),
    }
}

/// The principals of a statement besides those of the issued one with the same Sid.
fn wider(ours: &Value, present: &Value) -> Option<String> {
    if present["Effect"] != "Allow" {
        return None;
    }
    let Some(principal) = present.get("Principal") else {
        return Some("everyone except the principals that it names".to_owned());
    };
    let issued = texts(&ours["Principal"]["AWS"]);
    let mut others: Vec<&str> = texts(principal);
    for (_, named) in principal.as_object().into_iter().flatten() {
        others.extend(texts(named));
    }
    others.retain(|named| !issued.contains(named));
    if others.is_empty() { None } else { Some(others.join(", ")) }
}

/// Whether a statement of a key policy allows its account to change the policy.
fn administers(statement: &Value, params: &TemplateParams) -> bool {
    let named = texts(&statement["Principal"]["AWS"]);
    let of_account = |text: &&str| match params.account() {
        Some(account) => *text == account.as_str() || *text == format!("arn:{}:iam::{account}:root", params.partition),
        None => text.ends_with(":root") || text.len() == 12,
    };
    statement["Effect"] == "Allow"
        && statement["Condition"].as_object().is_none_or(serde_json::Map::is_empty)
        && named.iter().any(of_account)
        && texts(&statement["Action"])
            .iter()
            .any(|action| covers(action, "kms:PutKeyPolicy") == AccessDecision::Yes)
}

//! Statements of a customer's policy that conflict with the issued ones.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::TemplateParams;
use super::super::policy_eval::{AccessDecision, PolicyCaller, covers, evaluate_from, scalars, texts};
use super::super::statements::TAG;
use super::replaced::{common_sid, named_ids, replaces};
use super::{MergeCode, MergeFinding, MergeTarget, label, public};
use crate::domain::account::AccountId;
use crate::domain::arn::{KeyArn, RoleArn};
use crate::domain::external_id::ExternalId;
use crate::domain::storage_config::Mode;
use crate::domain::vendor_network::{CallOrigin, VendorNetwork};

/// What the issued statements are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calls<'a> {
    pub issued: &'a [Value],
    pub params: &'a TemplateParams,
    pub now: DateTime<Utc>,
    /// Whether the current policy can have policy variables.
    pub has_variables: bool,
}

/// The statements of the current policy that conflict with the issued ones, or need a review.
pub(super) fn find(target: MergeTarget, before: &[Value], calls: &Calls) -> Vec<MergeFinding> {
    let Calls { issued, params, .. } = *calls;
    let mut findings = Vec::new();
    let Ok(role) = RoleArn::parse(&principal(params)) else {
        return findings;
    };
    for (at, statement) in before.iter().enumerate() {
        let name = Some(label(statement, at));
        let Some(statement) = effective(target, statement, params) else {
            continue;
        };
        if let Some(ours) = issued.iter().find(|ours| replaces(ours, &statement, params)) {
            if let Some(wider) = wider(ours, &statement) {
                findings.push(MergeFinding::new(
                    MergeCode::WiderPrincipals,
                    name.clone(),
                    format!("This statement also granted access to {wider}. In the merged policy it grants access only to {role}."),
                ));
            }
            if statement["Effect"] == "Deny" && ours["Effect"] != "Deny" {
                findings.push(MergeFinding::new(
                    MergeCode::WiderPrincipals,
                    name.clone(),
                    "This is a Deny statement with the Sid of an issued one. The merged policy replaces it; give it another Sid to keep it.",
                ));
            }
            let others = ids_of_others(ours, &statement, params);
            if !others.is_empty() {
                findings.push(MergeFinding::new(
                    MergeCode::OtherExternalIds,
                    name,
                    format!(
                        "This statement also names {}, which the merged policy no longer does. If that is the external ID of another tenant, add the \
                         statements that were issued for that tenant: they have Sids of their own.",
                        others.join(" and ")
                    ),
                ));
            }
            continue;
        }
        if let Some(ours) = issued.iter().find(|ours| common_sid(ours, &statement, params)) {
            let others = ids_of_others(ours, &statement, params);
            let named = named_ids(&statement);
            let own: Vec<&str> = params
                .external_ids
                .iter()
                .map(ExternalId::as_str)
                .filter(|id| named.iter().any(|one| one == id))
                .collect();
            if !own.is_empty() && !others.is_empty() {
                findings.push(MergeFinding::new(
                    MergeCode::OtherExternalIds,
                    name.clone(),
                    format!(
                        "This statement is also for {}, so the merged policy keeps it and adds one for this tenant alone. Remove {} from this statement.",
                        others.join(" and "),
                        own.join(" and ")
                    ),
                ));
            }
        }
        if statement["Effect"] == "Deny" {
            findings.extend(denial(&statement, name, &role, calls));
        } else if public::is_public(&statement) && (target == MergeTarget::BucketPolicy || grants_key_to_anyone(&statement, &role, calls)) {
            let detail = match target {
                MergeTarget::BucketPolicy => {
                    "AWS considers this statement public. Remove it, or restrict it to fixed principals or sources. With the bucket's Block Public \
                     Access settings, S3 rejects the merged policy (BlockPublicPolicy), or denies access from other accounts whatever the other \
                     statements say (RestrictPublicBuckets); without them, the verification rejects the bucket."
                }
                MergeTarget::KeyPolicy => {
                    "This statement grants access to anyone. Remove or restrict it: the verification rejects access without the external ID."
                }
            };
            findings.push(MergeFinding::new(MergeCode::UnboundAccess, name, detail));
        } else if grants_unbound_access(&statement, &role, calls) {
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
    if target == MergeTarget::KeyPolicy
        && !before
            .iter()
            .any(|statement| effective(target, statement, params).is_some_and(|statement| administers(&statement, params)))
    {
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

fn caller<'a>(role: &'a RoleArn, issued: &[Value], calls: &Calls<'a>) -> PolicyCaller<'a> {
    let params = calls.params;
    let of_key = issued.iter().any(|ours| ours["Resource"] == "*");
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
        resource_account: if of_key {
            params.key.as_ref().map(KeyArn::account)
        } else {
            params.bucket_account.as_ref()
        }
        .map(AccountId::as_str),
        // The key's is the bucket's, too.
        region: params.key.as_ref().map(|key| key.region().as_str()),
        origin: CallOrigin::Anywhere,
        now: calls.now,
        has_variables: calls.has_variables,
    }
}

/// Whose session tag a caller has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionTag {
    Own,
    Absent,
    OfAnotherTenant,
}

/// An external ID in the issued format that no tenant has.
const ANOTHER_ID: &str = "lk-ffffffffffffffffffffffffffffffffffffffff";

/// The strongest decision of a statement about the calls that each of our statements allows.
fn strongest_decision(statement: &Value, role: &RoleArn, calls: &Calls, tag: SessionTag) -> (AccessDecision, BTreeSet<String>) {
    let network = calls.params.network.as_ref().filter(|_| tag == SessionTag::Own);
    let allowing = calls.issued.iter().filter(|ours| ours["Effect"] == "Allow");
    let each = allowing.map(|ours| {
        let mut caller = caller(role, std::slice::from_ref(ours), calls);
        match tag {
            SessionTag::Own => {}
            SessionTag::Absent => caller.tags.clear(),
            SessionTag::OfAnotherTenant => caller.tags = vec![ANOTHER_ID],
        }
        if tag != SessionTag::Own {
            // With these, everything else can be granted.
            caller
                .actions
                .extend(["kms:CreateGrant", "kms:PutKeyPolicy", "s3:PutBucketPolicy"].map(str::to_owned));
        }
        evaluate_from(&origins(network, ours), statement, &caller)
    });
    each.max_by_key(|(reach, _)| *reach)
        .unwrap_or((AccessDecision::No, BTreeSet::new()))
}

/// Where the calls that one of our statements allows come from. The key is also used by S3.
fn origins<'a>(network: Option<&'a VendorNetwork>, ours: &Value) -> Vec<CallOrigin<'a>> {
    let Some(network) = network else {
        return vec![CallOrigin::Anywhere];
    };
    let of_key = ours["Resource"] == "*";
    network.origins().into_iter().chain(of_key.then_some(CallOrigin::S3)).collect()
}

fn denial(statement: &Value, name: Option<String>, role: &RoleArn, calls: &Calls) -> Option<MergeFinding> {
    let (reach, keys) = strongest_decision(statement, role, calls, SessionTag::Own);
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

/// Whether a statement grants access without the tenant's external ID: in `direct` to the vendor's role without a session tag or with that
/// of another tenant. What it grants to anyone is another finding.
fn grants_unbound_access(statement: &Value, role: &RoleArn, calls: &Calls) -> bool {
    let reach = |tag| strongest_decision(statement, role, calls, tag).0;
    calls.params.mode == Mode::Direct
        && match reach(SessionTag::Absent).max(reach(SessionTag::OfAnotherTenant)) {
            AccessDecision::No => false,
            // Statements for anyone usually have a condition on the source, which the vendor does not meet.
            AccessDecision::Maybe => !public::names_anyone(statement),
            AccessDecision::Yes => true,
        }
}

/// Whether a public statement of a key policy grants any of the calls.
fn grants_key_to_anyone(statement: &Value, role: &RoleArn, calls: &Calls) -> bool {
    strongest_decision(statement, role, calls, SessionTag::Absent).0 > AccessDecision::No
}

/// The statement with what has an effect: in a key policy, `*` and the key's ARN mean this key, and a statement without a resource, or with
/// another one, has no effect. <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html>
fn effective(target: MergeTarget, statement: &Value, params: &TemplateParams) -> Option<Value> {
    let mut statement = statement.clone();
    if target == MergeTarget::BucketPolicy {
        return Some(statement);
    }
    let of_key = |pattern: &&str| match &params.key {
        Some(key) => covers(pattern, key.as_str()) == AccessDecision::Yes,
        None => *pattern == "*" || pattern.starts_with("arn:"),
    };
    let has_effect = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(listed), _) => texts(listed).iter().any(of_key),
        (None, Some(listed)) => !texts(listed).iter().any(of_key),
        (None, None) => false,
    };
    let members = statement.as_object_mut()?;
    members.shift_remove("Resource");
    members.shift_remove("NotResource");
    has_effect.then_some(statement)
}

/// `direct`: the external IDs in a statement of the same kind and for the same role that are not this tenant's.
fn ids_of_others(ours: &Value, present: &Value, params: &TemplateParams) -> Vec<String> {
    let same_role = texts(&ours["Principal"]["AWS"])
        .iter()
        .all(|role| texts(&present["Principal"]["AWS"]).contains(role));
    if params.mode != Mode::Direct || present["Effect"] != "Allow" || !same_role {
        return Vec::new();
    }
    let own: BTreeSet<&str> = params.external_ids.iter().map(ExternalId::as_str).collect();
    let mut named = named_ids(present);
    named.retain(|id| !own.contains(id.as_str()) && ExternalId::parse(id).is_ok());
    named
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
    let of_account = |text: &&str| match params.key_account() {
        Some(account) => *text == account.as_str() || *text == format!("arn:{}:iam::{account}:root", params.partition),
        None => text.ends_with(":root") || text.len() == 12,
    };
    let allows = |element: &str| {
        texts(&statement[element])
            .iter()
            .any(|action| covers(action, "kms:PutKeyPolicy") == AccessDecision::Yes)
    };
    let by_action = allows("Action") || statement.get("NotAction").is_some() && !allows("NotAction");
    let unconditional = statement["Condition"].as_object().is_none_or(serde_json::Map::is_empty);
    let only_own_callers = public::names_anyone(statement)
        && params
            .key_account()
            .is_some_and(|account| scalars(&statement["Condition"]["StringEquals"]["kms:CallerAccount"]) == [account.as_str()]);
    statement["Effect"] == "Allow" && by_action && (unconditional && named.iter().any(of_account) || only_own_callers)
}

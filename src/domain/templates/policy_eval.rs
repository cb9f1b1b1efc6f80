//! Evaluates whether a statement of an existing policy applies to a caller, as far as AWS's evaluation can be known in
//! advance.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::arn::RoleArn;

/// What is known about a call before it is made. Ordered from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AccessDecision {
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
}

/// The longest pattern that is evaluated, in bytes. No ARN is longer:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LONGEST_PATTERN: usize = 2048;

/// A caller and its calls.
#[derive(Debug, Clone)]
pub(super) struct PolicyCaller<'a> {
    pub role: &'a RoleArn,
    /// Possible values of the caller's session tag. If empty, the session has no such tag.
    pub tags: Vec<&'a str>,
    pub tag: &'a str,
    pub actions: Vec<String>,
    /// The resources of the calls: a bucket's ARN, a pattern of objects, or `*` for the key itself.
    pub resources: Vec<String>,
}

/// Whether a statement applies to the caller, and the condition keys that this depends on.
pub(super) fn evaluate(statement: &Value, caller: &PolicyCaller) -> (AccessDecision, BTreeSet<String>) {
    let action = caller
        .actions
        .iter()
        .map(|action| listed(statement, "Action", "NotAction", |pattern| covers(pattern, action)));
    let resource = caller
        .resources
        .iter()
        .map(|resource| listed(statement, "Resource", "NotResource", |pattern| covers(pattern, resource)));
    let all = [
        principal(statement, caller),
        action.max().unwrap_or(AccessDecision::No),
        resource.max().unwrap_or(AccessDecision::No),
    ];
    let (conditions, keys) = conditions(&statement["Condition"], caller);
    (all.into_iter().min().unwrap_or(AccessDecision::No).min(conditions), keys)
}

/// Whether a pattern of the element matches, or no pattern of the negated element. A missing element matches everything,
/// because a key policy may omit its resource.
fn listed(statement: &Value, element: &str, negated: &str, matches: impl Fn(&str) -> AccessDecision) -> AccessDecision {
    let best = |value: &Value| texts(value).into_iter().map(&matches).max().unwrap_or(AccessDecision::No);
    match (statement.get(element), statement.get(negated)) {
        (Some(value), _) => best(value),
        (None, Some(value)) => best(value).not(),
        (None, None) => AccessDecision::Yes,
    }
}

fn principal(statement: &Value, caller: &PolicyCaller) -> AccessDecision {
    let best = |value: &Value| {
        if value.as_str() == Some("*") {
            return AccessDecision::Yes;
        }
        texts(&value["AWS"])
            .into_iter()
            .map(|text| names(text, caller.role))
            .max()
            .unwrap_or(AccessDecision::No)
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), _) => best(value),
        (None, Some(value)) if statement["Effect"] == "Deny" => spared(value, caller.role).not(),
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

/// Whether a principal matches this role.
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

/// Whether a pattern matches all, some or none of the texts that the other pattern matches. Case is ignored, because actions
/// are case-insensitive and no two resources here differ only by case.
pub(super) fn covers(pattern: &str, other: &str) -> AccessDecision {
    if pattern.len() > LONGEST_PATTERN {
        return AccessDecision::Maybe;
    }
    let (pattern, other) = (pattern.to_ascii_lowercase(), other.to_ascii_lowercase());
    // Replaces wildcards with a character that no pattern contains, so that only another wildcard can match it.
    if glob(pattern.as_bytes(), other.replace('*', "\u{1}\u{1}").as_bytes()) {
        AccessDecision::Yes
    } else if other.contains(['*', '?']) && overlap(pattern.as_bytes(), other.as_bytes()) {
        AccessDecision::Maybe
    } else {
        AccessDecision::No
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < text.len() {
        steps::add(1);
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => match star {
                Some((pattern_at, text_at)) => {
                    star = Some((pattern_at, text_at + 1));
                    at = (pattern_at + 1, text_at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at.0..].iter().all(|byte| *byte == b'*')
}

/// Whether any text matches both patterns.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    // reached[j]: some text matches both the part of `one` so far and the first j bytes of `other`.
    let (mut reached, mut next) = (vec![false; other.len() + 1], vec![false; other.len() + 1]);
    reached[0] = true;
    for at in 0..other.len() {
        reached[at + 1] = reached[at] && other[at] == b'*';
    }
    for byte in one {
        steps::add(other.len());
        next[0] = reached[0] && *byte == b'*';
        for at in 0..other.len() {
            let theirs = other[at];
            next[at + 1] = if *byte == b'*' || theirs == b'*' {
                reached[at + 1] || next[at]
            } else {
                reached[at] && (*byte == theirs || *byte == b'?' || theirs == b'?')
            };
        }
        std::mem::swap(&mut reached, &mut next);
    }
    reached[other.len()]
}

fn conditions(block: &Value, caller: &PolicyCaller) -> (AccessDecision, BTreeSet<String>) {
    let (mut worst, mut keys) = (AccessDecision::Yes, BTreeSet::new());
    for (operator, tests) in block.as_object().into_iter().flatten() {
        for (key, expected) in tests.as_object().into_iter().flatten() {
            let expected = scalars(expected);
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            let holds = condition(operator, key, &expected, caller);
            worst = worst.min(holds);
            if holds == AccessDecision::Maybe {
                keys.insert(key.clone());
            }
        }
    }
    (worst, keys)
}

/// What a condition key has for a value in the calls of a caller.
enum KeyValue<'a> {
    /// It depends.
    Unknown,
    /// One of these. None of them if the key is absent.
    Known(Vec<&'a str>),
    /// Absent in direct calls. Those that S3 makes on the caller's behalf have it.
    OfS3Only,
}

/// The keys that are absent in every call of Latchkey: it sends no such headers, and its sessions have no such property.
const ABSENT: [&str; 8] = [
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceowner",
    "aws:username",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "kms:requestalias",
    "s3:requestobjecttagkeys",
];

/// The header with a key of its own that every request has.
const SENT: &str = "s3:x-amz-content-sha256";

fn value_of<'a>(key: &str, caller: &'a PolicyCaller) -> KeyValue<'a> {
    let key = key.to_ascii_lowercase();
    if key == format!("aws:principaltag/{}", caller.tag) {
        return KeyValue::Known(caller.tags.clone());
    }
    if ABSENT.contains(&key.as_str()) || key.starts_with("s3:requestobjecttag/") || key.starts_with("s3:x-amz-") && key != SENT {
        return KeyValue::Known(Vec::new());
    }
    KeyValue::Known(vec![match key.as_str() {
        "aws:securetransport" => "true",
        "aws:principalisawsservice" => "false",
        "aws:principaltype" => "AssumedRole",
        "aws:principalarn" => caller.role.as_str(),
        "aws:principalaccount" | "kms:calleraccount" => caller.role.account().as_str(),
        "s3:signatureversion" => "AWS4-HMAC-SHA256",
        "s3:authtype" => "REST-HEADER",
        // S3 accepts nothing older: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/network-isolation.html>.
        "s3:tlsversion" => return KeyValue::Known(vec!["1.2", "1.3"]),
        "kms:viaservice" => return KeyValue::OfS3Only,
        _ => return KeyValue::Unknown,
    }])
}

fn condition(operator: &str, key: &str, expected: &[&str], caller: &PolicyCaller) -> AccessDecision {
    if expected.iter().any(|text| text.contains("${")) {
        return AccessDecision::Maybe;
    }
    match value_of(key, caller) {
        KeyValue::Unknown => AccessDecision::Maybe,
        KeyValue::Known(values) => holds(operator, &values, expected),
        // If it holds for any call, that call is concerned for sure.
        KeyValue::OfS3Only => {
            let of_s3 = expected.iter().any(|text| text.starts_with("s3.") || text.contains('*'));
            let through_s3 = if of_s3 {
                AccessDecision::Maybe
            } else {
                holds(operator, &["s3"], expected)
            };
            holds(operator, &[], expected).max(through_s3)
        }
    }
}

/// Whether a condition holds for a key with one of these values. Without any, the key is absent.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
fn holds(operator: &str, actual: &[&str], expected: &[&str]) -> AccessDecision {
    let (operator, if_exists) = operator
        .strip_suffix("IfExists")
        .map_or((operator, false), |operator| (operator, true));
    // Of keys with one value. All values of an absent key are expected, and none of them.
    let (operator, if_absent) = match operator.split_once(':') {
        Some(("ForAllValues", operator)) => (operator, Some(true)),
        Some(("ForAnyValue", operator)) => (operator, Some(false)),
        _ => (operator, None),
    };
    if operator == "Null" {
        return AccessDecision::sure(expected.iter().any(|text| (*text == "true") == actual.is_empty()));
    }
    let (positive, negated) = match operator {
        "StringNotEquals" => ("StringEquals", true),
        "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
        "StringNotLike" => ("StringLike", true),
        "ArnNotEquals" => ("ArnEquals", true),
        "ArnNotLike" => ("ArnLike", true),
        "NumericNotEquals" => ("NumericEquals", true),
        other => (other, false),
    };
    if actual.is_empty() {
        return AccessDecision::sure(if_absent.unwrap_or(if_exists || negated));
    }
    let Some(matches) = comparison(positive) else {
        return AccessDecision::Maybe;
    };
    // During a rotation, for example, a call has one of two tags.
    let held = actual
        .iter()
        .filter(|actual| expected.iter().any(|wanted| matches(wanted, actual)))
        .count();
    let found = match held {
        0 => AccessDecision::No,
        all if all == actual.len() => AccessDecision::Yes,
        _ => AccessDecision::Maybe,
    };
    if negated { found.not() } else { found }
}

/// Whether what a policy wants matches a value. None for operators that are not compared here.
fn comparison(operator: &str) -> Option<fn(&str, &str) -> bool> {
    fn number(wanted: &str, actual: &str, is: fn(&f64, &f64) -> bool) -> bool {
        let numbers = actual.parse::<f64>().ok().zip(wanted.parse::<f64>().ok());
        numbers.is_some_and(|(actual, wanted)| is(&actual, &wanted))
    }
    Some(match operator {
        "StringEquals" => |wanted, actual| wanted == actual,
        "StringEqualsIgnoreCase" | "Bool" => |wanted, actual| wanted.eq_ignore_ascii_case(actual),
        "StringLike" => |wanted, actual| glob(wanted.as_bytes(), actual.as_bytes()),
        "ArnEquals" | "ArnLike" => arn_like,
        "NumericEquals" => |wanted, actual| number(wanted, actual, |actual, wanted| (actual - wanted).abs() < f64::EPSILON),
        "NumericLessThan" => |wanted, actual| number(wanted, actual, f64::lt),
        "NumericLessThanEquals" => |wanted, actual| number(wanted, actual, f64::le),
        "NumericGreaterThan" => |wanted, actual| number(wanted, actual, f64::gt),
        "NumericGreaterThanEquals" => |wanted, actual| number(wanted, actual, f64::ge),
        _ => return None,
    })
}

/// Each of the six parts of an ARN is compared on its own: no wildcard matches across a colon.
fn arn_like(wanted: &str, actual: &str) -> bool {
    let (wanted, actual): (Vec<&str>, Vec<&str>) = (wanted.splitn(6, ':').collect(), actual.splitn(6, ':').collect());
    wanted.len() == 6
        && actual.len() == 6
        && wanted
            .iter()
            .zip(actual)
            .all(|(wanted, actual)| glob(wanted.as_bytes(), actual.as_bytes()))
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

/// Counts comparisons, so that a test can bound the cost of the worst policy.
pub(super) mod steps {
    #[cfg(test)]
    thread_local! {
        static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[cfg(test)]
    pub(super) fn add(count: usize) {
        STEPS.set(STEPS.get() + count);
    }

    #[cfg(not(test))]
    pub(super) fn add(_: usize) {}

    /// The steps of this thread since the last call.
    #[cfg(test)]
    pub(in super::super) fn take() -> usize {
        STEPS.take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("arn:aws:s3:::b/*", "arn:aws:s3:::b/*", AccessDecision::Yes)]
    #[case("*", "arn:aws:s3:::b/*", AccessDecision::Yes)]
    #[case("arn:aws:s3:::b*", "arn:aws:s3:::b/*", AccessDecision::Yes)]
    #[case("arn:aws:s3:::b/private/*", "arn:aws:s3:::b/*", AccessDecision::Maybe)]
    #[case("arn:aws:s3:::*/private/*", "arn:aws:s3:::b/*", AccessDecision::Maybe)]
    #[case("arn:aws:s3:::c/*", "arn:aws:s3:::b/*", AccessDecision::No)]
    #[case("arn:aws:s3:::b", "arn:aws:s3:::b/*", AccessDecision::No)]
    #[case("s3:put*", "s3:PutObject", AccessDecision::Yes)]
    #[case("s3:PutObject?cl", "s3:PutObject", AccessDecision::No)]
    fn patterns_cover(#[case] pattern: &str, #[case] other: &str, #[case] expected: AccessDecision) {
        assert_eq!(covers(pattern, other), expected);
    }

    proptest! {
        /// Checked by brute force: some text over this alphabet matches both.
        #[test]
        fn patterns_overlap_when_a_text_matches_both(one in "[ab?*]{0,4}", other in "[ab*]{0,4}") {
            let mut texts = vec![String::new()];
            for length in 0..8 {
                let longer: Vec<String> = texts.iter().filter(|text| text.len() == length).flat_map(|text| ["a", "b"].map(|more| text.clone() + more)).collect();
                texts.extend(longer);
            }
            let common = texts.iter().any(|text| glob(one.as_bytes(), text.as_bytes()) && glob(other.as_bytes(), text.as_bytes()));
            prop_assert_eq!(overlap(one.as_bytes(), other.as_bytes()), common);
        }
    }

    #[rstest]
    #[case(json!({"Bool": {"aws:SecureTransport": "false"}}), AccessDecision::No)]
    #[case(json!({"Bool": {"aws:SecureTransport": false}}), AccessDecision::No)]
    #[case(json!({"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/r"}}), AccessDecision::No)]
    #[case(json!({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/r", "x"]}}), AccessDecision::No)]
    #[case(json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*/r"}}), AccessDecision::Yes)]
    #[case(json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*role/r"}}), AccessDecision::Yes)]
    #[case(json!({"StringNotEquals": {"aws:PrincipalAccount": 111_111_111_111_u64}}), AccessDecision::No)]
    #[case(json!({"StringNotEquals": {"kms:CallerAccount": ["111111111111"]}}), AccessDecision::No)]
    #[case(json!({"NumericLessThan": {"s3:TlsVersion": 1.2}}), AccessDecision::No)]
    #[case(json!({"NumericLessThan": {"s3:TlsVersion": "1.3"}}), AccessDecision::Maybe)]
    #[case(json!({"NumericLessThan": {"s3:TlsVersion": "1.4"}}), AccessDecision::Yes)]
    #[case(json!({"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-central-1:222222222222:key/x"}}), AccessDecision::Yes)]
    #[case(json!({"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}), AccessDecision::No)]
    #[case(json!({"StringEquals": {"s3:x-amz-acl": "public-read"}}), AccessDecision::No)]
    #[case(json!({"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}), AccessDecision::Yes)]
    #[case(json!({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}, "Null": {"s3:x-amz-server-side-encryption": "false"}}), AccessDecision::No)]
    #[case(json!({"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}}), AccessDecision::Yes)]
    #[case(json!({"StringNotEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}), AccessDecision::No)]
    #[case(json!({"StringNotEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}), AccessDecision::Yes)]
    #[case(json!({"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}), AccessDecision::Maybe)]
    #[case(json!({"StringEquals": {"kms:ViaService": "ec2.eu-central-1.amazonaws.com"}}), AccessDecision::No)]
    #[case(json!({"ForAllValues:StringEquals": {"aws:username": "x"}}), AccessDecision::Yes)]
    #[case(json!({"ForAnyValue:StringEquals": {"aws:username": "x"}}), AccessDecision::No)]
    #[case(json!({"ForAllValues:StringNotEquals": {"aws:username": "x"}}), AccessDecision::Yes)]
    #[case(json!({"StringNotEquals": {"aws:PrincipalAccount": "222222222222"}}), AccessDecision::Yes)]
    #[case(json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), AccessDecision::Maybe)]
    #[case(json!({"StringEquals": {"aws:PrincipalTag/t": "one"}}), AccessDecision::Maybe)]
    #[case(json!({"StringEquals": {"aws:PrincipalTag/t": ["one", "two"]}}), AccessDecision::Yes)]
    #[case(json!({"Null": {"aws:PrincipalTag/t": "true"}}), AccessDecision::No)]
    #[case(json!({"Bool": {"aws:SecureTransport": "true"}, "NotIpAddress": {"aws:SourceIp": "::/0"}}), AccessDecision::Maybe)]
    #[case(json!({}), AccessDecision::Yes)]
    fn conditions_hold(#[case] block: Value, #[case] expected: AccessDecision) {
        let role = RoleArn::parse("arn:aws:iam::111111111111:role/r").unwrap();
        let caller = PolicyCaller {
            role: &role,
            tags: vec!["one", "two"],
            tag: "t",
            actions: Vec::new(),
            resources: Vec::new(),
        };
        assert_eq!(conditions(&block, &caller).0, expected);
    }
}

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
        (None, Some(value)) => best(value).not(),
        (None, None) => AccessDecision::No,
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
            let holds = condition(operator, key, &texts(expected), caller);
            worst = worst.min(holds);
            if holds == AccessDecision::Maybe {
                keys.insert(key.clone());
            }
        }
    }
    (worst, keys)
}

/// The values of a condition key in all calls of this caller. None if they are unknown.
fn known<'a>(key: &str, caller: &'a PolicyCaller) -> Option<Vec<&'a str>> {
    let key = key.to_ascii_lowercase();
    if key == format!("aws:principaltag/{}", caller.tag) {
        return Some(caller.tags.clone());
    }
    Some(vec![match key.as_str() {
        "aws:securetransport" => "true",
        "aws:principalisawsservice" => "false",
        "aws:principaltype" => "AssumedRole",
        "aws:principalarn" => caller.role.as_str(),
        "aws:principalaccount" => caller.role.account().as_str(),
        _ => return None,
    }])
}

fn condition(operator: &str, key: &str, expected: &[&str], caller: &PolicyCaller) -> AccessDecision {
    let Some(actual) = known(key, caller) else {
        return AccessDecision::Maybe;
    };
    if expected.iter().any(|text| text.contains("${")) {
        return AccessDecision::Maybe;
    }
    let (operator, if_exists) = operator
        .strip_suffix("IfExists")
        .map_or((operator, false), |operator| (operator, true));
    let (positive, negated) = match operator {
        "StringNotEquals" => ("StringEquals", true),
        "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
        "StringNotLike" => ("StringLike", true),
        "ArnNotEquals" => ("ArnEquals", true),
        "ArnNotLike" => ("ArnLike", true),
        other => (other, false),
    };
    if operator == "Null" {
        return AccessDecision::sure(expected.iter().any(|text| (*text == "true") == actual.is_empty()));
    }
    if actual.is_empty() {
        return AccessDecision::sure(if_exists || negated);
    }
    let matches = |actual: &str| {
        expected.iter().any(|wanted| match positive {
            "StringEquals" => *wanted == actual,
            "StringEqualsIgnoreCase" | "Bool" => wanted.eq_ignore_ascii_case(actual),
            _ => glob(wanted.as_bytes(), actual.as_bytes()),
        })
    };
    if ![
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "ArnEquals",
        "ArnLike",
        "Bool",
    ]
    .contains(&positive)
    {
        return AccessDecision::Maybe;
    }
    // During a rotation, a call has one of two tags.
    let held = actual.iter().filter(|actual| matches(actual)).count();
    let found = match held {
        0 => AccessDecision::No,
        all if all == actual.len() => AccessDecision::Yes,
        _ => AccessDecision::Maybe,
    };
    if negated { found.not() } else { found }
}

/// A string or a list of strings; policies may contain either.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Bool(true) => vec!["true"],
        Value::Bool(false) => vec!["false"],
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

//! Condition operators and policy variables.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, Utc};
use ipnet::IpNet;
use serde_json::Value;

use super::context::{KeyValue, PolicyCaller, value_of};
use super::patterns::{arn_covers, arn_like, glob};
use super::{AccessDecision, scalars};

/// Whether all conditions of a statement hold, and the keys that this depends on.
pub(super) fn hold(block: &Value, caller: &PolicyCaller) -> (AccessDecision, BTreeSet<String>) {
    let (mut worst, mut keys) = (AccessDecision::Yes, BTreeSet::new());
    for (operator, tests) in block.as_object().into_iter().flatten() {
        for (key, expected) in tests.as_object().into_iter().flatten() {
            let holds = condition(operator, key, &scalars(expected), caller);
            worst = worst.min(holds);
            if holds == AccessDecision::Maybe {
                keys.insert(key.clone());
            }
        }
    }
    (worst, keys)
}

/// Whether the pattern of a resource covers another one.
pub(super) fn resource_covers(pattern: &str, resource: &str, caller: &PolicyCaller) -> AccessDecision {
    match with_values(pattern, caller) {
        Some(pattern) => arn_covers(&pattern, resource),
        // Whatever its variables stand for.
        None => arn_covers(&with_wildcards(pattern), resource).min(AccessDecision::Maybe),
    }
}

/// Stands for an asterisk or a question mark that is not a wildcard. No value contains it.
const LITERAL: &str = "\u{2}";

/// A text with the values of its policy variables. None if one of them is not known.
fn with_values(text: &str, caller: &PolicyCaller) -> Option<String> {
    if !caller.has_variables || !text.contains("${") {
        return Some(text.to_owned());
    }
    let (mut whole, mut rest) = (String::new(), text);
    while let Some((before, variable)) = rest.split_once("${") {
        let (variable, after) = variable.split_once('}')?;
        whole.push_str(before);
        match variable {
            "*" | "?" => whole.push_str(LITERAL),
            "$" => whole.push('$'),
            _ => whole.push_str(&value(variable, caller)?),
        }
        rest = after;
    }
    whole.push_str(rest);
    Some(whole)
}

/// A text with a wildcard replacing each policy variable.
fn with_wildcards(text: &str) -> String {
    let (mut whole, mut rest) = (String::new(), text);
    while let Some((before, variable)) = rest.split_once("${") {
        whole = whole + before + "*";
        rest = variable.split_once('}').map_or("", |(_, after)| after);
    }
    whole + rest
}

/// The value of a variable, or its default if the key is absent: `key, 'default'`.
fn value(variable: &str, caller: &PolicyCaller) -> Option<String> {
    let (key, default) = variable
        .split_once(',')
        .map_or((variable, None), |(key, default)| (key, Some(default)));
    match value_of(key.trim(), caller) {
        KeyValue::Known(values) => match values.as_slice() {
            [one] => Some((*one).to_owned()),
            [] => Some(default?.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn condition(operator: &str, key: &str, expected: &[String], caller: &PolicyCaller) -> AccessDecision {
    let Some(expected) = expected.iter().map(|text| with_values(text, caller)).collect::<Option<Vec<_>>>() else {
        return AccessDecision::Maybe;
    };
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    match value_of(key, caller) {
        KeyValue::Unknown => AccessDecision::Maybe,
        KeyValue::Known(values) => holds(operator, &values, &expected),
        KeyValue::Perhaps(value) => AccessDecision::of_either(holds(operator, &[], &expected), holds(operator, &[value], &expected)),
        KeyValue::Addresses(network) => holds_in(operator, &network, &expected),
        KeyValue::NotBefore(earliest) => holds_from(operator, earliest, &expected),
        // If it holds for any call, that call is concerned for sure.
        KeyValue::OfS3Only => {
            let of_s3 = expected.iter().any(|text| text.starts_with("s3.") || text.contains('*'));
            let through_s3 = if of_s3 {
                AccessDecision::Maybe
            } else {
                holds(operator, &["s3"], &expected)
            };
            holds(operator, &[], &expected).max(through_s3)
        }
    }
}

/// The parts of an operator's name.
struct Operator<'a> {
    /// What is compared how, without negation.
    comparison: &'a str,
    negated: bool,
    /// What it says of an absent key.
    if_absent: bool,
}

impl<'a> Operator<'a> {
    fn of(name: &'a str) -> Self {
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        // Of keys with one value. All values of an absent key are expected, and none of them.
        let (name, of_set) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (name, Some(true)),
            Some(("ForAnyValue", name)) => (name, Some(false)),
            _ => (name, None),
        };
        let (comparison, negated) = match name {
            "StringNotEquals" => ("StringEquals", true),
            "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
            "StringNotLike" => ("StringLike", true),
            "ArnNotEquals" | "ArnNotLike" => ("ArnLike", true),
            "NumericNotEquals" => ("NumericEquals", true),
            "DateNotEquals" => ("DateEquals", true),
            "NotIpAddress" => ("IpAddress", true),
            "ArnEquals" => ("ArnLike", false),
            other => (other, false),
        };
        Self {
            comparison,
            negated,
            if_absent: if_exists || of_set.unwrap_or(negated),
        }
    }
}

/// Whether a condition holds for a key with one of these values. Without any, the key is absent.
fn holds(operator: &str, actual: &[&str], expected: &[&str]) -> AccessDecision {
    let operator = Operator::of(operator);
    if operator.comparison == "Null" {
        return AccessDecision::sure(expected.iter().any(|text| text.eq_ignore_ascii_case("true") == actual.is_empty()));
    }
    if actual.is_empty() {
        return AccessDecision::sure(operator.if_absent);
    }
    let Some(matches) = comparison(operator.comparison) else {
        return AccessDecision::Maybe;
    };
    // During a rotation, for example, a call has one of two tags.
    let held = actual
        .iter()
        .filter(|actual| expected.iter().any(|wanted| matches(wanted, actual)))
        .count();
    let found = match held {
        // AWS does not document what this means where an ARN belongs.
        0 if operator.comparison == "ArnLike" && expected.contains(&"*") => AccessDecision::Maybe,
        0 => AccessDecision::No,
        all if all == actual.len() => AccessDecision::Yes,
        _ => AccessDecision::Maybe,
    };
    if operator.negated { found.not() } else { found }
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
        "ArnLike" => arn_like,
        "NumericEquals" => |wanted, actual| number(wanted, actual, |actual, wanted| (actual - wanted).abs() < f64::EPSILON),
        "NumericLessThan" => |wanted, actual| number(wanted, actual, f64::lt),
        "NumericLessThanEquals" => |wanted, actual| number(wanted, actual, f64::le),
        "NumericGreaterThan" => |wanted, actual| number(wanted, actual, f64::gt),
        "NumericGreaterThanEquals" => |wanted, actual| number(wanted, actual, f64::ge),
        _ => return None,
    })
}

/// Whether a condition holds for every address of a network, for some, or for none. The key is present.
fn holds_in(operator: &str, network: &IpNet, expected: &[&str]) -> AccessDecision {
    let operator = Operator::of(operator);
    if operator.comparison == "Null" {
        return AccessDecision::sure(expected.iter().any(|text| text.eq_ignore_ascii_case("false")));
    }
    if operator.comparison != "IpAddress" {
        return AccessDecision::Maybe;
    }
    let covers = |wanted: &&str| {
        let address = || wanted.parse::<IpAddr>().map(IpNet::from);
        match wanted.parse::<IpNet>().or_else(|_| address()) {
            Ok(wanted) if wanted.contains(network) => AccessDecision::Yes,
            Ok(wanted) if !network.contains(&wanted) => AccessDecision::No,
            _ => AccessDecision::Maybe,
        }
    };
    let found = expected.iter().map(covers).max().unwrap_or(AccessDecision::No);
    if operator.negated { found.not() } else { found }
}

/// Whether a condition holds for a key with any time from this one on. The key is always present.
fn holds_from(operator: &str, earliest: DateTime<Utc>, expected: &[&str]) -> AccessDecision {
    let operator = Operator::of(operator);
    if operator.comparison == "Null" {
        return AccessDecision::sure(expected.iter().any(|text| text.eq_ignore_ascii_case("false")));
    }
    let relation = operator
        .comparison
        .strip_prefix("Date")
        .or_else(|| operator.comparison.strip_prefix("Numeric"));
    let Some(relation) = relation else {
        return AccessDecision::Maybe;
    };
    let holds = |wanted: &&str| {
        let Some(wanted) = time(wanted) else {
            return AccessDecision::Maybe;
        };
        let or = |certain, otherwise| if certain { otherwise } else { AccessDecision::Maybe };
        match relation {
            "Equals" | "LessThanEquals" => or(wanted < earliest, AccessDecision::No),
            "LessThan" => or(wanted <= earliest, AccessDecision::No),
            "GreaterThan" => or(wanted < earliest, AccessDecision::Yes),
            "GreaterThanEquals" => or(wanted <= earliest, AccessDecision::Yes),
            _ => AccessDecision::Maybe,
        }
    };
    let found = expected.iter().map(holds).max().unwrap_or(AccessDecision::No);
    if operator.negated { found.not() } else { found }
}

/// A date, a time, or the seconds since 1970.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(seconds) = text.parse::<i64>() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let date = || text.parse::<NaiveDate>().ok().and_then(|date| date.and_hms_opt(0, 0, 0));
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| date().map(|time| time.and_utc()))
}

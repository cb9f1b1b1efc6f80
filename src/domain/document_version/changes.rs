//! What changed between two versions of the documents, statement by statement, in sentences.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GrantKind;
use super::set::{DocumentSet, KindDocuments};
use crate::domain::fix::FixDocument;
use crate::domain::templates::sid::SidSuffix;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentChange {
    /// The document's name, such as `bucket-policy`.
    pub document: String,
    /// The Sid of the statement. None for what is not a statement.
    pub statement: Option<String>,
    /// A sentence without a subject, such as "adds s3:GetBucketLogging to the bucket policy".
    pub summary: String,
}

/// What a kind's documents of `to` have or lack, compared with those of `from`. With the Sids of a tenant, if it is about one.
pub fn changes(from: &DocumentSet, to: &DocumentSet, kind: GrantKind, sid_suffix: Option<SidSuffix>) -> Vec<DocumentChange> {
    let empty = KindDocuments::new();
    let (before, after) = (from.of_kind(kind).unwrap_or(&empty), to.of_kind(kind).unwrap_or(&empty));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let none = Vec::new();
        let (before, after) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        compare(name, before, after, sid_suffix, &mut changes);
    }
    changes
}

fn compare(document: &str, before: &[Value], after: &[Value], sid_suffix: Option<SidSuffix>, changes: &mut Vec<DocumentChange>) {
    let sids: Vec<Option<&str>> = before.iter().chain(after).map(sid).collect();
    let mut seen = BTreeSet::new();
    for sid in sids.into_iter().filter(|sid| seen.insert(*sid)) {
        let find = |statements: &'_ [Value]| statements.iter().find(|statement| self::sid(statement) == sid).cloned();
        let (before, after) = (find(before), find(after));
        let sid = sid.map(|sid| sid_suffix.map_or_else(|| sid.to_owned(), |suffix| suffix.append_to(sid)));
        for what in differences(document, sid.as_deref(), before.as_ref(), after.as_ref()) {
            changes.push(DocumentChange {
                document: document.to_owned(),
                statement: sid.clone(),
                summary: what,
            });
        }
    }
}

/// What differs in a statement, or in a document that has none.
fn differences(document: &str, sid: Option<&str>, before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let place = place(document);
    let statement = |sid: &str| format!("the statement {sid} ");
    match (before, after, sid) {
        (None, None, _) => Vec::new(),
        (Some(before), Some(after), _) if before == after => Vec::new(),
        (None, Some(added), Some(sid)) => {
            let actions: Vec<String> = actions(added).into_iter().collect();
            let effect = match added["Effect"].as_str() {
                Some("Deny") => "denies calls from outside of the vendor's network".to_owned(),
                _ => format!("allows {}", list(&actions)),
            };
            vec![format!("adds {}to {place}, which {effect}", statement(sid))]
        }
        (Some(_), None, Some(sid)) => vec![format!("removes {}from {place}", statement(sid))],
        (Some(before), Some(after), Some(sid)) => of_statement(place, sid, before, after),
        (None, Some(_), None) => vec![format!("adds {place}")],
        (Some(_), None, None) => vec![format!("removes {place}")],
        (Some(_), Some(_), None) => vec![format!("changes {place}")],
    }
}

fn of_statement(place: &str, sid: &str, before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let allowed = Difference::of(&actions(before), &actions(after));
    if !allowed.added.is_empty() {
        found.push(format!("adds {} to {place}", list(&allowed.added)));
    }
    if !allowed.removed.is_empty() {
        found.push(format!("removes {} from {place}", list(&allowed.removed)));
    }
    let (previous, current) = (conditions(before), conditions(after));
    let keys = |conditions: &BTreeMap<String, String>| conditions.keys().cloned().collect();
    let required = Difference::of(&keys(&previous), &keys(&current));
    let changed: Vec<String> = current
        .iter()
        .filter(|(key, condition)| previous.get(*key).is_some_and(|before| before != *condition))
        .map(|(key, _)| key.clone())
        .collect();
    for (verb, keys, preposition) in [
        ("adds", required.added, "to"),
        ("removes", required.removed, "from"),
        ("changes", changed, "in"),
    ] {
        let noun = if keys.len() == 1 { "condition" } else { "conditions" };
        if !keys.is_empty() {
            found.push(format!(
                "{verb} the {noun} on {} {preposition} the statement {sid} of {place}",
                list(&keys)
            ));
        }
    }
    for (member, name) in [("Principal", "principal"), ("Resource", "resource"), ("Effect", "effect")] {
        if before.get(member) != after.get(member) {
            found.push(format!("changes the {name} of the statement {sid} of {place}"));
        }
    }
    if found.is_empty() {
        found.push(format!("changes the statement {sid} of {place}"));
    }
    found
}

/// What one set of texts has and another one has not.
struct Difference {
    added: Vec<String>,
    removed: Vec<String>,
}

impl Difference {
    fn of(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Self {
        Self {
            added: after.difference(before).cloned().collect(),
            removed: before.difference(after).cloned().collect(),
        }
    }
}

/// The document in a sentence.
fn place(document: &str) -> &str {
    match document.parse() {
        Ok(FixDocument::TrustPolicy) => "the role's trust policy",
        Ok(FixDocument::RolePermissions) => "the role's permissions",
        Ok(FixDocument::KeyPolicy) => "the key policy",
        Ok(FixDocument::BucketPolicy) => "the bucket policy",
        Ok(FixDocument::BucketEncryption) => "the bucket's default encryption",
        _ => document,
    }
}

fn sid(statement: &Value) -> Option<&str> {
    statement.get("Sid").and_then(Value::as_str)
}

/// A member that is one text or a list of texts.
fn texts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => BTreeSet::from([text.clone()]),
        _ => BTreeSet::new(),
    }
}

fn actions(statement: &Value) -> BTreeSet<String> {
    texts(&statement["Action"])
}

/// What is required of each key.
fn conditions(statement: &Value) -> BTreeMap<String, String> {
    let mut required: BTreeMap<String, String> = BTreeMap::new();
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let condition = format!("{operator} {:?};", texts(values));
            required.entry(key.clone()).or_default().push_str(&condition);
        }
    }
    required
}

/// `a`, `a and b`, `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

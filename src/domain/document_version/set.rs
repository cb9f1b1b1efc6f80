//! The documents of all kinds, with placeholders for a tenant's own values.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::GrantKind;
use crate::domain::external_id::ExternalId;
use crate::domain::extra_action::ExtraAction;
use crate::domain::templates::network::NETWORK_SID;
use crate::domain::templates::{TemplateParams, json};
use crate::domain::vendor::Vendor;

const EXTERNAL_ID: &str = "<EXTERNAL_ID>";

/// The statements of each document, by kind and by the document's name. Names are texts, because another release may know others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentSet(BTreeMap<String, KindDocuments>);

/// The statements of each document of a kind.
pub(super) type KindDocuments = BTreeMap<String, Vec<Value>>;

impl DocumentSet {
    /// What this vendor issues, with each access: a tenant keeps the access that it has if the vendor no longer offers it. The ARNs of the
    /// vendor's roles are part of the documents.
    pub fn of(vendor: &Vendor) -> Self {
        let id = ExternalId::from_random([0; 20]);
        let documents = GrantKind::all(vendor.modes()).filter_map(|kind| {
            let params = TemplateParams {
                posture: vendor.posture,
                extra: vendor.extra.clone(),
                level: kind.level,
                network: vendor.network.clone(),
                ..TemplateParams::empty(kind.mode, vendor.role(kind.mode)?.clone(), vec![id.clone()])
            };
            let of_kind = json::documents(&params).documents.into_iter().map(|document| {
                let body = document.new_key_policy.unwrap_or(document.body);
                (document.document.to_string(), statements(without_id(body, id.as_str())))
            });
            Some((name(kind), of_kind.collect()))
        });
        Self(documents.collect())
    }

    /// Identifies the documents.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        hex::encode(Sha256::digest(text))
    }

    /// The parts of a kind's documents that calls cannot show: where the vendor's calls may come from, since they come from there anyway, and
    /// the actions that no call proves.
    fn unprovable(&self, kind: GrantKind) -> BTreeSet<String> {
        let statements = self.of_kind(kind).into_iter().flatten();
        let of_document = |(name, statements): (&String, &Vec<Value>)| {
            let parts = statements.iter().flat_map(|statement| {
                let actions = statement["Action"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let untested = actions.filter(|action| matches!(ExtraAction::parse(action), Ok(ExtraAction::Unprovable(_))));
                let network = (statement["Sid"] == NETWORK_SID).then(|| statement.to_string());
                untested.map(str::to_owned).chain(network).collect::<Vec<_>>()
            });
            parts.map(|part| format!("{name} {part}")).collect::<Vec<_>>()
        };
        statements.flat_map(of_document).collect()
    }

    /// Whether calls show which of the two a customer has applied.
    pub fn is_told_from(&self, other: &Self, kind: GrantKind) -> bool {
        self.unprovable(kind) == other.unprovable(kind)
    }

    /// None if the mode is not offered.
    pub(super) fn of_kind(&self, kind: GrantKind) -> Option<&KindDocuments> {
        self.0.get(&name(kind))
    }
}

/// The name of a kind in the stored documents.
fn name(kind: GrantKind) -> String {
    format!("{}/{}", kind.mode, kind.level)
}

/// The statements of a policy, or the only one of any other document.
fn statements(mut body: Value) -> Vec<Value> {
    match body.get_mut("Statement").map(Value::take) {
        Some(Value::Array(statements)) => statements,
        _ => vec![body],
    }
}

fn without_id(value: Value, id: &str) -> Value {
    match value {
        Value::String(text) if text == id => Value::String(EXTERNAL_ID.to_owned()),
        Value::Array(items) => items.into_iter().map(|item| without_id(item, id)).collect(),
        Value::Object(members) => members.into_iter().map(|(name, member)| (name, without_id(member, id))).collect(),
        other => other,
    }
}

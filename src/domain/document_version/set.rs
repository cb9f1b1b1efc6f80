//! The documents of all modes, with placeholders for a tenant's own values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::external_id::ExternalId;
use crate::domain::storage_config::Mode;
use crate::domain::templates::{TemplateParams, json};
use crate::domain::vendor::Vendor;

const EXTERNAL_ID: &str = "<EXTERNAL_ID>";

/// The statements of each document, by mode and by the document's name. Names are texts, because another release may know others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentSet(BTreeMap<String, ModeDocuments>);

/// The statements of each document of a mode.
pub(super) type ModeDocuments = BTreeMap<String, Vec<Value>>;

impl DocumentSet {
    /// What this vendor issues. The ARNs of its roles are part of the documents.
    pub fn of(vendor: &Vendor) -> Self {
        let id = ExternalId::from_random([0; 20]);
        let documents = vendor.modes().into_iter().filter_map(|mode| {
            let params = TemplateParams {
                posture: vendor.posture,
                level: vendor.level(),
                network: vendor.network.clone(),
                ..TemplateParams::empty(mode, vendor.role(mode)?.clone(), vec![id.clone()])
            };
            let of_mode = json::documents(&params).documents.into_iter().map(|document| {
                let body = document.new_key_policy.unwrap_or(document.body);
                (document.document.to_string(), statements(without_id(body, id.as_str())))
            });
            Some((mode.to_string(), of_mode.collect()))
        });
        Self(documents.collect())
    }

    /// Identifies the documents.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        hex::encode(Sha256::digest(text))
    }

    /// None if the mode is not offered.
    pub(super) fn of_mode(&self, mode: Mode) -> Option<&ModeDocuments> {
        self.0.get(<&str>::from(mode))
    }
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

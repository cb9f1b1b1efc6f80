//! Which statement of the current policy an issued one replaces: only this tenant's own. A policy can have statements of several tenants of
//! the vendor, each with Sids of its own. The script (`../cli.sh`) follows the same rule.

use serde_json::Value;

use super::super::TemplateParams;
use super::super::policy_eval::scalars;
use super::super::statements::{EXTERNAL_ID, TAG};

/// Whether a statement has this tenant's Sid, or the Sid without the tenant's end and only this tenant's external IDs. Without any external
/// ID, the principal tells whose it is: in `assume_role`, each tenant has its own role.
pub(super) fn replaces(ours: &Value, present: &Value, params: &TemplateParams) -> bool {
    if present["Sid"].is_string() && ours["Sid"] == present["Sid"] {
        return true;
    }
    let (own, named) = (named_ids(ours), named_ids(present));
    let is_ours_alone = if own.is_empty() {
        named.is_empty() && ours["Principal"] == present["Principal"]
    } else {
        !named.is_empty() && named.iter().all(|id| own.contains(id))
    };
    common_sid(ours, present, params) && present["Effect"] == "Allow" && is_ours_alone
}

/// Whether a statement has the Sid of an issued one without the end that makes it the tenant's.
pub(super) fn common_sid(ours: &Value, present: &Value, params: &TemplateParams) -> bool {
    let (Some(own), Some(sid), Some(suffix)) = (ours["Sid"].as_str(), present["Sid"].as_str(), params.sid_suffix) else {
        return false;
    };
    own == suffix.append_to(sid)
}

/// The external IDs that a statement requires one of.
pub(super) fn named_ids(statement: &Value) -> Vec<String> {
    let required = &statement["Condition"]["StringEquals"];
    let tag = format!("aws:PrincipalTag/{TAG}");
    [EXTERNAL_ID, &tag].into_iter().flat_map(|key| scalars(&required[key])).collect()
}

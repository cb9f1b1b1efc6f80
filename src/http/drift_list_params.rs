//! The filter and page of the drift feed, from the query of the API and of the dashboard.

use serde::Deserialize;
use strum::IntoEnumIterator;
use utoipa::IntoParams;

use crate::domain::check::CheckName;
use crate::domain::drift::DriftFilter;
use crate::domain::ids::TenantRef;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::tenant_list_params::{parse_choice, parse_moment};
use crate::service::{StoreError, read};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DriftListParams {
    /// ID or slug. If omitted, the drifts of all tenants.
    pub tenant: Option<String>,
    /// Only drifts of this check.
    #[param(value_type = Option<CheckName>)]
    pub check: Option<String>,
    /// Only drifts found at this time or later. An RFC 3339 time, or how long ago, such as `24h`.
    #[param(example = "24h")]
    pub since: Option<String>,
    /// The number of items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

impl DriftListParams {
    /// The filter. None if there is no such tenant. Parameters that cannot be parsed are reported in `faults`.
    pub(crate) async fn filter(&self, state: &AppState, faults: &mut Vec<FieldError>) -> Result<Option<DriftFilter>, StoreError> {
        let mut filter = DriftFilter {
            tenant: None,
            check: parse_choice("check", self.check.as_deref(), CheckName::iter(), faults),
            since: parse_moment("since", self.since.as_deref(), faults),
        };
        if let Some(tenant) = &self.tenant {
            let found = match TenantRef::parse(tenant) {
                Ok(tenant) => read::tenants::find(&state.context, &tenant).await?,
                Err(_) => None,
            };
            let Some(found) = found else { return Ok(None) };
            filter.tenant = Some(found.id);
        }
        Ok(Some(filter))
    }
}

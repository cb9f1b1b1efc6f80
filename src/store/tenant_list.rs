//! Lists of tenants: filtered, newest first, in pages (keyset pagination).

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Result;
use super::tenants::TenantRow;
use crate::domain::document_version::ModeNumbers;
use crate::domain::ids::TenantId;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{Tenant, TenantFilter};

/// The last tenant of the previous page.
pub(crate) type After = Option<(DateTime<Utc>, TenantId)>;

/// A page of tenants, newest first.
pub(crate) async fn list(db: &mut PgConnection, filter: &TenantFilter, after: After, limit: i64) -> Result<Vec<Tenant>> {
    let mut query = QueryBuilder::new("select t.* from (select id from tenants where true");
    push_conditions(&mut query, filter);
    if let Some((created_at, id)) = after {
        query.push(" and (created_at, id) < (").push_bind(created_at);
        query.push(", ").push_bind(id.as_uuid()).push(")");
    }
    query.push(" order by created_at desc, id desc limit ").push_bind(limit);
    // The overview is computed for the page only.
    query.push(") page join tenant_overview t on t.id = page.id order by t.created_at desc, t.id desc");
    // Planned for each filter: a prepared statement may get one plan for frequent and for rare words.
    let query = query.build_query_as().persistent(false);
    let rows: Vec<TenantRow> = query.fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// All tenants that match.
pub(crate) async fn matching(db: &mut PgConnection, filter: &TenantFilter) -> Result<Vec<TenantId>> {
    let mut query = QueryBuilder::new("select id from tenants where true");
    push_conditions(&mut query, filter);
    let ids: Vec<Uuid> = query.build_query_scalar().persistent(false).fetch_all(db).await?;
    Ok(ids.into_iter().map(TenantId::from).collect())
}

pub(super) fn push_conditions(query: &mut QueryBuilder<Postgres>, filter: &TenantFilter) {
    for word in filter.words.iter().flatten() {
        query.push(" and search_text like ").push_bind(format!("% {word}%"));
    }
    match filter.mode {
        Some(Mode::Direct) => query.push(" and 'direct' = any (modes)"),
        Some(Mode::AssumeRole) => query.push(" and 'assume_role' = any (modes)"),
        None => query,
    };
    if let Some(below) = filter.documents_below {
        push_documents_below(query, below);
    }
    match (filter.failing_check, filter.status) {
        (None, None) => query,
        (None, Some(status)) => query.push(" and status = ").push_bind(<&str>::from(status)),
        (Some(check), None) => push_failing(query, check.to_string()),
        (Some(check), Some(status)) => push_failing(query, format!("{check}/{status}")),
    };
}

/// Tenants with an active version that was not verified against these numbers. Only versions in `assume_role` have a role.
fn push_documents_below(query: &mut QueryBuilder<Postgres>, below: ModeNumbers) {
    query
        .push(
            " and exists (
                 select from active_configs a left join config_documents d on d.config_id = a.config_id
                 where a.tenant_id = tenants.id and coalesce(d.verified, 0) < case when a.role_arn is null then ",
        )
        .push_bind(below.direct)
        .push(" else ")
        .push_bind(below.assume_role)
        .push(" end)");
}

fn push_failing(query: &mut QueryBuilder<Postgres>, term: String) -> &mut QueryBuilder<Postgres> {
    query.push(" and failing_terms @> ").push_bind(vec![term])
}

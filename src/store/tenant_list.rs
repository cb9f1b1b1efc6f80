//! Lists of tenants: filtered, in pages (keyset pagination). Newest first, or the one first that was not verified for longest.
//!
//! A page reads about as many rows as it shows: each order has an index, and no row is sorted that is not shown.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Result;
use super::tenants::TenantRow;
use crate::domain::check::CheckName;
use crate::domain::document_version::KindNumbers;
use crate::domain::ids::TenantId;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{LastVerified, ListedTenant, Tenant, TenantFilter, TenantOrder, TenantStatus};

/// The last tenant of the previous page.
pub(crate) type After = Option<(DateTime<Utc>, TenantId)>;

/// The statuses of tenants whose active version is verified again.
const REVERIFIED: [TenantStatus; 3] = [TenantStatus::Active, TenantStatus::Degraded, TenantStatus::Quarantined];

#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    tenant: TenantRow,
    light_at: Option<DateTime<Utc>>,
    full_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    full_due_at: Option<DateTime<Utc>>,
}

impl TryFrom<ListedRow> for ListedTenant {
    type Error = super::StoreError;

    fn try_from(row: ListedRow) -> Result<Self> {
        let reverification = row.due_at.zip(row.full_due_at).map(|(next_at, next_full_at)| LastVerified {
            light_at: row.light_at,
            full_at: row.full_at,
            next_at,
            next_full_at,
        });
        Ok(Self {
            tenant: Tenant::try_from(row.tenant)?,
            reverification,
        })
    }
}

/// The index of an order: its time, its ID, and their direction.
fn keys(order: TenantOrder) -> (&'static str, &'static str, &'static str) {
    match order {
        TenantOrder::Newest => ("created_at", "id", "desc"),
        TenantOrder::Confirmed => ("r.light_at", "r.tenant_id", "asc"),
        TenantOrder::VerifiedInFull => ("r.full_at", "r.tenant_id", "asc"),
    }
}

/// A page of tenants, in the order of the filter.
pub(crate) async fn list(
    db: &mut PgConnection,
    filter: &TenantFilter,
    after: After,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<ListedTenant>> {
    if finds_nothing(filter) {
        return Ok(Vec::new());
    }
    let (time, id, direction) = keys(filter.order());
    let mut query = QueryBuilder::new(format!(
        "select t.*, r.light_at, r.full_at, r.due_at, r.full_due_at from (select {id} as id, {time} as listed_by "
    ));
    push_matching(&mut query, filter, now);
    if let Some((last_time, last_id)) = after {
        let beyond = if direction == "desc" { "<" } else { ">" };
        query.push(format!(" and ({time}, {id}) {beyond} (")).push_bind(last_time);
        query.push(", ").push_bind(last_id.as_uuid()).push(")");
    }
    query
        .push(format!(" order by {time} {direction}, {id} {direction} limit "))
        .push_bind(limit);
    // The rest is computed for the page only.
    query.push(format!(
        ") page join tenant_overview t on t.id = page.id
         left join active_configs a on a.tenant_id = page.id
         left join reverifications r on r.config_id = a.config_id
         order by page.listed_by {direction}, page.id {direction}"
    ));
    // Planned for each filter: a prepared statement may get one plan for frequent and for rare words.
    let query = query.build_query_as().persistent(false);
    let rows: Vec<ListedRow> = query.fetch_all(db).await?;
    rows.into_iter().map(ListedTenant::try_from).collect()
}

/// All tenants that match.
pub(crate) async fn matching(db: &mut PgConnection, filter: &TenantFilter, now: DateTime<Utc>) -> Result<Vec<TenantId>> {
    if finds_nothing(filter) {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("select id ");
    push_matching(&mut query, filter, now);
    let ids: Vec<Uuid> = query.build_query_scalar().persistent(false).fetch_all(db).await?;
    Ok(ids.into_iter().map(TenantId::from).collect())
}

/// No tenant with this status has a version that is verified again. Postgres would look for one among all versions.
fn finds_nothing(filter: &TenantFilter) -> bool {
    filter.order() != TenantOrder::Newest && filter.status.is_some_and(|status| !REVERIFIED.contains(&status))
}

/// The tables, and the conditions. Column names without a table are those of `tenants`.
fn push_matching(query: &mut QueryBuilder<Postgres>, filter: &TenantFilter, now: DateTime<Utc>) {
    if filter.order() == TenantOrder::Newest {
        query.push("from tenants where true");
    } else {
        // Only active versions were ever verified: of the others, these times are null. Joining active_configs as well would make Postgres
        // expect so few rows that it sorts them all.
        query.push("from reverifications r join tenants on id = r.tenant_id where true");
    }
    for (column, before) in [
        ("r.light_at", filter.confirmed_before),
        ("r.full_at", filter.verified_in_full_before),
    ] {
        if let Some(before) = before {
            query.push(format!(" and {column} < ")).push_bind(before.at(now));
        }
    }
    push_conditions(query, filter);
}

/// The conditions on columns of `tenants`.
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
        (None, None) if filter.order() == TenantOrder::Newest => query,
        // Such a version may also be released, and not active anymore.
        (None, None) => query
            .push(" and status = any (")
            .push_bind(REVERIFIED.map(<&str>::from).to_vec())
            .push(")"),
        (None, Some(status)) => query.push(" and status = ").push_bind(<&str>::from(status)),
        (Some(check), Some(status)) => push_failing(query, vec![format!("{check}/{status}")]),
        (Some(check), None) if filter.order() == TenantOrder::Newest => push_failing(query, vec![check.to_string()]),
        (Some(check), None) => push_failing(query, failing_while_reverified(check)),
    };
}

/// Tenants with an active version that was not verified against these numbers.
fn push_documents_below(query: &mut QueryBuilder<Postgres>, below: KindNumbers) {
    query
        .push(
            " and exists (
                 select from active_configs a
                 join storage_configs s on s.id = a.config_id left join config_documents d on d.config_id = a.config_id
                 where a.tenant_id = tenants.id and coalesce(d.verified, 0) < case s.mode || '/' || s.access
                     when 'assume_role/read_write' then ",
        )
        .push_bind(below.assume_role)
        .push(" when 'assume_role/read' then ")
        .push_bind(below.assume_role_read)
        .push(" when 'direct/read_write' then ")
        .push_bind(below.direct)
        .push(" else ")
        .push_bind(below.direct_read)
        .push(" end)");
}

/// How many tenants fail a check says little about how many of them are verified again.
fn failing_while_reverified(check: CheckName) -> Vec<String> {
    REVERIFIED.map(|status| format!("{check}/{status}")).to_vec()
}

/// At least one of these.
fn push_failing(query: &mut QueryBuilder<Postgres>, terms: Vec<String>) -> &mut QueryBuilder<Postgres> {
    let operator = if terms.len() == 1 { "@>" } else { "&&" };
    query.push(format!(" and failing_terms {operator} ")).push_bind(terms)
}

//! Lists of tenants, newest first, by whatever they are filtered.
//!
//! Each page is read from an index that has the list's order, so that it costs what it shows. Which index, is decided here and
//! not by Postgres, whose statistics cannot tell how many tenants have a word that begins in some way. Statements are made of
//! the filters that are given, and of nothing that was typed.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};

use super::Result;
use super::tenants::Row;
use crate::domain::check::CheckName;
use crate::domain::ids::TenantId;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{Tenant, TenantFilter};

/// The last tenant of the page before.
pub type After = Option<(DateTime<Utc>, TenantId)>;

/// A word that no more tenants have is looked up, and what is found sorted. One that more have is met often enough on the way
/// through the list.
const FEW: i64 = 3_000;

/// Sorting all that a filter finds looks cheaper to Postgres than it is, where it knows little of a table yet.
const IN_ORDER: &str = "begin read only; set local enable_bitmapscan = off; set local enable_seqscan = off";

/// A page of tenants, newest first, after the one given.
pub async fn list(db: &mut PgConnection, filter: &TenantFilter, after: After, limit: i64) -> Result<Vec<Tenant>> {
    let mut db = db.begin_with(IN_ORDER).await?;
    let rare = rarest(&mut db, filter).await?;
    let mut page = TenantPage {
        query: QueryBuilder::default(),
        after,
        limit,
    };
    page.query.push("select t.* from (");
    match (&rare, filter.failing_check) {
        (Some(word), _) => page.of_word(word, filter),
        (None, Some(check)) => page.of_check(check, filter),
        (None, None) => page.of_all(filter),
    }
    // The facts are looked up of the page alone.
    page.query
        .push(") page join tenant_overview t on t.id = page.id order by t.created_at desc, t.id desc");
    let rows: Vec<Row> = page.query.build_query_as().fetch_all(&mut *db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// The word that the fewest tenants have, when these are few.
async fn rarest<'a>(db: &mut PgConnection, filter: &'a TenantFilter) -> Result<Option<&'a str>> {
    let mut rarest = None;
    let mut fewest = FEW + 1;
    for word in filter.words.iter().flatten() {
        let (from, to) = range(word);
        let found = sqlx::query_scalar!(
            r#"select count(*) as "count!" from (select from tenant_search_terms where term >= $1 and term < $2 limit $3) found"#,
            from,
            to,
            fewest,
        )
        .fetch_one(&mut *db)
        .await?;
        if found < fewest {
            (rarest, fewest) = (Some(word.as_str()), found);
        }
    }
    Ok(rarest)
}

/// Where the terms stand that a word begins.
fn range(word: &str) -> (String, String) {
    (format!("word:{word}"), format!("word:{word}\u{10ffff}"))
}

struct TenantPage {
    query: QueryBuilder<Postgres>,
    after: After,
    limit: i64,
}

impl TenantPage {
    /// What has a rare word, sorted; the other filters are held against these few.
    fn of_word(&mut self, word: &str, filter: &TenantFilter) {
        let (from, to) = range(word);
        let alone = filter.words.as_ref().is_some_and(|words| words.len() == 1)
            && filter.status.is_none()
            && filter.mode.is_none()
            && filter.failing_check.is_none();
        self.query
            .push("select t.* from (select created_at, tenant_id from tenant_search_terms where term >= ");
        self.query.push_bind(from).push(" and term < ").push_bind(to);
        self.after("tenant_id");
        self.query.push(" group by created_at, tenant_id");
        if alone {
            self.in_order("created_at", "tenant_id");
        }
        self.query.push(") k");
        self.each_tenant();
        self.hold(filter);
        if let Some(check) = filter.failing_check {
            self.query.push(" and failing_checks @> ").push_bind(vec![check.to_string()]);
        }
        self.in_order("k.created_at", "k.tenant_id");
    }

    /// Of whom a check fails, in order.
    fn of_check(&mut self, check: CheckName, filter: &TenantFilter) {
        let term = match filter.status {
            None => format!("check:{check}"),
            Some(status) => format!("check:{check}/{status}"),
        };
        self.query
            .push("select t.* from (select created_at, tenant_id from tenant_search_terms where term = ")
            .push_bind(term);
        self.after("tenant_id");
        self.query.push(" order by created_at desc, tenant_id desc) k");
        self.each_tenant();
        self.hold(&TenantFilter {
            status: None,
            ..filter.clone()
        });
        self.in_order("k.created_at", "k.tenant_id");
    }

    /// All of a status or a mode, or just all, in order.
    fn of_all(&mut self, filter: &TenantFilter) {
        self.query.push("select * from tenants where true");
        self.after("id");
        self.hold(filter);
        self.in_order("created_at", "id");
    }

    /// One by one, by their ids: whatever Postgres expects, it is not to read all tenants for it.
    fn each_tenant(&mut self) {
        self.query
            .push(", lateral (select * from tenants where id = k.tenant_id offset 0) t where true");
    }

    fn hold(&mut self, filter: &TenantFilter) {
        if let Some(status) = filter.status {
            self.query.push(" and status = ").push_bind(<&str>::from(status));
        }
        let mode = match filter.mode {
            Some(Mode::Direct) => "'direct' = any (modes)",
            Some(Mode::AssumeRole) => "'assume_role' = any (modes)",
            None => "true",
        };
        // Of a status there may be few, of a mode there are many: the status's index is the one to go by.
        let mode = if filter.status.is_some() {
            format!("({mode}) is true")
        } else {
            mode.to_owned()
        };
        self.query.push(" and ").push(mode);
        if let Some(words) = &filter.words {
            let begun: Vec<String> = words.iter().map(|word| format!("{word}:*")).collect();
            self.query
                .push(" and search @@ to_tsquery('simple', ")
                .push_bind(begun.join(" & "))
                .push(")");
        }
    }

    fn after(&mut self, id: &str) {
        if let Some((at, last)) = self.after {
            self.query
                .push(format_args!(" and (created_at, {id}) < ("))
                .push_bind(at)
                .push(", ");
            self.query.push_bind(last.as_uuid()).push(")");
        }
    }

    fn in_order(&mut self, at: &str, id: &str) {
        self.query
            .push(format_args!(" order by {at} desc, {id} desc limit "))
            .push_bind(self.limit);
    }
}
